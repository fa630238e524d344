/** Chat Completions: how an answer is read. Each event is understood without the others; thoughts are put together from all. */
import { readChunk, thoughtFieldsIn } from "./chunk.ts";
import { type Fields, fieldsOf, listOf, stringIn } from "./fields.ts";
import type { ChunkReader } from "./wire.ts";

/** Longer thoughts do not go back. Characters. */
const longestThoughts = 200_000;
const mostDetails = 200;

/** Creates the reader of one answer. */
export function createChatReader(): ChunkReader {
  const thoughts: string[] = [];
  const details = new Map<string, Record<string, unknown>>();
  let length = 0;

  function keep(event: Fields): void {
    const { reasoning_content: thought, reasoning_details: pieces } = thoughtFieldsIn(event);
    const text = stringIn(thought);
    length += text.length;
    if (length <= longestThoughts) thoughts.push(text);
    for (const piece of listOf([pieces].flat())) add(piece);
  }

  /** Pieces of one text are joined. Of what is encrypted the last counts: two for one answer are refused. */
  function add(piece: Fields): void {
    const type = stringIn(piece["type"]);
    const encrypted = type === "reasoning.encrypted";
    const key = encrypted ? type : `${type} ${String(piece["index"] ?? 0)}`;
    const before = details.get(key);
    if (before === undefined && details.size >= mostDetails) return;
    if (encrypted && !piece["data"]) return;
    const joined = { ...(encrypted ? {} : before), ...present(piece) };
    for (const name of ["text", "summary"]) {
      const more = stringIn(piece[name]);
      length += more.length;
      if (typeof piece[name] === "string" || typeof before?.[name] === "string") {
        joined[name] = length > longestThoughts ? stringIn(before?.[name]) : stringIn(before?.[name]) + more;
      }
    }
    details.set(key, joined);
  }

  return {
    read(event) {
      const says = readChunk(event);
      if (says.thought === 0) return says;
      keep(event);
      return { ...says, kept: true };
    },
    native() {
      const text = thoughts.join("");
      return [
        {
          ...(text === "" ? {} : { reasoning_content: text }),
          ...(details.size === 0 ? {} : { reasoning_details: [...details.values()] }),
        },
      ];
    },
  };
}

function present(piece: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fieldsOf(piece)).filter(([, value]) => value !== null && value !== undefined),
  );
}

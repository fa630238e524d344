/** Claude's `/v1/messages`: how an answer is read, block by block. */
import type { TokenUsage } from "../../ports/models.ts";
import type { CallPiece } from "./calls.ts";
import { type Fields, fieldsOf, listOf, stringIn } from "./fields.ts";
import { type ChunkSays, isError, nothing } from "./says.ts";
import { sumOf, usageFrom } from "./usage.ts";
import type { ChunkReader } from "./wire.ts";

interface Block {
  /** As it began. */
  readonly start: Fields;
  text: string;
  thinking: string;
  signature: string;
  json: string;
}

/** Creates the reader of one answer. */
export function createMessagesReader(): ChunkReader {
  const blocks = new Map<number, Block>();
  let counts: Fields = {};
  let thinks = false;

  function begin(event: Fields): ChunkSays {
    const start = fieldsOf(event["content_block"]);
    const index = placeOf(event);
    blocks.set(index, blockOf(start));
    thinks = start["type"] === "thinking";
    if (start["type"] === "tool_use") {
      return {
        ...nothing,
        alive: true,
        kept: true,
        calls: [{ index, id: stringIn(start["id"]), name: stringIn(start["name"]) }],
      };
    }
    const says = saysOf(stringIn(start["text"]), stringIn(start["thinking"]), start["type"] === "redacted_thinking");
    return { ...says, kept: true };
  }

  function goOn(event: Fields): ChunkSays {
    const delta = fieldsOf(event["delta"]);
    const index = placeOf(event);
    const block = blocks.get(index);
    const said = stringIn(delta["text"]);
    const thought = stringIn(delta["thinking"]);
    const json = stringIn(delta["partial_json"]);
    const signature = stringIn(delta["signature"]);
    if (block !== undefined) {
      block.text += said;
      block.thinking += thought;
      block.json += json;
      block.signature += signature;
    }
    const says = { ...saysOf(said, thought, signature !== ""), kept: signature !== "" };
    return json === "" ? says : { ...says, alive: true, calls: [{ index, arguments: json }] };
  }

  /** What was counted first holds until it is counted anew: only the end knows how much was written. */
  function end(event: Fields): ChunkSays {
    counts = { ...counts, ...counted(event["usage"]) };
    const reason = stringIn(fieldsOf(event["delta"])["stop_reason"]) || undefined;
    const usage = "output_tokens" in fieldsOf(event["usage"]) ? usageOf(counts) : undefined;
    return { ...nothing, finishReason: reason, usage, onlyUsage: reason === undefined && usage !== undefined };
  }

  /** An answer in one piece. */
  function whole(message: Fields): ChunkSays {
    const content = listOf(message["content"]);
    for (const [index, start] of content.entries()) blocks.set(index, blockOf(start));
    const thinking = content.map((block) => stringIn(block["thinking"])).join("");
    return {
      ...saysOf(content.map((block) => stringIn(block["text"])).join(""), thinking, content.length > 0),
      wholeCalls: content.filter(({ type }) => type === "tool_use").map(callOf),
      finishReason: stringIn(message["stop_reason"]) || undefined,
      usage: usageOf(fieldsOf(message["usage"])),
      done: true,
    };
  }

  return {
    read(event) {
      if (isError(event)) return { ...nothing, failure: event };
      switch (event["type"]) {
        case "content_block_delta":
          return goOn(event);
        case "content_block_start":
          return begin(event);
        case "content_block_stop":
          thinks = false;
          return nothing;
        case "message_start":
          counts = counted(fieldsOf(event["message"])["usage"]);
          return nothing;
        case "message_delta":
          return end(event);
        case "message_stop":
          return { ...nothing, done: true };
        case "message":
          return whole(event);
        // While it thinks unseen, nothing else comes.
        case "ping":
          return thinks ? { ...nothing, alive: true } : nothing;
        default:
          return nothing;
      }
    },
    native() {
      const all = [...blocks].sort(([a], [b]) => a - b).map(([, block]) => nativeOf(block));
      // What is said to be empty is refused when it comes back.
      const kept = all.filter((block) => block["type"] !== "text" || stringIn(block["text"]).trim() !== "");
      return kept.some(({ type }) => type !== "text") ? kept : undefined;
    },
  };
}

function blockOf(start: Fields): Block {
  const { text, thinking, signature } = start;
  return { start, text: stringIn(text), thinking: stringIn(thinking), signature: stringIn(signature), json: "" };
}

function placeOf(event: Fields): number {
  const index = event["index"];
  return typeof index === "number" ? index : 0;
}

function saysOf(said: string, thought: string, alive: boolean): ChunkSays {
  return {
    ...nothing,
    text: said,
    thought: thought.length,
    summary: thought,
    alive: alive || said !== "" || thought !== "",
  };
}

function callOf(block: Fields): CallPiece {
  return { id: stringIn(block["id"]), name: stringIn(block["name"]), arguments: block["input"] };
}

const countNames = [
  "input_tokens",
  "cache_read_input_tokens",
  "cache_creation_input_tokens",
  "output_tokens",
  "output_tokens_details",
];

/** What is there counts, nothing does not. */
function counted(usage: unknown): Fields {
  const given = fieldsOf(usage);
  return Object.fromEntries(
    countNames.flatMap((name) => ((given[name] ?? null) === null ? [] : [[name, given[name]]])),
  );
}

/** Claude counts apart what came from its cache and what went there. */
function usageOf(counts: Fields): TokenUsage | undefined {
  const { input_tokens: input, cache_read_input_tokens: cached, cache_creation_input_tokens: cacheWrite } = counts;
  const details = fieldsOf(counts["output_tokens_details"]);
  return usageFrom({
    input: sumOf([input, cached, cacheWrite]) ?? Number.NaN,
    cached,
    cacheWrite,
    output: counts["output_tokens"],
    reasoning: details["thinking_tokens"] ?? details["reasoning_tokens"],
  });
}

/** The block as it would have come in one piece. */
function nativeOf({ start, text: said, thinking, signature, json }: Block): Fields {
  switch (start["type"]) {
    case "text":
      return { ...start, text: said };
    case "thinking":
      return { ...start, thinking, signature };
    case "tool_use":
      return json === "" ? start : { ...start, input: inputOf(json) };
    default:
      return start;
  }
}

/** What is no JSON goes back as nothing: the wire takes objects alone, and the call's result says what was wrong. */
function inputOf(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return {};
  }
}

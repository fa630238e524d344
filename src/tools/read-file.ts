/** The tool `read_file`: further pages of a long file that somebody has sent in the conversation. */
import type { Content, FilePart } from "../ports/content.ts";
import type { FileText } from "../ports/files.ts";
import { failedWith } from "../ports/tool-results.ts";
import type { Tool, ToolTurn } from "../ports/tools.ts";
import { countIn, textIn } from "./arguments.ts";
import { mostResultCharacters, seenLine } from "./framing.ts";

/** As far back is looked for a file; no more are kept anyway. */
const exchangesLookedAt = 50;
const mostMs = 20_000;
const longestName = 80;

/** Creates the tool. */
export function createReadFile(): Tool {
  return {
    name: "read_file",
    description:
      "Reads on in a long file of this conversation, of which you have seen the beginning or pieces. Give its name, and the page (or slide, sheet, chapter) to begin with.",
    parameters: {
      type: "object",
      properties: {
        name: { type: "string", description: "The file's name; left out: the newest file." },
        from: { type: "integer", description: "The first page that is read, from 1." },
      },
    },
    class: "safe",
    asks: false,
    carriesOut: false,
    mostMs,
    activity: (args) => ({ doing: "reading-file", name: nameIn(args) }),
    async run({ args, turn }) {
      const files = await keptFiles(turn);
      const wanted = textIn(args, "name")?.toLowerCase();
      const file = wanted === undefined ? files[0] : files.find(({ name = "" }) => name.toLowerCase() === wanted);
      if (file === undefined) return failedWith(notThere(files));
      const text = await turn.store.readFile(turn.conversation, file.uniqueId);
      if (text === undefined)
        return failedWith("What this file says is not kept any more. Ask for it to be sent again.");
      const from = countIn(args, "from") ?? 1;
      return {
        text: piecesFrom(text, from),
        untrusted: true,
        note: `read on in ${nameOf(file)} from ${text.unit ?? "part"} ${from}`,
      };
    },
  };
}

function nameIn(args: unknown): string | undefined {
  const name = textIn(args, "name");
  return name === undefined ? undefined : seenLine(name, longestName);
}

function nameOf({ name }: FilePart): string {
  return seenLine(name ?? "a file without a name", longestName);
}

/** Those of which more is kept than was shown, the newest first. */
async function keptFiles({ store, conversation, question }: ToolTurn): Promise<readonly FilePart[]> {
  const [turn, history] = await Promise.all([
    store.readTurn(conversation, question),
    store.readHistory(conversation, exchangesLookedAt),
  ]);
  // Of the question itself nobody has noted yet what is kept.
  const own = filesIn(turn?.asked ?? []);
  const former = history.toReversed().flatMap(({ asked }) => filesIn(asked).filter(({ kept }) => kept));
  return [...own, ...former];
}

function filesIn(content: Content): readonly FilePart[] {
  return content.filter((part) => part.type === "file").toReversed();
}

function notThere(files: readonly FilePart[]): string {
  if (files.length === 0) return "There is no long file in this conversation.";
  return `There is no such file. There are: ${[...new Set(files.map(nameOf))].join(", ")}.`;
}

/** The parts from this one on, as many as a result holds. */
function piecesFrom({ parts, unit = "page", total }: FileText, from: number): string {
  const first = parts.findIndex(({ number }) => number >= from);
  const last = parts.at(-1)?.number ?? 0;
  if (first === -1) return `The file is read up to ${unit} ${last} of ${total}; there is nothing from ${from} on.`;
  let text = "";
  for (const part of parts.slice(first)) {
    const piece = `[${unit} ${part.number} of ${total}${part.name === undefined ? "" : `: ${part.name}`}]\n${part.text}\n\n`;
    const room = mostResultCharacters - 200 - text.length;
    if (piece.length > room) {
      // Of one that is longer than a result its beginning; another one is left for the next call.
      const cut = text === "" ? piece.slice(0, room) : "";
      return `${text}${cut}\n[there is more: read on from ${unit} ${text === "" ? part.number + 1 : part.number}]`;
    }
    text += piece;
  }
  return text.trimEnd();
}

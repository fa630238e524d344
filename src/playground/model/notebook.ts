/**
 * An MCP server as small as one can be, so that the playground can show a tool that asks before it acts: a notebook in
 * memory. It is a process of its own and ends with its input.
 */
import { createInterface } from "node:readline";

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: {
    readonly protocolVersion?: string;
    readonly name?: string;
    readonly arguments?: { readonly text?: unknown };
  };
}

const mostNotes = 100;
const notes: string[] = [];

const tools = [
  {
    name: "write",
    description: "Writes a note into the notebook.",
    inputSchema: {
      type: "object",
      properties: { text: { type: "string", description: "The note, in one sentence." } },
      required: ["text"],
    },
    annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
  },
  {
    name: "read",
    description: "Reads all notes of the notebook.",
    inputSchema: { type: "object", properties: {} },
    annotations: { readOnlyHint: true },
  },
];

function called({ name, arguments: given }: NonNullable<Message["params"]>): object {
  if (name === "read") return said(notes.map((note, index) => `${index + 1}. ${note}`).join("\n") || "It is empty.");
  if (name !== "write") return said("There is no such tool.", true);
  if (typeof given?.text !== "string" || given.text === "") return said("write needs text.", true);
  if (notes.length === mostNotes) return said("The notebook is full.", true);
  notes.push(given.text);
  return said(`Noted as number ${notes.length}.`);
}

function said(text: string, isError = false): object {
  return { content: [{ type: "text", text }], isError };
}

function answerTo({ method, params = {} }: Message): object | undefined {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "notebook", version: "1.0.0" },
      };
    case "ping":
      return {};
    case "tools/list":
      return { tools };
    case "tools/call":
      return called(params);
    default:
      return undefined;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const message: Message = JSON.parse(line);
  // A notification wants no answer.
  if (message.id === undefined) continue;
  const result = answerTo(message);
  const outcome = result === undefined ? { error: { code: -32_601, message: "Method not found" } } : { result };
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id: message.id, ...outcome })}\n`);
}

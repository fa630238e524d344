/** How tools, calls and results stand in the requests of each wire. */
import type { WireName } from "../../src/config/providers.ts";
import { textParts } from "../../src/ports/content.ts";
import type { ChatMessage, ModelCall } from "../../src/ports/models.ts";
import type { ToolDefinition } from "../../src/ports/tool-results.ts";
import type { Told } from "./wires.ts";

type Body = Readonly<Record<string, unknown>>;

/** What a request says, one after another. */
export type Stood =
  | { readonly says: string; readonly text: string }
  | { readonly calls: string; readonly name: string; readonly args: unknown }
  | { readonly answers: string; readonly text: string };

export interface ToolSpeech {
  /** Name, description and schema of each tool. */
  offered(body: Body): readonly (readonly [name: unknown, description: unknown, schema: unknown])[] | undefined;
  /** The choice is left to the model, or it may choose none. */
  choice(body: Body): unknown;
  /** Without the persona. */
  stood(body: Body): readonly Stood[];
  /** Where pictures stand, and how: with the result itself, or in a message behind all results of its step. */
  pictures(body: Body): readonly (readonly [where: "result" | "behind", picture: unknown])[];
}

// biome-ignore lint/suspicious/noExplicitAny: whatever was sent
type Any = any;

const plain = (content: Any): string =>
  typeof content === "string" ? content : (content ?? []).map((part: Any) => part.text ?? `<${part.type}>`).join("\n");

const chat: ToolSpeech = {
  offered: ({ tools }) =>
    (tools as Any)?.map((tool: Any) => {
      const { name, description, parameters } = tool.function;
      return [name, description, parameters];
    }),
  choice: ({ tool_choice }) => tool_choice,
  stood: ({ messages }) =>
    (messages as Any[]).flatMap((message): Stood[] => {
      if (message.role === "system") return [];
      if (message.role === "tool") return [{ answers: message.tool_call_id, text: plain(message.content) }];
      const said = plain(message.content);
      const calls = (message.tool_calls ?? []).map((call: Any) => ({
        calls: call.id,
        name: call.function.name,
        args: JSON.parse(call.function.arguments),
      }));
      return [...(said === "" ? [] : [{ says: message.role, text: said }]), ...calls];
    }),
  pictures: ({ messages }) =>
    (messages as Any[]).flatMap(({ role, content }, at) => {
      const isBehind = role === "user" && (messages as Any[])[at - 1]?.role === "tool";
      return picturesIn(content, "image_url", isBehind ? "behind" : "result");
    }),
};

const responses: ToolSpeech = {
  offered: ({ tools }) =>
    (tools as Any)?.map((tool: Any) => {
      if (tool.strict !== false) throw new Error("strict is not false");
      return [tool.name, tool.description, tool.parameters];
    }),
  choice: ({ tool_choice }) => tool_choice,
  stood: ({ input }) =>
    (input as Any[]).flatMap((item): Stood[] => {
      if (item.role === "system" || item.type === "reasoning") return [];
      if (item.type === "function_call_output") return [{ answers: item.call_id, text: plain(item.output) }];
      if (item.type !== "function_call") return [{ says: item.role, text: plain(item.content) }];
      return [{ calls: item.call_id, name: item.name, args: JSON.parse(item.arguments) }];
    }),
  pictures: ({ input }) =>
    (input as Any[]).flatMap(({ type, output, content }) => [
      ...picturesIn(type === "function_call_output" ? output : [], "input_image", "result"),
      ...picturesIn(content, "input_image", "behind"),
    ]),
};

const messages: ToolSpeech = {
  offered: ({ tools }) => (tools as Any)?.map((tool: Any) => [tool.name, tool.description, tool.input_schema]),
  choice: ({ tool_choice }) => (tool_choice as Any)?.type,
  stood: ({ messages: said }) =>
    (said as Any[]).flatMap(({ role, content }): Stood[] => {
      if (typeof content === "string") return [{ says: role, text: content }];
      return content.flatMap((block: Any): Stood[] => {
        if (block.type === "tool_use") return [{ calls: block.id, name: block.name, args: block.input }];
        if (block.type === "tool_result") return [{ answers: block.tool_use_id, text: plain(block.content) }];
        return block.type === "text" ? [{ says: role, text: block.text }] : [];
      });
    }),
  pictures: ({ messages: said }) =>
    (said as Any[]).flatMap(({ content }) => [
      ...picturesIn(content, "image", "behind"),
      ...(Array.isArray(content) ? content : []).flatMap((block: Any) => picturesIn(block.content, "image", "result")),
    ]),
};

function picturesIn<W extends "result" | "behind">(content: Any, type: string, where: W): [W, unknown][] {
  return (Array.isArray(content) ? content : []).filter((part) => part.type === type).map((part) => [where, part]);
}

export const toolSpeeches: Readonly<Record<WireName, ToolSpeech>> = { chat, responses, messages };

/** A tool as its builder describes it, in words that not everybody takes. */
export const search: ToolDefinition = {
  name: "web_search",
  description: "Searches the web.",
  parameters: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: { query: { type: "string" }, count: { type: "integer", exclusiveMinimum: 0, default: 5 } },
    required: ["query"],
    additionalProperties: false,
  },
};
export const clock: ToolDefinition = { name: "clock", description: "Tells the time.", parameters: { type: "object" } };

/** What was asked, then a step as a model has ended it, then what came of its calls. */
export function continued(asked: readonly ChatMessage[], told: Told, results: readonly string[]): ChatMessage[] {
  return [...asked, ...stepOf(told.text, told.calls, told.end?.native, results)];
}

/** A step with its results. */
export function stepOf(
  text: string,
  calls: readonly ModelCall[],
  native: ChatMessage["native"],
  results: readonly string[],
): ChatMessage[] {
  return [
    { role: "assistant", content: textParts(text), native, calls },
    ...calls.map(({ id, name }, at) => ({
      role: "tool" as const,
      content: textParts(results[at] ?? ""),
      answers: { id, name },
    })),
  ];
}

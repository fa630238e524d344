/** How each wire says the same: what the raw server of the contract suite answers with, and how a question stands in a request. */
import type { WireName } from "../../src/config/providers.ts";

/** Counts in a provider's own terms; `input` without what came from the cache or went there. */
export interface Counted {
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
}

export type Ending = "stop" | "length" | "filtered";

export interface Speech {
  readonly path: string;
  /** Without these a stream is understood, too. */
  readonly opening: string;
  readonly closing: string;
  text(piece: string): string;
  thought(piece: string): string;
  /** A call in two pieces. `place`: among those of the answer. */
  call(id: string, name: string, json: string, place?: number): string;
  /** What was counted so far. */
  counting(usage: Counted): string;
  ending(how: Ending, usage?: Counted): string;
  /** An error in the middle of the stream. */
  error(type: string, message: string): string;
  /** The whole answer as JSON. */
  whole(text: string, usage: Counted): object;
  /** The body of a request as role and text; the persona first. */
  asked(body: Readonly<Record<string, unknown>>): readonly (readonly [role: string, text: string])[];
  /** What the last message of a request holds: its text, or its parts. */
  lastIn(body: Readonly<Record<string, unknown>>): unknown;
  /** A text and a picture beside one another, as they stand there. */
  textPart(text: string): object;
  picturePart(mime: string, base64: string): object;
  readonly lengthField: string | undefined;
}

const line = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
const named = (data: { readonly type: string; readonly [field: string]: unknown }): string =>
  `event: ${data.type}\n${line(data)}`;

interface Message {
  readonly role: string;
  readonly content: unknown;
}

function plain(content: unknown): string {
  return Array.isArray(content) ? content.map((part: { text?: string }) => part.text ?? "").join("") : String(content);
}

function lastOf(messages: unknown): unknown {
  return (messages as Message[]).at(-1)?.content;
}

function spoken(messages: unknown): [string, string][] {
  return (messages as Message[]).map(({ role, content }) => [role, plain(content)]);
}

const delta = (given: object, finish_reason: string | null = null): string =>
  line({ choices: [{ index: 0, delta: given, finish_reason }] });

function chatUsage({ input, cached, cacheWrite, output, reasoning }: Counted): object {
  return {
    prompt_tokens: input + cached + cacheWrite,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWrite },
    completion_tokens: output,
    completion_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + cached + cacheWrite + output,
  };
}

const chat: Speech = {
  path: "/chat/completions",
  opening: delta({ role: "assistant", content: "" }),
  closing: "data: [DONE]\n\n",
  text: (content) => delta({ content }),
  thought: (reasoning_content) => delta({ reasoning_content }),
  call: (id, name, json, index = 0) =>
    delta({ tool_calls: [{ index, id, type: "function", function: { name, arguments: json.slice(0, 3) } }] }) +
    delta({ tool_calls: [{ index, function: { arguments: json.slice(3) } }] }),
  counting: (usage) => line({ choices: [{ index: 0, delta: {}, finish_reason: null }], usage: chatUsage(usage) }),
  ending: (how, usage) =>
    delta({}, { stop: "stop", length: "length", filtered: "content_filter" }[how]) +
    (usage === undefined ? "" : line({ choices: [], usage: chatUsage(usage) })),
  error: (type, message) => line({ error: { type, message } }),
  whole: (content, usage) => ({
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: chatUsage(usage),
  }),
  asked: ({ messages }) => spoken(messages),
  lastIn: ({ messages }) => lastOf(messages),
  textPart: (text) => ({ type: "text", text }),
  picturePart: (mime, base64) => ({ type: "image_url", image_url: { url: `data:${mime};base64,${base64}` } }),
  lengthField: undefined,
};

function responsesUsage({ input, cached, cacheWrite, output, reasoning }: Counted): object {
  return {
    input_tokens: input + cached + cacheWrite,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + cached + cacheWrite + output,
  };
}

const response = (more: object): object => ({ id: "resp_1", object: "response", error: null, output: [], ...more });

const responses: Speech = {
  path: "/responses",
  opening:
    named({ type: "response.created", response: response({ status: "in_progress" }) }) +
    named({ type: "response.in_progress", response: response({ status: "in_progress" }) }),
  closing: "",
  text: (piece) => named({ type: "response.output_text.delta", output_index: 1, delta: piece }),
  thought: (piece) =>
    named({ type: "response.reasoning_summary_text.delta", output_index: 0, summary_index: 0, delta: piece }),
  call(call_id, name, json, place = 0) {
    const item = { type: "function_call", id: `fc_${call_id}`, call_id, name, arguments: "" };
    const at = { output_index: 2 + place, item_id: item.id };
    return [
      { type: "response.output_item.added", ...at, item },
      { type: "response.function_call_arguments.delta", ...at, delta: json.slice(0, 3) },
      { type: "response.function_call_arguments.delta", ...at, delta: json.slice(3) },
      { type: "response.function_call_arguments.done", ...at, arguments: json },
      { type: "response.output_item.done", ...at, item: { ...item, arguments: json, status: "completed" } },
    ]
      .map(named)
      .join("");
  },
  counting: (usage) =>
    named({
      type: "response.in_progress",
      response: response({ status: "in_progress", usage: responsesUsage(usage) }),
    }),
  ending(how, usage) {
    const counts = usage === undefined ? {} : { usage: responsesUsage(usage) };
    if (how === "stop") {
      return named({ type: "response.completed", response: response({ status: "completed", ...counts }) });
    }
    const incomplete_details = { reason: how === "length" ? "max_output_tokens" : "content_filter" };
    const ended = response({ status: "incomplete", incomplete_details, ...counts });
    return named({ type: "response.incomplete", response: ended });
  },
  error: (code, message) =>
    named({ type: "response.failed", response: response({ status: "failed", error: { code, message } }) }),
  whole: (content, usage) =>
    response({
      status: "completed",
      output: [
        { type: "reasoning", id: "rs_1", summary: [] },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: content }] },
      ],
      usage: responsesUsage(usage),
    }),
  asked: ({ input }) => spoken(input),
  lastIn: ({ input }) => lastOf(input),
  textPart: (text) => ({ type: "input_text", text }),
  picturePart: (mime, base64) => ({ type: "input_image", image_url: `data:${mime};base64,${base64}` }),
  lengthField: "max_output_tokens",
};

function messagesUsage({ input, cached, cacheWrite, output }: Counted): object {
  return {
    input_tokens: input,
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: cacheWrite,
    output_tokens: output,
  };
}

const stopReasons: Readonly<Record<Ending, string>> = { stop: "end_turn", length: "max_tokens", filtered: "refusal" };

const messages: Speech = {
  path: "/messages",
  opening:
    named({
      type: "message_start",
      message: {
        type: "message",
        role: "assistant",
        content: [],
        stop_reason: null,
        usage: { input_tokens: 3, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 1 },
      },
    }) + named({ type: "ping" }),
  closing: named({ type: "message_stop" }),
  text: (text) => named({ type: "content_block_delta", index: 1, delta: { type: "text_delta", text } }),
  thought: (thinking) => named({ type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking } }),
  call(id, name, json, place = 0) {
    const index = 2 + place;
    const partial = (partial_json: string) => ({
      type: "content_block_delta",
      index,
      delta: { type: "input_json_delta", partial_json },
    });
    return [
      { type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } },
      ...["", json.slice(0, 3), json.slice(3)].map(partial),
      { type: "content_block_stop", index },
    ]
      .map(named)
      .join("");
  },
  counting: (usage) => named({ type: "message_delta", delta: { stop_reason: null }, usage: messagesUsage(usage) }),
  ending: (how, usage) =>
    named({
      type: "message_delta",
      delta: { stop_reason: stopReasons[how] },
      ...(usage === undefined ? {} : { usage: messagesUsage(usage) }),
    }),
  error: (type, message) => named({ type: "error", error: { type, message } }),
  whole: (text, usage) => ({
    type: "message",
    role: "assistant",
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    usage: messagesUsage(usage),
  }),
  asked: ({ system, messages: said }) => [
    ...(system === undefined ? [] : ([["system", plain(system)]] as [string, string][])),
    ...spoken(said),
  ],
  lastIn: ({ messages: said }) => lastOf(said),
  textPart: (text) => ({ type: "text", text }),
  picturePart: (media_type, data) => ({ type: "image", source: { type: "base64", media_type, data } }),
  lengthField: "max_tokens",
};

/** Each wire's way of saying things. */
export const speeches: Readonly<Record<WireName, Speech>> = { chat, responses, messages };

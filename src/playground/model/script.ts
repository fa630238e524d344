/** What a scripted model is told to do, and how that looks on the wire. */

import { sizeOfPicture } from "../pictures.ts";

/** What one request gets. Everything is optional; an empty script is an empty answer. */
export interface Script {
  /** The answer, cut into tokens; or its deltas one by one. */
  readonly text?: string;
  readonly chunks?: readonly string[];
  /** Streamed as `reasoning_content` before the answer. */
  readonly reasoning?: string;
  /** JPEGs that come behind its text, as OpenRouter hands them on. */
  readonly pictures?: readonly Uint8Array[];
  /** Calls of tools, behind its text. */
  readonly calls?: readonly { readonly name: string; readonly arguments: object }[];
  /** Milliseconds from the headers to the first token. */
  readonly delayFirstMs?: number;
  readonly tokensPerSecond?: number;
  /** `stop` when left out, of calls `tool_calls`. */
  readonly finishReason?: string;
  /** Sent instead of the counted one; `false`: none, though it was asked for. */
  readonly usage?: object | false;

  /** Any status but 200 is answered with `body` and no stream. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answered instead of a stream, as JSON unless `contentType` says otherwise. */
  readonly body?: string | object;
  readonly contentType?: string;
  /** The request is read and never answered. */
  readonly hangBeforeHeaders?: boolean;
  /** The connection is destroyed after so many deltas; 0: before the first byte of the answer. */
  readonly cutAfterChunks?: number;
  /** Nothing more is sent after so many deltas, and the connection stays open. */
  readonly stallAfterChunks?: number;
  readonly errorEventAfterChunks?: number;
  /** What the error event says. */
  readonly errorEvent?: object;
  /** The body ends after the last delta, without finish reason and `[DONE]`. */
  readonly endWithoutFinish?: boolean;
  /** The exact bytes of the body, each in a write of its own. */
  readonly rawChunks?: readonly (string | Uint8Array)[];
  /** Milliseconds between two of them; 0 when left out. */
  readonly rawEveryMs?: number;
}

export interface ScriptedRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly [field: string]: unknown;
}

/** A request as it came, and what became of it. Times are milliseconds since the epoch. */
export interface RecordedRequest {
  readonly body: ScriptedRequest;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly at: number;
  firstTextAt: number | undefined;
  /** When the last byte was written. */
  endedAt: number | undefined;
  /** When the client closed the connection before the end. */
  abandonedAt: number | undefined;
}

/** The chunk's JSON up to its delta. */
export function headOf(record: RecordedRequest): string {
  const created = Math.floor(record.at / 1000);
  const model = JSON.stringify(record.body.model);
  const id = `chatcmpl-${record.at.toString(36)}`;
  return `data: {"id":"${id}","object":"chat.completion.chunk","created":${created},"model":${model},"choices":[{"index":0,"delta":`;
}

/** Pictures, calls, finish reason, usage (when it was asked for) and `[DONE]`. */
export function endingOf(script: Script, record: RecordedRequest, head: string, deltas: number): string {
  const usual = script.calls === undefined ? "stop" : "tool_calls";
  const finish = `${head}{},"finish_reason":${JSON.stringify(script.finishReason ?? usual)}}]}\n\n`;
  const asked = record.body["stream_options"] as { include_usage?: boolean } | undefined;
  const usage = script.usage ?? (asked?.include_usage === true ? counted(record.body, deltas) : false);
  const counts =
    usage === false
      ? ""
      : `data: ${JSON.stringify({ object: "chat.completion.chunk", model: record.body.model, choices: [], usage })}\n\n`;
  return `${picturesOf(script, head)}${callsOf(script, record, head)}${finish}${counts}data: [DONE]\n\n`;
}

function picturesOf({ pictures = [] }: Script, head: string): string {
  if (pictures.length === 0) return "";
  const images = pictures.map((bytes) => {
    const url = `data:image/jpeg;base64,${Buffer.from(bytes).toString("base64")}`;
    return { type: "image_url", image_url: { url } };
  });
  return `${head}${JSON.stringify({ content: "", images })},"finish_reason":null}]}\n\n`;
}

function callsOf({ calls = [] }: Script, record: RecordedRequest, head: string): string {
  if (calls.length === 0) return "";
  const told = calls.map((call, index) => ({
    index,
    id: `call_${record.at.toString(36)}_${index}`,
    type: "function",
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
  return `${head}${JSON.stringify({ tool_calls: told })},"finish_reason":null}]}\n\n`;
}

/** The usage of a script's answer, for a model that tells it unasked. */
export function usageOf(request: ScriptedRequest, { text, chunks, reasoning }: Script): object {
  return counted(request, (chunks ?? tokensOf(text ?? "")).length + tokensOf(reasoning ?? "").length);
}

function counted({ messages }: ScriptedRequest, answered: number): object {
  const asked = messages.reduce((sum, message) => sum + tokensOf(message.content).length + 4, 0);
  return { prompt_tokens: asked, completion_tokens: answered, total_tokens: asked + answered };
}

/** Cuts a text into pieces of a token's size. */
export function tokensOf(text: string): string[] {
  return typeof text === "string" ? (text.match(/\s+(?:\S{1,6})?|\S{1,6}/gu) ?? []) : [];
}

/** Reads a request; undefined when it is none. Its pictures stand there in words. */
export function requestIn(text: string): ScriptedRequest | undefined {
  try {
    const body = JSON.parse(text) as ScriptedRequest | null;
    if (typeof body?.model !== "string" || !Array.isArray(body.messages)) return undefined;
    const messages = body.messages.map((message) => ({ ...message, content: inWords(message.content) }));
    return { ...body, messages };
  } catch {
    return undefined;
  }
}

interface Part {
  readonly text?: string;
  readonly image_url?: { readonly url?: string };
}

function inWords(content: unknown): string {
  if (!Array.isArray(content)) return content as string;
  return (content as Part[]).map(({ text, image_url: image }) => text ?? pictureIn(image?.url ?? "")).join("\n");
}

function pictureIn(url: string): string {
  const [head = "", data = ""] = url.split(",", 2);
  const bytes = Buffer.from(data, "base64");
  const size = sizeOfPicture(bytes);
  const pixels = size === undefined ? "unknown" : `${size.format}, ${size.width} × ${size.height}`;
  return `[picture: ${pixels}, ${bytes.length} bytes, ${head.slice("data:".length).replace(";base64", "")}]`;
}

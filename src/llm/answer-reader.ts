/** What a provider's stream says, in the terms of the `Models` port. No network and no clock. */
import type { TokenUsage } from "../ports.ts";
import { createEventLines } from "./sse.ts";
import { createThoughtFilter } from "./thoughts.ts";

type Finish = "stop" | "length" | "filtered" | "failed";

export interface AnswerReader {
  /** Takes the next piece of the body. Does nothing any more once the stream has failed. */
  push(chunk: string): void;
  /** The body has ended. */
  end(): void;
  /** The visible text since the last call: all deltas of a chunk at once. */
  takeText(): string;
  /** Whether the model gave a sign of life since the last call, visible or not. */
  takeLife(): boolean;
  /** Undefined until the provider says how the answer ended. */
  readonly finish: Finish | undefined;
  /** The finish reason in the provider's own words. */
  readonly finishReason: string | undefined;
  readonly usage: TokenUsage | undefined;
  /** Nothing more is to come: usage or `[DONE]` after the finish reason, or the end of the body. */
  readonly complete: boolean;
  /** An error event, or an event that is no JSON. */
  readonly failure: { readonly event: unknown } | undefined;
}

interface Part {
  readonly type?: unknown;
  readonly text?: unknown;
}
interface Delta {
  readonly content?: string | null | readonly Part[];
  readonly refusal?: string | null;
  readonly reasoning_content?: unknown;
  readonly reasoning?: unknown;
  readonly reasoning_text?: unknown;
  readonly tool_calls?: unknown;
}
interface Choice {
  readonly delta?: Delta | null;
  readonly finish_reason?: string | null;
  readonly usage?: unknown;
}
interface Chunk {
  readonly choices?: readonly Choice[] | null;
  readonly usage?: unknown;
  readonly x_groq?: { readonly usage?: unknown; readonly error?: unknown } | null;
  readonly error?: unknown;
  readonly object?: unknown;
}

const visible = /[^\s\p{Cc}\p{Cf}\p{Z}\p{Mn}\u115f\u1160\u2800\u3164\uffa0]/u;

/** Creates the reader of one answer. */
export function createAnswerReader(): AnswerReader {
  const thoughts = createThoughtFilter();
  const lines = createEventLines(take);
  let text = "";
  /** True from the first visible character on: what comes before it is held back. */
  let shown = false;
  let alive = false;
  let done = false;
  let finishReason: string | undefined;
  let usage: TokenUsage | undefined;
  let usageAfterFinish = false;
  let failure: { event: unknown } | undefined;

  function take(data: string): void {
    if (failure !== undefined || done) return;
    if (data === "[DONE]") {
      done = true;
      return;
    }
    if (data.trim() === "") return;
    let chunk: Chunk | null;
    try {
      chunk = JSON.parse(data) as Chunk | null;
    } catch {
      failure = { event: { error: { message: "an event of the stream is no JSON" } } };
      return;
    }
    if (chunk === null || typeof chunk !== "object") return;
    const error = chunk.error ?? chunk.x_groq?.error;
    if (error || chunk.object === "error") {
      failure = { event: chunk };
      return;
    }
    const choice = chunk.choices?.[0];
    if (choice?.delta) takeDelta(choice.delta);
    if (choice?.finish_reason) finishReason = choice.finish_reason;
    const counted = usageOf(chunk.usage ?? choice?.usage ?? chunk.x_groq?.usage);
    if (counted !== undefined) {
      usage = counted;
      usageAfterFinish = finishReason !== undefined;
    }
  }

  function takeDelta(delta: Delta): void {
    const content = contentOf(delta.content) + (typeof delta.refusal === "string" ? delta.refusal : "");
    if (content !== "") {
      alive = true;
      text += thoughts.push(content);
    } else if (
      delta.reasoning_content ||
      delta.reasoning ||
      delta.reasoning_text ||
      delta.tool_calls ||
      Array.isArray(delta.content)
    ) {
      alive = true;
    }
  }

  return {
    push(chunk) {
      try {
        lines.push(chunk);
      } catch (error) {
        failure ??= { event: { error: { message: error instanceof Error ? error.message : String(error) } } };
      }
    },
    end() {
      lines.end();
      done = true;
    },
    takeText() {
      if (done || finishReason !== undefined) text += thoughts.end();
      if (text === "") return "";
      if (!shown && !visible.test(text)) return "";
      // Half of a character may stand at the end of a delta.
      const whole = done || !isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.length : text.length - 1;
      const taken = shown ? text.slice(0, whole) : text.slice(0, whole).replace(/^\s*\n/, "");
      if (taken === "") return "";
      shown = true;
      text = text.slice(whole);
      return taken;
    },
    takeLife() {
      const was = alive;
      alive = false;
      return was;
    },
    get finish() {
      return finishReason === undefined ? undefined : (finishes.get(finishReason.toLowerCase()) ?? "stop");
    },
    get finishReason() {
      return finishReason;
    },
    get usage() {
      return usage;
    },
    get complete() {
      return done || usageAfterFinish;
    },
    get failure() {
      return failure;
    },
  };
}

/** In the words of the providers; any other reason is an ordinary end. */
const finishes: ReadonlyMap<string, Finish> = new Map([
  ["length", "length"],
  ["max_tokens", "length"],
  ["model_length", "length"],
  ["content_filter", "filtered"],
  ["content-filter", "filtered"],
  ["safety", "filtered"],
  ["sensitive", "filtered"],
  ["recitation", "filtered"],
  ["prohibited_content", "filtered"],
  ["blocklist", "filtered"],
  ["spii", "filtered"],
  ["error", "failed"],
  ["network_error", "failed"],
  ["insufficient_system_resource", "failed"],
]);

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function contentOf(content: Delta["content"]): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  // Mistral's `thinking` parts hold their text one level deeper, so they drop out here.
  return (content as readonly Part[]).map((part) => (typeof part?.text === "string" ? part.text : "")).join("");
}

/** Reads a usage block; undefined when it is none, or counts nothing. */
function usageOf(block: unknown): TokenUsage | undefined {
  if (typeof block !== "object" || block === null) return undefined;
  const fields = block as Record<string, unknown>;
  const details = (fields["prompt_tokens_details"] ?? {}) as Record<string, unknown>;
  const inputTokens = count(fields["prompt_tokens"]);
  const written = count(fields["completion_tokens"]);
  // Gemini and xAI leave the reasoning out of `completion_tokens`, not out of the total.
  const outputTokens = Math.max(written, count(fields["total_tokens"]) - inputTokens);
  if (inputTokens === 0 && outputTokens === 0) return undefined;
  const cachedTokens = count(details["cached_tokens"] ?? fields["prompt_cache_hit_tokens"]);
  return { inputTokens, cachedTokens: Math.min(cachedTokens, inputTokens), outputTokens };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
}

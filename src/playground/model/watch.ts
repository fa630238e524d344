/** Looks over a bot's shoulder when it asks its models: what it sends, what comes back, and when. */
import { ModelError } from "../../base/errors.ts";
import { textOf } from "../../ports/content.ts";
import type { ChatMessage, ModelEvent, ModelRequest, Models, TokenUsage } from "../../ports/models.ts";
import type { PageRequest } from "../page/source.ts";

export interface ModelWatch {
  /** The same models, looked over. */
  watch(models: Models): Models;
  /** What was asked last. */
  readonly last: PageRequest | undefined;
  /** Tells each change of what is asked; returns the function that ends it. */
  follow(listener: (request: PageRequest) => void): () => void;
}

const longestContent = 2_000;
const mostMessages = 60;

/** Creates a watch. A request holds what the model is told, and neither key nor address. */
export function createModelWatch(now: () => number = () => performance.now()): ModelWatch {
  const listeners = new Set<(request: PageRequest) => void>();
  let last: PageRequest | undefined;
  let count = 0;

  async function* answer(models: Models, request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void> {
    const startedAt = now();
    count += 1;
    let seen = seenOf(count, request);
    const change = (more: Partial<PageRequest>) => {
      seen = { ...seen, ...more };
      // Several conversations may be answered at once: the one that asked last is shown.
      if (last !== undefined && last.id > seen.id) return;
      last = seen;
      for (const listener of listeners) listener(seen);
    };
    const elapsed = () => Math.round(now() - startedAt);
    const end = (outcome: string, failed: boolean) => change({ outcome, failed, endMs: elapsed() });
    change({});
    try {
      for await (const event of models.answer(request, signal)) {
        if (event.type === "attempt") change({ model: event.model, calls: seen.calls + 1 });
        else if (event.type === "text-delta" && seen.firstTokenMs === undefined) {
          change({ firstTokenMs: elapsed(), outcome: "writing" });
        } else if (event.type === "answer-end") {
          change({ model: event.model, ...tokensOf(event.usage) });
          end(event.finish === "stop" ? "complete" : event.finish, false);
        }
        yield event;
      }
    } catch (error) {
      end(error instanceof ModelError ? error.kind : "failed", true);
      throw error;
    } finally {
      // An abandoned answer never ends by itself.
      if (seen.endMs === undefined) end("stopped", false);
    }
  }

  return {
    watch: (models) => ({ ...models, answer: (request, signal) => answer(models, request, signal) }),
    get last() {
      return last;
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function seenOf(id: number, { model, messages, tools = [] }: ModelRequest): PageRequest {
  const shown = messages
    .slice(-mostMessages)
    .map((message) => ({ role: message.role, content: shortened(wordsOf(message)) }));
  const count = messages.length;
  return {
    id,
    model,
    messages: shown,
    count,
    tools: tools.map(({ name }) => name),
    calls: 0,
    outcome: "waiting",
    failed: false,
  };
}

function wordsOf({ content, calls = [] }: ChatMessage): string {
  const called = calls.map(({ name, arguments: given }) => `${name} ${given}`);
  return [textOf(content), ...called].filter((line) => line !== "").join("\n");
}

function shortened(content: string): string {
  if (content.length <= longestContent) return content;
  return `${content.slice(0, longestContent)}… (${content.length} characters)`;
}

function tokensOf(usage: TokenUsage | undefined): Partial<PageRequest> {
  if (usage === undefined) return {};
  const { inputTokens, cachedTokens, outputTokens } = usage;
  return { inputTokens, cachedTokens, outputTokens };
}

/** Every provider of which something is known, by each wire that it can be spoken to, and one of which nothing is. */
import { ModelError } from "../../src/base/errors.ts";
import type { WireName } from "../../src/config/providers.ts";
import { wireNames } from "../../src/config/providers.ts";
import { createModels, type ModelsDeps } from "../../src/models/chain.ts";
import type { ModelEvent, ModelRequest, Models } from "../../src/ports/models.ts";
import type { Line } from "./llm-server.ts";
import { asMessages } from "./messages.ts";

export const wireKey = "sk-wires-0123456789abcdef";

/** The models of one provider, spoken to by this wire at this address, and what they log. */
export function speaking(
  provider: string,
  wire: WireName,
  baseUrl: string,
  timers: ModelsDeps["timers"] = {},
  more: Partial<ModelsDeps["models"]> = {},
): { models: Models & { stop(): Promise<void> }; lines: Line[] } {
  const lines: Line[] = [];
  const add = (details: object, message: string) => void lines.push({ details: { ...details }, message });
  const models = createModels({
    models: {
      names: [`${provider}/m`],
      chains: {},
      fallbacks: [],
      providers: [{ name: provider, baseUrl, apiKey: wireKey, wire }],
      ...more,
    },
    log: { info: add, warn: add },
    timers: { backoffMs: 5, usageMs: 50, refusedMs: 0, failedMs: 0, ...timers },
  });
  return { models, lines };
}

/** What came of a question. */
export interface Told {
  readonly text: string;
  readonly thoughts: string;
  readonly calls: readonly Extract<ModelEvent, { type: "tool-call" }>[];
  readonly end: Extract<ModelEvent, { type: "answer-end" }> | undefined;
  /** The kind of what was thrown. */
  readonly failed: string | undefined;
  readonly error: ModelError | undefined;
  readonly types: readonly string[];
}

/** Asks, and reads the answer to its end. */
export async function told(models: Models, request: Partial<ModelRequest> & { model: string }): Promise<Told> {
  const events: ModelEvent[] = [];
  let error: ModelError | undefined;
  const messages = asMessages([
    { role: "system", content: "Be brief." },
    { role: "user", content: "What is the capital of France?" },
  ]);
  try {
    for await (const event of models.answer({ messages, ...request }, new AbortController().signal)) events.push(event);
  } catch (thrown) {
    if (!(thrown instanceof ModelError)) throw thrown;
    error = thrown;
  }
  const joined = (type: "text-delta" | "thought-delta") =>
    events.map((event) => (event.type === type ? event.text : "")).join("");
  return {
    text: joined("text-delta"),
    thoughts: joined("thought-delta"),
    calls: events.filter((event) => event.type === "tool-call"),
    end: events.findLast((event) => event.type === "answer-end"),
    failed: error?.kind,
    error,
    types: events.map(({ type }) => type),
  };
}

export const eachWire = wireNames.map((wire) => ({ wire }));

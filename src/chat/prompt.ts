/** The prompt of a question: persona, history within its limits, question. Pure. */
import type { ChatMessage, Exchange } from "../ports.ts";

export interface HistoryLimits {
  readonly maxTokens: number;
  /** Messages of both sides. */
  readonly maxMessages: number;
}

/**
 * The exchanges that the model is shown. History grows until it exceeds a limit and is then cut to half of it, so that
 * its beginning stays the same for many questions: providers bill a repeated prefix at a fraction, and a window
 * that slides with every question would never repeat one. The cut follows from the exchanges alone: nothing is stored.
 */
export function trimHistory(history: readonly Exchange[], limits: HistoryLimits): readonly Exchange[] {
  let start = 0;
  let tokens = 0;
  for (const [index, exchange] of history.entries()) {
    tokens += exchange.tokens;
    const count = index + 1 - start;
    if (tokens <= limits.maxTokens && 2 * count <= limits.maxMessages) continue;
    while (start <= index && (tokens > limits.maxTokens / 2 || 2 * (index + 1 - start) > limits.maxMessages / 2)) {
      tokens -= history[start]?.tokens ?? 0;
      start += 1;
    }
  }
  return history.slice(start);
}

/** Builds the messages for the model. Nothing that changes by itself (time, names) stands before the question. */
export function buildPrompt(
  persona: string,
  history: readonly Exchange[],
  question: string,
  limits: HistoryLimits,
): readonly ChatMessage[] {
  const messages: ChatMessage[] = [];
  if (persona.trim() !== "") messages.push({ role: "system", content: persona });
  for (const exchange of trimHistory(history, limits)) {
    messages.push({ role: "user", content: exchange.asked }, { role: "assistant", content: exchange.answered });
  }
  messages.push({ role: "user", content: question });
  return messages;
}

/** English: what a user is told of a model that failed. */
import type { ModelErrorKind } from "../base/errors.ts";

/** What a user is told when a model failed; the key is the kind of the failure. */
const modelFailures: Readonly<Record<ModelErrorKind, string>> = {
  auth: "⚠️ The model's provider does not accept this bot's key. The operator has to look at it; /model offers other models.",
  quota:
    "⚠️ The account behind this model has run out of credit. The operator has to look at it; /model offers other models.",
  "rate-limit": "⚠️ The model is overloaded right now. Please try again in a minute.",
  "not-found": "⚠️ The provider does not know this model. Please choose another one with /model.",
  "no-endpoint":
    "⚠️ This bot has the wrong address for the model's provider. The operator has to look at it; /model offers other models.",
  misconfigured:
    "⚠️ The way to this model is not set up yet. The operator has to look at it; /model offers other models.",
  "context-overflow": "⚠️ This conversation has become too long for the model. Start a new one with /new.",
  blind:
    "🙈 None of the models that could answer sees pictures. Please say in words what is in it, or choose another model with /model.",
  "bad-request": "⚠️ The model did not accept this request. Please rephrase it, or choose another model with /model.",
  "content-filter": "⚠️ The model declined to answer this because of its content rules.",
  timeout: "⚠️ The model took too long. Please try again.",
  upstream: "⚠️ The model's provider has a problem. Please try again.",
  connection: "⚠️ The connection to the model's provider failed. Please try again.",
  truncated: "⚠️ The answer broke off. Please try again.",
  "not-a-stream": "⚠️ The model's provider sent something that is not an answer. Please try again.",
  empty: "⚠️ The model gave an empty answer. Please try again, or choose another model with /model.",
  busy: "⚠️ Too many questions are being answered at once right now. Please try again in a minute.",
};

/** When it is known how soon it is worth it. */
export function failureLine(kind: ModelErrorKind, retryAfterMs: number | undefined): string {
  const line = modelFailures[kind];
  if (retryAfterMs === undefined || retryAfterMs <= 1000) return line;
  return line.replace(/Please try again( in a minute)?/, `Please try again in ${timeUntil(retryAfterMs)}`);
}

/** A time to wait, rounded up as people would. */
function timeUntil(milliseconds: number): string {
  const totalSeconds = Math.ceil(milliseconds / 1000);
  if (totalSeconds <= 30) return `${totalSeconds} seconds`;
  if (totalSeconds <= 120) return `${Math.ceil(totalSeconds / 5) * 5} seconds`;
  const minutes = Math.ceil(totalSeconds / 60);
  if (minutes <= 90) return `about ${minutes} minutes`;
  return `about ${Math.ceil(minutes / 60)} hours`;
}

/** The same in one word, while the model is asked again. */
export const modelFailureWords: Readonly<Record<ModelErrorKind, string>> = {
  auth: "refused",
  quota: "credit",
  "rate-limit": "busy",
  "not-found": "unknown",
  "no-endpoint": "address",
  misconfigured: "settings",
  "context-overflow": "length",
  blind: "cannot see",
  "bad-request": "refused",
  "content-filter": "filtered",
  timeout: "timeout",
  upstream: "error",
  connection: "connection",
  truncated: "interrupted",
  "not-a-stream": "unreadable",
  empty: "empty",
  busy: "no place",
};

/** What may go wrong with a server, in words for its operator and for a model that has called it. */
import { failedWith, type ToolResult } from "../../ports/tool-results.ts";
import type { ToolClass } from "../../ports/tools.ts";
import { seenLine } from "../framing.ts";

export type CallFailure =
  /** It never arrived. */
  | { readonly kind: "not-sent" }
  | { readonly kind: "timeout" }
  /** Its process, or the connection, has ended in the middle. */
  | { readonly kind: "died" }
  | { readonly kind: "flood"; readonly reason: string }
  /** Its own words. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Of HTTP. */
  | { readonly kind: "status"; readonly status: number }
  /** It would ask somebody something first. */
  | { readonly kind: "wants-input" }
  /** No result as the protocol wants it. */
  | { readonly kind: "broken" }
  | { readonly kind: "other"; readonly reason: string };

const longestReason = 300;

/** A server that has failed; its message is for operators. */
export class ServerError extends Error {
  readonly failure: CallFailure;
  /** `lastWords`: what it has written to its error output. */
  constructor(failure: CallFailure, lastWords = "") {
    super(`${reasonOf(failure)}${lastWords === "" ? "" : ` (its last words: ${lastWords})`}`);
    this.name = "ServerError";
    this.failure = failure;
  }
}

function reasonOf(failure: CallFailure): string {
  switch (failure.kind) {
    case "not-sent":
      return "it cannot be reached";
    case "timeout":
      return "no answer in time";
    case "died":
      return "it has ended";
    case "flood":
      return failure.reason;
    case "refused":
      return `it says: ${seenLine(failure.reason, longestReason)}`;
    case "status":
      return failure.status === 401 || failure.status === 403
        ? `its headers are refused (HTTP ${failure.status})`
        : `it answers with HTTP ${failure.status}`;
    case "wants-input":
      return "it wants to ask a person something, which cannot be done here";
    case "broken":
      return "its answer does not hold to the protocol";
    case "other":
      return seenLine(failure.reason, longestReason);
  }
}

/** Whether the server has surely not carried the call out, so that a new connection may be tried. */
export function wasRefusedUnread(failure: CallFailure): boolean {
  if (failure.kind === "not-sent") return true;
  if (failure.kind !== "status" || isUnknown(failure)) return false;
  // A session that the server has forgotten, as after its restart; neither keys nor limits are mended by another one.
  return failure.status >= 400 && ![401, 403, 429].includes(failure.status);
}

/** Whether nobody knows if it has carried the call out. */
function isUnknown(failure: CallFailure): boolean {
  const { kind } = failure;
  // Whoever stands before it may have lost its answer, or its patience.
  if (kind === "status") return failure.status >= 500 || failure.status === 408;
  return kind === "timeout" || kind === "died" || kind === "flood" || kind === "broken" || kind === "other";
}

/** What the model is told of a call that has failed in this way. */
export function failedCall(server: string, failure: CallFailure, toolClass: ToolClass): ToolResult {
  // What it says itself is data from outside, as its results are.
  if (failure.kind === "refused")
    return { text: `The server ${server} has refused the call. ${reasonOf(failure)}`, failed: true, untrusted: true };
  const what = `The call of the server ${server} has failed: ${reasonOf(failure)}.`;
  if (!isUnknown(failure)) return failedWith(`${what} Answer without it, and say so.`);
  const then =
    toolClass === "safe"
      ? "Try once more at most, or answer without it, and say so."
      : "Nobody knows whether it was carried out. Do not call it again; tell the user.";
  return failedWith(`${what} ${then}`);
}

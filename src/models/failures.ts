/** Whatever a provider answers, and whatever happens on the way, in the kinds of `ModelError`. */
import type { IncomingHttpHeaders } from "node:http";
import { ModelError, type ModelErrorKind } from "../base/errors.ts";
import { type Said, saidBy, saidByText } from "./error-words.ts";
import { logLine } from "./log-line.ts";
import type { ReadFailure } from "./wires/answer-reader.ts";

/** What is known about a failure before it is given a model's name. */
export interface Failure {
  /** What the provider says, in lower case: where the name of a parameter is looked for. */
  readonly complaint?: string;
  readonly kind: ModelErrorKind;
  readonly message: string;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** A refusal: its status, and whatever came with it. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The model that was asked for, as it is called on the wire. */
  readonly model: string;
}

/** Nobody who is asked waits for longer, and no clock of a provider's is right that says so. */
const longestAskedMs = 31 * 86_400_000;

/** Turns a failure into the error that leaves this folder: without `cause`, which could carry bodies and headers into a log. */
export function modelError(model: string, failure: Failure, hide: readonly string[] = []): ModelError {
  return new ModelError(failure.kind, model, logLine(failure.message, hide), {
    status: failure.status,
    retryAfterMs: (failure.retryAfterMs ?? 0) <= longestAskedMs ? failure.retryAfterMs : undefined,
  });
}

/** What whoever still waits for a model is told when the process leaves. */
export function stoppingError(model: string): ModelError {
  return modelError(model, { kind: "connection", message: "the process is stopping" });
}

/** Reads a refusal. */
export function refusalFailure({ status, headers, body, model }: Refusal): Failure {
  const said = saidByText(body);
  return {
    kind: kindOf(status, said, model),
    status,
    message: `HTTP ${status}: ${said.text || "no reason given"}`,
    complaint: complaintOf(said),
    retryAfterMs: retryAfterOf(headers) ?? said.retryAfterMs,
  };
}

/** Reads what ended an answer whose status was 200. */
export function readingFailure(failure: ReadFailure, contentType: string | undefined, model: string): Failure {
  if (failure.is === "endless") {
    return failure.what === "thoughts"
      ? { kind: "timeout", message: "the model thinks without end" }
      : {
          kind: "not-a-stream",
          message: `the provider sends an ${failure.what === "event" ? "event" : "answer"} without end`,
        };
  }
  const type = typeNamed(contentType);
  if (failure.is === "no-stream") {
    // Gzip's own mark, read as text.
    const isGzip = failure.beginning.startsWith("\u001f\ufffd");
    const { text } = isGzip
      ? { text: "compressed without a content-encoding that says so" }
      : saidByText(failure.beginning);
    return { kind: "not-a-stream", message: `${type} where a stream was due${text === "" ? "" : `: ${text}`}` };
  }
  const said = saidBy(failure.event);
  const kind = kindOf(said.status, said, model);
  // A body that is nothing but an error comes from something in between, unless it says what is wrong.
  const unknown = failure.bare && (kind === "upstream" || kind === "bad-request") && said.status === undefined;
  return {
    kind: unknown ? "not-a-stream" : kind,
    status: said.status,
    message: `${failure.bare ? `an error (${type}) where a stream was due` : "error in the stream"}: ${said.text || "no reason given"}`,
    retryAfterMs: said.retryAfterMs,
    complaint: complaintOf(said),
  };
}

/** What an answer says that it is, as an error names it. */
export function typeNamed(contentType: string | undefined): string {
  return contentType?.split(";")[0]?.trim() || "no content type";
}

function complaintOf({ text, labels, where }: Said): string {
  return `${text} ${labels} ${where}`.toLowerCase();
}

/** Reads what was thrown: a connection that failed. */
export function connectionFailure(error: unknown): Failure {
  let reason = "";
  let where = "provider";
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    // With a proxy the address is the proxy's.
    const { code, address, port } = at as NodeJS.ErrnoException & { address?: string; port?: number };
    if (typeof code !== "string") continue;
    reason = address === undefined || port === undefined ? ` (${code})` : ` (${code} ${address}:${port})`;
    if (code.startsWith("ERR_PROXY")) where = "proxy";
  }
  return { kind: "connection", message: `the connection to the ${where} failed${reason}` };
}

const patterns = {
  quota:
    /insufficient[ _](quota|balance|credits?|funds)|credit balance is too low|out of credits|billing_not_active|billing_error|arrearage|in good standing/,
  overflow:
    /context[ _-](length|window|size|limit)|maximum context|prompt (is )?too long|input (is )?too long|too many (input )?tokens|reduce the length|input token count|max_prompt_tokens|maximum prompt length|range of input length|prompt exceeds|exceeds? the (model'?s )?(maximum|available) (number of )?(input )?(context|tokens)/,
  filter:
    /content[ _-](filter|policy|management)|responsibleaipolicy|moderation|flagged|safety system|prohibited[ _]content|policy_violation|(bio|cyber)_policy|invalid_prompt|content exists risk|sensitive content|data_inspection_failed/,
  notFound:
    /model_not_found|model[_ ]not[_ ](found|exist)|unknown model|invalid model|not a valid model|no such model|no (available )?(channel|endpoint)s?\b.{0,40}\b(model|found|available)|models?\b.{0,80}(not found|does not exist|doesn't exist|not exist|not supported for|is not available|has been (retired|decommissioned|deprecated))/,
  auth: /api[ _-]?key.{0,40}(not valid|invalid|expired|incorrect|missing)|(invalid|incorrect|missing).{0,20}api[ _-]?key|api_key_invalid|authentication_error|permission_(error|denied)|unauthenticated|unauthorized/,
  /** Surely about the key, whatever the status. */
  key: /(invalid|incorrect|missing|no) api[ _-]?key|api[ _-]?key.{0,20}(not valid|invalid|expired|incorrect|missing)/,
  rate: /rate[ _-]?limit|too many requests|resource_exhausted|tokens per minute|requests per (minute|day)/,
  overloaded: /overloaded|server_error|service_unavailable|internal/,
  path: /invalid url|unknown (request )?url|cannot post|(no such|unexpected) endpoint|page not found|route .{0,80}not found/,
  aboutModel: /model|deployment|engine/,
  /** A gateway wants to be told more than a question could tell it. */
  setup:
    /\bheaders?\b.{0,40}\b(?:required|missing|not (?:set|found|provided|valid))|(?:missing|required|requires?|invalid|provide|without|need)\b.{0,40}\bheaders?\b|invalid (?:provider|config|virtual key|gateway)\b|(?:provider|config|gateway|virtual key)\b.{0,20}\b(?:not (?:provided|configured|set|passed)|is required)|configure (?:the |your )?(?:ai )?gateway|api[- ]version\b.{0,40}(?:required|missing|not (?:supported|valid))|(?:missing|invalid|unsupported).{0,40}\bapi[- ]version/,
};

function kindOf(status: number | undefined, said: Said, model: string): ModelErrorKind {
  const text = `${said.labels} ${said.text.toLowerCase()}`;
  const is = (name: keyof typeof patterns) => patterns[name].test(text);
  if (status !== undefined && status >= 500) {
    // Relays answer so whatever is wrong; what they say is more exact.
    if (is("overflow")) return "context-overflow";
    if (is("quota")) return "quota";
    if (is("key")) return "auth";
    if (is("notFound")) return "not-found";
    return status === 501 ? "bad-request" : "upstream";
  }
  if (status === 402 || is("quota")) return "quota";
  if (status === 429) return "rate-limit";
  if (status === 401) return "auth";
  if (status === 403) return is("filter") ? "content-filter" : "auth";
  if ((status === 404 || status === 405) && is("key")) return "auth";
  if (status === 404) {
    const isPath = is("path") || (/\/(completions|responses|messages)\b/.test(text) && !/\bmodel\b/.test(text));
    return !isPath && (is("notFound") || is("aboutModel") || names(text, model)) ? "not-found" : "no-endpoint";
  }
  if (status === 405) return "no-endpoint";
  if (status === 407) return "connection";
  if (status === 408) return "timeout";
  if (status === 409) return "upstream";
  // LM Studio says so with a status of 200.
  if (status === undefined && is("path")) return "no-endpoint";
  if (status === undefined && is("overloaded")) return "upstream";
  if (is("rate")) return "rate-limit";
  if (status === 413 || is("overflow")) return "context-overflow";
  if (is("filter")) return "content-filter";
  if (is("notFound")) return "not-found";
  if (is("auth")) return "auth";
  if (status === undefined) return "upstream";
  if (status >= 400) return is("setup") ? "misconfigured" : "bad-request";
  return "not-a-stream";
}

/** Whether a text names a model, as a word of its own. */
function names(text: string, model: string): boolean {
  const at = text.indexOf(model.toLowerCase());
  return at >= 0 && !/\w/.test(`${text[at - 1] ?? ""}${text[at + model.length] ?? ""}`);
}

/** `Retry-After` in seconds or as a date, or OpenAI's own header in milliseconds. */
function retryAfterOf(headers: IncomingHttpHeaders): number | undefined {
  const exact = headers["retry-after-ms"];
  if (typeof exact === "string" && exact !== "" && Number(exact) >= 0) return Number(exact);
  const value = headers["retry-after"];
  if (!value) return undefined;
  if (Number(value) >= 0) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** Whatever a provider answers or throws, in the kinds of `ModelError`. */
import { APIConnectionError, APIError } from "openai";
import { ModelError, type ModelErrorKind } from "../errors.ts";

/** What is known about a failure before it is given a model's name. */
export interface Failure {
  readonly kind: ModelErrorKind;
  readonly message: string;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Whether the same question may be answered later, by the same model. */
const retryable: ReadonlySet<ModelErrorKind> = new Set<ModelErrorKind>([
  "rate-limit",
  "timeout",
  "upstream",
  "connection",
  "truncated",
  "not-a-stream",
  "empty",
]);

/**
 * Turns a failure into the error that leaves this folder. `cause` is left out on purpose: the SDK's errors carry bodies
 * and headers, which a log would print.
 */
export function modelError(model: string, failure: Failure, hide: readonly string[] = []): ModelError {
  return new ModelError(failure.kind, model, brief(failure.message, hide), {
    status: failure.status,
    retryAfterMs: failure.retryAfterMs,
    retryable: retryable.has(failure.kind),
  });
}

/** Reads what the SDK threw: a refusal with a status, or a connection that failed. */
export function failureOf(error: unknown): Failure {
  if (error instanceof APIConnectionError) return connectionFailure(error);
  if (error instanceof APIError && error.status !== undefined) {
    const headers = error.headers as Headers | undefined;
    return refusal(error.status, error.error, headers);
  }
  return connectionFailure(error);
}

/** Reads a refusal: its HTTP status and whatever shape of body came with it. */
function refusal(status: number, body: unknown, headers?: Headers): Failure {
  const said = saidBy(body);
  const text = said.text === "" ? "no reason given" : said.text;
  const kind = kindOf(status, said);
  return {
    kind,
    status,
    message: `HTTP ${status}: ${text}`,
    retryAfterMs: retryAfterOf(headers) ?? said.retryAfterMs,
  };
}

/** Reads an error event inside a stream that had begun well. */
export function eventFailure(event: unknown): Failure {
  const said = saidBy(event);
  const status = statusIn(said.code);
  return {
    kind: kindOf(status, said),
    ...(status === undefined ? {} : { status }),
    message: `error in the stream: ${said.text === "" ? "no reason given" : said.text}`,
    retryAfterMs: said.retryAfterMs,
  };
}

/** Reads a body that is no stream although its status was 200. */
export function notAStream(contentType: string | null, body: string): Failure {
  const type = contentType?.split(";")[0]?.trim() || "no content type";
  const said = saidBy(parsed(body));
  const kind = said.isError ? kindOf(statusIn(said.code), said) : undefined;
  return {
    kind: kind === undefined || kind === "upstream" || kind === "bad-request" ? "not-a-stream" : kind,
    message: said.isError
      ? `an error (${type}) where a stream was due: ${said.text}`
      : `${type} where a stream was due`,
    retryAfterMs: said.retryAfterMs,
  };
}

/** The text of a refusal, in lower case: where the name of a parameter is looked for. */
export function refusalText(error: unknown): string {
  if (!(error instanceof APIError)) return "";
  const said = saidBy(error.error);
  return `${said.text} ${said.param} ${said.where}`.toLowerCase();
}

function connectionFailure(error: unknown): Failure {
  let code = "";
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const own = (at as NodeJS.ErrnoException).code;
    if (typeof own === "string") code = own;
  }
  return { kind: "connection", message: `the connection to the provider failed${code === "" ? "" : ` (${code})`}` };
}

interface Said {
  readonly isError: boolean;
  readonly text: string;
  /** `code`, `type` and `status` of the error, in one lower-case string. */
  readonly labels: string;
  readonly code: unknown;
  readonly param: string;
  readonly where: string;
  readonly retryAfterMs: number | undefined;
}

/**
 * Finds the words in a body: OpenAI's `{error:{message,…}}` (which the SDK has unwrapped already), Gemini's array of
 * that, Ollama's bare string, FastAPI's and Mistral's `detail`.
 */
function saidBy(body: unknown): Said {
  let at: unknown = Array.isArray(body) ? body[0] : body;
  let isError = false;
  if (isRecord(at) && at["error"]) {
    at = at["error"];
    isError = true;
  }
  if (typeof at === "string") return { ...silence, isError, text: at };
  if (!isRecord(at)) return silence;
  const detail = isRecord(at["message"]) ? at["message"]["detail"] : at["detail"];
  const details = Array.isArray(detail) ? detail.filter(isRecord) : [];
  // A detail's `input` would repeat what the user wrote.
  const complaints = details.map((one) => `${[one["loc"]].flat(2).join(".")}: ${words(one["msg"])}`).join("; ");
  const text = words(at["message"]) || words(detail) || complaints || words(at["error_description"]);
  const labels = ["code", "type", "status"].map((name) => words(at[name])).join(" ");
  const delay = /"retryDelay":\s*"(\d+(?:\.\d+)?)s"/.exec(JSON.stringify(at["details"] ?? null));
  return {
    isError: isError || at["object"] === "error",
    text: text || labels.trim(),
    labels: labels.toLowerCase(),
    code: at["code"] ?? at["status"],
    param: words(at["param"]),
    where: details.map((one) => [one["loc"]].flat(2).join(" ")).join(" "),
    retryAfterMs: delay?.[1] === undefined ? undefined : Number(delay[1]) * 1000,
  };
}

const silence: Said = {
  isError: false,
  text: "",
  labels: "",
  code: undefined,
  param: "",
  where: "",
  retryAfterMs: undefined,
};

const patterns = {
  quota: /insufficient[ _](quota|balance|credits?|funds)|credit balance is too low|out of credits|billing_not_active/,
  overflow:
    /context[ _-](length|window|size)|maximum context|prompt (is )?too long|input (is )?too long|too many (input )?tokens|reduce the length|input token count|max_prompt_tokens|maximum prompt length|exceeds? the (model'?s )?(maximum|available) (number of )?(input )?(context|tokens)/,
  filter:
    /content[ _-](filter|policy|management)|responsibleaipolicy|moderation|flagged|safety system|prohibited[ _]content|content exists risk|data_inspection_failed/,
  notFound:
    /model_not_found|model[_ ]not[_ ](found|exist)|unknown model|invalid model|not a valid model|no such model|models?\b.{0,80}(not found|does not exist|doesn't exist|not exist|not supported for|is not available|has been (retired|decommissioned|deprecated))/,
  auth: /api[ _-]?key.{0,40}(not valid|invalid|expired|incorrect|missing)|(invalid|incorrect|missing).{0,20}api[ _-]?key|api_key_invalid|authentication_error|unauthenticated|unauthorized/,
  rate: /rate[ _-]?limit|too many requests|resource_exhausted|tokens per minute|requests per (minute|day)/,
  overloaded: /overloaded|server_error|service_unavailable|internal/,
};

function kindOf(status: number | undefined, said: Said): ModelErrorKind {
  const text = `${said.labels} ${said.text.toLowerCase()}`;
  const is = (name: keyof typeof patterns) => patterns[name].test(text);
  if (status !== undefined && status >= 500) return is("overflow") ? "context-overflow" : "upstream";
  if (status === 402 || is("quota")) return "quota";
  if (status === 429) return "rate-limit";
  if (status === 401) return "auth";
  if (status === 403) return is("filter") ? "content-filter" : "auth";
  if (status === 404) return "not-found";
  if (status === 408) return "timeout";
  if (status === 409) return "upstream";
  if (status === undefined && is("overloaded")) return "upstream";
  if (is("rate")) return "rate-limit";
  if (status === 413 || is("overflow")) return "context-overflow";
  if (is("filter")) return "content-filter";
  if (is("notFound")) return "not-found";
  if (is("auth")) return "auth";
  if (status === undefined) return "upstream";
  return status >= 400 ? "bad-request" : "not-a-stream";
}

function statusIn(code: unknown): number | undefined {
  const status = typeof code === "string" || typeof code === "number" ? Number(code) : Number.NaN;
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined;
}

/** `Retry-After` in seconds or as a date, or OpenAI's own header in milliseconds. */
function retryAfterOf(headers: Headers | undefined): number | undefined {
  const exact = headers?.get("retry-after-ms");
  if (exact && Number(exact) >= 0) return Number(exact);
  const value = headers?.get("retry-after");
  if (!value) return undefined;
  if (Number(value) >= 0) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function words(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

const longest = 200;

/** One short line without keys, without what URLs may hide, and without `hide` (the key, the user's own words). */
function brief(message: string, hide: readonly string[]): string {
  let line = message.replace(/\s+/g, " ").trim();
  for (const secret of hide) {
    if (secret.length >= 4) line = line.replaceAll(secret.replace(/\s+/g, " ").trim(), "[…]");
  }
  line = line
    .replace(/\bBearer\s+[^\s"',]+/gi, "Bearer […]")
    .replace(/\b(sk|pk|rk|gsk|xai|key|tok|AIza)[-_]?[\w*.-]{8,}/g, "[…]")
    .replace(/(\w+:\/\/)[^\s/@]*@/g, "$1")
    .replace(/(\w+:\/\/[^\s?#]*)[?#]\S*/g, "$1");
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}

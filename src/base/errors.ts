/** Errors typed by what the caller must do: `retryable` says whether the same call may succeed later. */

/** What went wrong with a model, in the terms that decide what happens next. */
export type ModelErrorKind =
  | "auth" // 401, 403: the key is refused
  | "quota" // 402, insufficient_quota: the account is out of money
  | "rate-limit" // 429
  | "not-found" // 404: no such model
  | "no-endpoint" // 404, 405 for the path: the address is wrong
  | "misconfigured" // 400 for what the bot's settings lack, a header of a gateway say: no other question would do
  | "context-overflow" // the prompt is too long for the model
  | "blind" // the question has pictures, and the model sees none
  | "bad-request" // any other 4xx
  | "content-filter" // refused for its content
  | "timeout" // no first token, or silence in mid-answer, or too long in all
  | "upstream" // 5xx, an error event in the stream
  | "connection" // refused, reset, DNS
  | "truncated" // the stream ended without finish_reason
  | "not-a-stream" // JSON or HTML where a stream was due
  | "empty" // an answer without a visible character
  | "busy"; // no place at the provider came free in time

/** What a failure of a model leads to. */
export interface ModelErrorFate {
  /** The same model is asked again for the same question, after a pause. */
  readonly repeat: boolean;
  /** It may pass by itself: the same model may well answer the same question later. */
  readonly passes: boolean;
  /** A Retry button stands below its message. */
  readonly retryButton: boolean;
}

const persists: ModelErrorFate = { repeat: false, passes: false, retryButton: false };
const passes: ModelErrorFate = { repeat: false, passes: true, retryButton: true };
const passesSoon: ModelErrorFate = { repeat: true, passes: true, retryButton: true };

/** The one place that says what follows from each kind of failure. */
export const modelErrorFates: Readonly<Record<ModelErrorKind, ModelErrorFate>> = {
  auth: persists,
  quota: persists,
  "rate-limit": passesSoon,
  "not-found": persists,
  "no-endpoint": persists,
  misconfigured: persists,
  "context-overflow": persists,
  // Another model, chosen meanwhile, may take it.
  blind: { ...persists, retryButton: true },
  "bad-request": { ...persists, retryButton: true },
  "content-filter": persists,
  timeout: passes,
  upstream: passesSoon,
  connection: passesSoon,
  truncated: passesSoon,
  "not-a-stream": passes,
  empty: passesSoon,
  busy: passes,
};

/** An error that Parley raises itself: `code` names it for logs and tests. */
export class ParleyError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  constructor(code: string, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ParleyError";
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** A model that gave no answer, or only a part of one. The message is for the log and holds no secret. */
export class ModelError extends ParleyError {
  readonly kind: ModelErrorKind;
  /** `provider/model` that failed last. */
  readonly model: string;
  /** HTTP status, when there was one. */
  readonly status: number | undefined;
  /** The provider's `Retry-After`; of the failure of a whole chain, the time until one of its models can be asked. Milliseconds. */
  readonly retryAfterMs: number | undefined;
  constructor(
    kind: ModelErrorKind,
    model: string,
    message: string,
    options: {
      status?: number | undefined;
      retryAfterMs?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(`model-${kind}`, message, { ...options, retryable: modelErrorFates[kind].passes });
    this.name = "ModelError";
    this.kind = kind;
    this.model = model;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whose budget: a user's of the day or the month, a chat's, that of the whole bot. */
export type Whose = "user-day" | "user-month" | "chat-day" | "bot-day";

/**
 * Why a budget pays for no further call: what is left of it pays for no answer at all; not for this one, but for a shorter question's;
 * calls that have not ended for very long have reserved it.
 */
export type BudgetRefusal = "used-up" | "too-little" | "reserved";

/** A call that would cost more than is left. No model was asked. */
export class BudgetError extends ParleyError {
  readonly whose: Whose;
  readonly why: BudgetRefusal;
  /** When there is a new budget; milliseconds since the epoch. */
  readonly resetsAt: number;
  /** How long that was when it was refused. Milliseconds. */
  readonly waitMs: number | undefined;
  constructor(whose: Whose, resetsAt: number, waitMs?: number, why: BudgetRefusal = "used-up") {
    super("over-budget", `the budget ${whose} does not pay for this: ${why}`);
    this.name = "BudgetError";
    this.whose = whose;
    this.why = why;
    this.resetsAt = resetsAt;
    this.waitMs = waitMs;
  }
}

/** An update that the bot can make nothing of, however often it comes. The message says why without quoting it. */
export class UnaddressableError extends ParleyError {
  constructor(reason: string, cause?: unknown) {
    super("unaddressable", reason, { cause });
    this.name = "UnaddressableError";
  }
}

/** A write that came too late: another worker has taken over the lane that this one was handling. */
export class LeaseLostError extends ParleyError {
  constructor() {
    super("lease-lost", "another worker has taken this conversation over", { retryable: true });
    this.name = "LeaseLostError";
  }
}

/**
 * What keeps the process from starting, or from going on: printed as plain lines. A person must mend it (exit code 78), unless
 * it is `retryable`: then it may pass by itself, and a supervisor that starts the process again does right (exit code 1).
 */
export class StartError extends ParleyError {
  /** One clear line each. */
  readonly lines: readonly string[];
  constructor(lines: readonly string[], options: { readonly retryable?: boolean; readonly code?: string } = {}) {
    super(options.code ?? "start-refused", lines.join("\n"), options);
    this.name = "StartError";
    this.lines = lines;
  }
}

/** The message of anything that was thrown; grammY says "failed!" and keeps the reason in `error`. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const reason = "error" in error && error.error instanceof Error ? error.error : undefined;
  if (reason === undefined) return error.message;
  // Where a name has several addresses, their common error has only a code.
  return `${error.message} (${reason.message || ("code" in reason ? String(reason.code) : reason.name)})`;
}

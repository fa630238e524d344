/** One provider on the Chat Completions wire: a question to one of its models, once. */
import OpenAI, { APIError } from "openai";
import type { ProviderConfig } from "../config.ts";
import type { ModelError } from "../errors.ts";
import type { ChatMessage, ModelEvent, Work } from "../ports.ts";
import { type AnswerReader, createAnswerReader } from "./answer-reader.ts";
import { dialectOf, mended, type OptionalFields, optionalFields } from "./dialects.ts";
import { eventFailure, type Failure, failureOf, modelError, notAStream, refusalText } from "./failures.ts";
import { type Incoming, openIncoming } from "./incoming.ts";
import { createPlaces, type Places } from "./places.ts";
import { StaleConnection, type Transport } from "./transport.ts";

/** How long a model may take, in milliseconds. */
export interface Patience {
  /** To the status of the response. */
  readonly responseMs: number;
  /** To the first sign of life. */
  readonly firstTokenMs: number;
  /** Between two signs of life. */
  readonly silenceMs: number;
  /** In all. */
  readonly totalMs: number;
  /** For the usage, after the finish reason. */
  readonly usageMs: number;
}

interface Ask {
  /** The model's name on the wire. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Stands around each piece that is read. */
  readonly work: Work;
  readonly patience: Patience;
  /** Asked before each request; false when the question may cause no more of them. */
  readonly mayCall: () => boolean;
  /** Told of each sign of life, visible or not. */
  readonly onLife: () => void;
}

export interface Provider {
  readonly places: Places;
  /**
   * Asks once; a request that the provider refused for a field it can do without is mended and sent again. Yields from
   * `thinking` to `answer-end`; throws a `ModelError`; ends quietly when the signal was aborted.
   */
  ask(ask: Ask, signal: AbortSignal): AsyncGenerator<ModelEvent, void>;
}

export interface ProviderDeps {
  readonly config: ProviderConfig;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly transport: Transport;
  readonly log: { warn(details: object, message: string): void };
}

/** No timer of the SDK ever fires: it would stop at the headers anyway. */
const neverMs = 2 ** 31 - 1;
const thinkingEveryMs = 1_000;

/** Creates a provider with its client. */
export function createProvider(deps: ProviderDeps): Provider {
  const { config, transport } = deps;
  const dialect = dialectOf(config.name);
  const client = new OpenAI({
    baseURL: config.baseUrl,
    apiKey: config.apiKey ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    // The SDK's own headers hold what it reads from the environment (OPENAI_CUSTOM_HEADERS), whichever provider it is.
    fetch: (url, init) => transport.fetch(url, { ...init, headers: headersFor(config) }),
    maxRetries: 0,
    timeout: neverMs,
    logLevel: "off",
  });
  /** What was learnt about models of this provider, for the life of the process. */
  const learnt = new Map<string, { fields: OptionalFields; swapped: boolean }>();

  function fieldsFor(model: string): { fields: OptionalFields; swapped: boolean } {
    return learnt.get(model) ?? { fields: optionalFields(dialect, model, deps), swapped: false };
  }

  async function send(ask: Ask, fields: OptionalFields, signal: AbortSignal): Promise<Response> {
    const body = { model: ask.model, messages: [...ask.messages], stream: true as const, ...fields };
    return await client.chat.completions.create(body, { signal }).asResponse();
  }

  /** Opens the stream; mends the request as often as the provider names a field that it was sent. */
  async function open(ask: Ask, signal: AbortSignal): Promise<Incoming> {
    for (let stale = false; ; ) {
      const { fields, swapped } = fieldsFor(ask.model);
      try {
        const response = await send(ask, fields, signal);
        const body = transport.bodyOf(response);
        if (body !== undefined) return openIncoming(body);
        throw new Refused(notAStream(response.headers.get("content-type"), await response.text()));
      } catch (error) {
        if (signal.aborted) throw error;
        if (!stale && isStale(error) && ask.mayCall()) {
          stale = true;
          continue;
        }
        const better = mendable(error) ? mended(fields, refusalText(error), swapped) : undefined;
        if (better === undefined || !ask.mayCall()) throw error;
        learnt.set(ask.model, { fields: better, swapped: swapped || lengthFieldOf(better) !== lengthFieldOf(fields) });
        deps.log.warn(
          { provider: config.name, model: ask.model, fields: Object.keys(better) },
          "the provider refuses a field; from now on it gets only these",
        );
      }
    }
  }

  return {
    places: createPlaces(config.concurrency),
    async *ask(ask, signal) {
      const name = `${config.name}/${ask.model}`;
      const question = ask.messages.at(-1)?.content ?? "";
      const fail = (failure: Failure): ModelError => modelError(name, failure, [config.apiKey ?? "", question]);
      if (signal.aborted) return;
      if (!ask.mayCall()) throw fail({ kind: "upstream", message: "the question has used up its calls" });

      const calling = new AbortController();
      let incoming: Incoming | undefined;
      // The SDK forgets its own link between signal and body as soon as the response is collected as garbage.
      const abort = (): void => {
        calling.abort();
        incoming?.close();
      };
      signal.addEventListener("abort", abort, { once: true });
      let late: string | undefined;
      const giveUp = (why: string) => () => {
        late = why;
        abort();
      };
      const total = setTimeout(giveUp("the answer took too long in all"), ask.patience.totalMs);
      let silence = setTimeout(giveUp("no first token in time"), ask.patience.firstTokenMs);
      const response = setTimeout(giveUp("no response in time"), ask.patience.responseMs);
      let alive = false;
      const live = (): void => {
        ask.onLife();
        if (alive) {
          silence.refresh();
          return;
        }
        alive = true;
        clearTimeout(silence);
        silence = setTimeout(giveUp("the model fell silent"), ask.patience.silenceMs);
      };
      let complete = false;
      try {
        incoming = await open(ask, calling.signal);
        clearTimeout(response);
        for await (const event of read(incoming, live, ask)) {
          if (signal.aborted) return;
          if (event.type === "answer-end") {
            complete = true;
            yield { ...event, model: name };
            return;
          }
          yield event;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (late !== undefined) throw fail({ kind: "timeout", message: late });
        throw fail(error instanceof Refused ? error.failure : failureOf(error));
      } finally {
        clearTimeout(response);
        clearTimeout(silence);
        clearTimeout(total);
        signal.removeEventListener("abort", abort);
        if (complete) incoming?.drain();
        else abort();
      }
    },
  };
}

function headersFor({ apiKey }: ProviderConfig): Record<string, string> {
  return {
    accept: "application/json",
    "content-type": "application/json",
    "user-agent": "Parley",
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
}

/** A failure that no SDK has thrown. */
class Refused extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

function mendable(error: unknown): boolean {
  return error instanceof APIError && (error.status === 400 || error.status === 422);
}

function isStale(error: unknown): boolean {
  return error instanceof Error && (error instanceof StaleConnection || isStale(error.cause));
}

function lengthFieldOf(fields: OptionalFields): string | undefined {
  return ["max_tokens", "max_completion_tokens"].find((field) => field in fields);
}

type Reading = Exclude<ModelEvent, { type: "answer-end" }> | Omit<Extract<ModelEvent, { type: "answer-end" }>, "model">;

/** Reads the answer from an open stream, all that one piece of the network holds at once. */
async function* read(
  incoming: Incoming,
  live: () => void,
  { patience, work }: Pick<Ask, "patience" | "work">,
): AsyncGenerator<Reading> {
  const reader = createAnswerReader();
  let shown = false;
  let toldThinkingAt = Number.NEGATIVE_INFINITY;
  let finishedAt: number | undefined;
  for (;;) {
    if (reader.finish !== undefined) finishedAt ??= performance.now();
    const leftMs = finishedAt === undefined ? undefined : finishedAt + patience.usageMs - performance.now();
    const chunk = await incoming.next(leftMs).catch((error: unknown) => {
      // An answer that has its finish reason is whole, whatever happens to the connection afterwards.
      if (finishedAt === undefined) throw error;
      return undefined;
    });
    const text = work(() => {
      if (chunk === undefined) reader.end();
      else if (chunk !== "") reader.push(chunk);
      return reader.takeText();
    });
    const alive = reader.takeLife();
    if (alive) live();
    if (text !== "") {
      shown = true;
      yield { type: "text-delta", text };
    } else if (alive && !shown && performance.now() - toldThinkingAt >= thinkingEveryMs) {
      toldThinkingAt = performance.now();
      yield { type: "thinking" };
    }
    const waitedEnough = chunk === "" || (leftMs !== undefined && leftMs <= 0);
    if (reader.finish !== undefined && (reader.complete || reader.failure !== undefined || waitedEnough)) {
      yield ending(reader, shown);
      return;
    }
    if (reader.failure !== undefined) throw new Refused(eventFailure(reader.failure.event));
    if (reader.complete) throw new Refused({ kind: "truncated", message: "the stream ended without a finish reason" });
  }
}

/** The end of an answer that has a finish reason; throws when it is the end of none. */
function ending(reader: AnswerReader, shown: boolean): Reading {
  const reason = `finish_reason ${reader.finishReason ?? ""}`;
  if (reader.finish === "failed") throw new Refused({ kind: "upstream", message: reason });
  if (!shown && reader.finish === "filtered") throw new Refused({ kind: "content-filter", message: reason });
  if (!shown) throw new Refused({ kind: "empty", message: `nothing visible in the answer (${reason})` });
  return {
    type: "answer-end",
    finish: reader.finish ?? "stop",
    ...(reader.usage === undefined ? {} : { usage: reader.usage }),
  };
}

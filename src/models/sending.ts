/** Sends a question to a provider until it is taken: mends what the provider refuses, and follows where it moved to. */
import OpenAI from "openai";
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { ProviderConfig } from "../config/config.ts";
import { prefixOf } from "../config/provider-settings.ts";
import type { ChatMessage, ModelRequest } from "../ports/models.ts";
import { plain, redirected, versioned } from "./address.ts";
import type { CapabilityTable } from "./capabilities.ts";
import { type Listing, readList } from "./catalogue.ts";
import { type Failure, refusalFailure } from "./failures.ts";
import { readBeginning } from "./incoming.ts";
import { lessonOfOverflow, lessonOfRefusal } from "./lessons.ts";
import { Refused } from "./reading.ts";
import { type Received, StaleConnection, type Transport } from "./transport.ts";
import { dialectOf } from "./wires/dialects.ts";
import { fieldsAsTaught, mended, mendedThoughts, untaught } from "./wires/requests.ts";
import type { Manner, Wire, WireRequest } from "./wires/wire.ts";

export interface Question extends Pick<ModelRequest, "effort" | "thoughts" | "cacheKey"> {
  /** The model's name on the wire. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Stands around whatever is read of the provider's words. */
  readonly work: Work;
  /** Asked before each further request; false when the question may cause no more of them. */
  readonly mayCall: () => boolean;
  /** Told when an answer is awaited that comes in one piece. */
  readonly onWhole: () => void;
}

export interface Sender {
  /** Resolves with a response of status 2xx. Rejects with a `Refused`, or with what the connection threw. */
  send(question: Question, signal: AbortSignal): Promise<Received>;
  /** Whether a failure has taught how to ask instead, so that it is worth asking again at once. */
  learns(question: Question, failure: Failure): boolean;
  /** Asks for the provider's own list of models. Never rejects. */
  list(signal: AbortSignal): Promise<Listing>;
  /** A failure that the address may be the reason of, with the address and the variable to look at. */
  located(failure: Failure): Failure;
}

export interface SenderDeps {
  readonly config: ProviderConfig;
  readonly wire: Wire;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly capabilities: CapabilityTable;
  readonly transport: Transport;
  readonly log: Pick<Logger, "warn">;
}

/** No timer of the SDK ever fires: it would stop at the headers anyway. */
const neverMs = 2 ** 31 - 1;
/** As much of a refusal is read, and for so long. */
const maxRefusalBytes = 64 * 1024;
const maxRefusalMs = 5_000;
const maxListBytes = 4 * 1024 * 1024;
const maxListMs = 8_000;
const permanent: ReadonlySet<number> = new Set([301, 308]);
const followed: ReadonlySet<number> = new Set([301, 302, 307, 308]);

const sharedHeaders = { accept: "application/json", "content-type": "application/json", "user-agent": "Parley" };

/** Creates a sender with its client. */
export function createSender({ config, wire, capabilities, transport, log, ...settings }: SenderDeps): Sender {
  const dialect = dialectOf(config.name);
  const client = new OpenAI({
    baseURL: config.baseUrl,
    apiKey: config.apiKey ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    // The SDK's own headers hold what it reads from the environment (OPENAI_CUSTOM_HEADERS), whichever provider it is.
    fetch: (url, init) => transport.fetch(url, { ...init, headers: headersOf(config, wire) }),
    maxRetries: 0,
    timeout: neverMs,
    logLevel: "off",
  });
  const manners = new Map<string, Manner>();
  const configured = `${config.baseUrl}${wire.path}`;
  let address = configured;
  /** Addresses that the log has named. */
  const told = new Set<string>();

  function mannerOf(model: string): Manner {
    return manners.get(model) ?? untaught;
  }

  function requestOf({ model, messages, effort, thoughts, cacheKey }: Question): WireRequest {
    const name = `${config.name}/${model}`;
    const thinking = effort && capabilities.thinking(name, effort);
    const manner = mannerOf(model);
    const how = { manner, can: capabilities.of(name), effort, thinking, thoughts: thoughts && !manner.hidesThoughts };
    return { model, name, messages, dialect, ...settings, ...how, cacheKey };
  }

  async function post(to: string, request: WireRequest, signal: AbortSignal) {
    const body = wire.body(request, fieldsAsTaught(wire.optionalFields(request), request.manner));
    return transport.received(await client.post(to, { body, signal }).asResponse());
  }

  /** The address to ask next after a redirect or a path that is not there; undefined when that is not to be mended. */
  function nextAddress(from: string, { status, headers }: Received, failure: Failure): string | undefined {
    if (failure.kind === "no-endpoint") {
      const mended = versioned(config.baseUrl);
      const next = mended === undefined ? undefined : `${mended}${wire.path}`;
      return from === configured ? next : undefined;
    }
    if (status < 300 || status >= 400 || headers.location === undefined) return undefined;
    const target = redirected(from, headers.location);
    if ("to" in target) return target.to === from || !followed.has(status) ? undefined : target.to;
    throw new Refused({
      ...failure,
      message: `HTTP ${status}: the provider has moved to ${target.elsewhere}; the key is not sent there, so set ${variable()} to it if that is right`,
    });
  }

  function variable(): string {
    return `${prefixOf(config.name)}BASE_URL`;
  }

  async function refusalOf({ status, headers, body }: Received, { model, work }: Question): Promise<Failure> {
    const text = await readBeginning(body, maxRefusalBytes, maxRefusalMs);
    return work(() => refusalFailure({ status, headers, body: text, model }));
  }

  function learns(question: Question, failure: Failure): boolean {
    const { status, complaint } = failure;
    const { model, messages, work } = question;
    const refusal = { status: status ?? 400, text: complaint ?? "" };
    const request = requestOf(question);
    const fields = wire.optionalFields(request);
    const unshown = work(() => mendedThoughts(request.manner, request.thoughts, refusal));
    const sent = { ...request, fields: fieldsAsTaught(fields, request.manner) };
    const lesson = unshown === undefined ? work(() => lessonOfRefusal(failure, sent)) : undefined;
    if (lesson !== undefined) {
      capabilities.learn(`${config.name}/${model}`, lesson);
      log.warn({ provider: config.name, model, ...lesson }, "the provider has told what the model cannot do");
      return true;
    }
    const better = unshown ?? work(() => mended(request.manner, { messages, fields }, refusal));
    if (better === undefined) return false;
    manners.set(model, better.manner);
    log.warn({ provider: config.name, model }, better.why);
    return true;
  }

  return {
    async send(question, signal) {
      const { mayCall } = question;
      let to = address;
      /** Kept once something has been accepted there. */
      let settles = false;
      for (let stale = false; ; ) {
        const request = requestOf(question);
        if (!request.manner.streams) question.onWhole();
        let received: Received;
        try {
          received = await post(to, request, signal);
        } catch (error) {
          if (stale || signal.aborted || !isStale(error) || !mayCall()) throw error;
          stale = true;
          continue;
        }
        if (received.status >= 200 && received.status < 300) {
          if (settles) address = to;
          return received;
        }
        const failure = await refusalOf(received, question);
        const next = nextAddress(to, received, failure);
        if (next !== undefined && mayCall()) {
          settles = failure.kind === "no-endpoint" || permanent.has(received.status);
          const why =
            settles && failure.kind === "no-endpoint" ? `${variable()} seems to lack /v1` : "the provider redirects";
          const where = { provider: config.name, from: plain(to), to: plain(next) };
          if (!told.has(plain(next))) log.warn(where, `${why}; asking there`);
          told.add(plain(next));
          to = next;
          continue;
        }
        if (learns(question, failure) && mayCall()) continue;
        const overflow = question.work(() => lessonOfOverflow(failure));
        if (overflow !== undefined) capabilities.learn(`${config.name}/${question.model}`, overflow);
        if (failure.kind === "no-endpoint") address = configured;
        throw new Refused(located(failure, to));
      }
    },
    learns,
    async list(signal) {
      const base = address.endsWith(wire.path) ? address.slice(0, -wire.path.length) : config.baseUrl;
      return await readList(async (query) => {
        const { status, body } = transport.received(
          await client.get(`${base}/models${query}`, { signal }).asResponse(),
        );
        return { status, body: await readBeginning(body, maxListBytes, maxListMs) };
      });
    },
    located: (failure) => located(failure, address),
  };

  /** Whoever speaks Chat Completions may have nothing at the path of another wire. */
  function doubted(): string {
    return (config.wire ?? "chat") === "chat" ? variable() : `${variable()} or ${prefixOf(config.name)}WIRE`;
  }

  function located(failure: Failure, to: string): Failure {
    if (failure.kind === "misconfigured") {
      return { ...failure, message: `${failure.message.slice(0, 120)} (${prefixOf(config.name)}HEADERS adds headers)` };
    }
    if (failure.kind !== "no-endpoint") return failure;
    return { ...failure, message: `${failure.message.slice(0, 80)} (POST ${plain(to)}: is ${doubted()} right?)` };
  }
}

/** Those of one's own stand in the place of ours. */
function headersOf({ name, apiKey, keyHeader, headers }: ProviderConfig, wire: Wire): Record<string, string> {
  const key =
    keyHeader === undefined || apiKey === undefined
      ? wire.headers(apiKey, name)
      : { ...wire.headers(undefined, name), [keyHeader]: apiKey };
  return { ...sharedHeaders, ...key, ...headers };
}

function isStale(error: unknown): boolean {
  return error instanceof Error && (error instanceof StaleConnection || isStale(error.cause));
}

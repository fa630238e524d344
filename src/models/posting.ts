/** One path at a provider: a request is sent there until it is taken, and where the provider has moved to is followed. */
import OpenAI from "openai";
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { ProviderConfig } from "../config/config.ts";
import { prefixOf } from "../config/provider-settings.ts";
import { plain, redirected, versioned } from "./address.ts";
import { type Failure, refusalFailure } from "./failures.ts";
import { readBeginning } from "./incoming.ts";
import { Refused } from "./reading.ts";
import { type Received, StaleConnection, type Transport } from "./transport.ts";
import type { Wire } from "./wires/wire.ts";

/** A body as it goes out: a record becomes JSON, bytes come with their content type. */
export type Body = Record<string, unknown> | { readonly bytes: Uint8Array; readonly contentType: string };

export interface Letter {
  /** The model's name on the wire. */
  readonly model: string;
  /** Stands around whatever is read of the provider's words. */
  readonly work: Work;
  /** Asked before each further request; false when the question may cause no more of them. */
  readonly mayCall: () => boolean;
  /** Made anew for each request. */
  body(): Body;
  /** Whether a failure has taught how to ask instead, so that it is worth asking again at once. */
  learns(failure: Failure): boolean | Promise<boolean>;
}

export interface Post {
  /** Resolves with a response of status 2xx. Rejects with a `Refused`, or with what the connection threw. */
  send(letter: Letter, signal: AbortSignal): Promise<Received>;
  /** A failure that the address may be the reason of, with the address and the variable to look at. */
  located(failure: Failure): Failure;
  /** Where it is sent now. */
  readonly address: string;
}

export interface PostDeps {
  readonly config: ProviderConfig;
  readonly client: Pick<OpenAI, "post">;
  /** Behind the base URL. */
  readonly path: string;
  readonly transport: Transport;
  readonly log: Pick<Logger, "warn">;
}

/** No timer of the SDK ever fires: it would stop at the headers anyway. */
const neverMs = 2 ** 31 - 1;
/** As much of a refusal is read, and for so long. */
const maxRefusalBytes = 64 * 1024;
const maxRefusalMs = 5_000;
const permanent: ReadonlySet<number> = new Set([301, 308]);
const followed: ReadonlySet<number> = new Set([301, 302, 307, 308]);

const sharedHeaders = { accept: "application/json", "user-agent": "Parley" };

/** Creates the one client of a provider. */
export function createClient(config: ProviderConfig, wire: Pick<Wire, "headers">, transport: Transport): OpenAI {
  return new OpenAI({
    baseURL: config.baseUrl,
    apiKey: config.apiKey ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    // The SDK's own headers hold what it reads from the environment (OPENAI_CUSTOM_HEADERS), whichever provider it is.
    fetch: (url, init) => transport.fetch(url, { ...init, headers: headersOf(config, wire, contentTypeOf(init)) }),
    maxRetries: 0,
    timeout: neverMs,
    logLevel: "off",
  });
}

/** Creates the post to one path. */
export function createPost({ config, client, path, transport, log }: PostDeps): Post {
  const configured = `${config.baseUrl}${path}`;
  let address = configured;
  /** Addresses that the log has named. */
  const told = new Set<string>();

  async function post(to: string, body: Body, signal: AbortSignal): Promise<Received> {
    const sent = isBytes(body)
      ? { body: body.bytes, headers: { "content-type": body.contentType } }
      : { body, headers: { "content-type": "application/json" } };
    return transport.received(await client.post(to, { ...sent, signal }).asResponse());
  }

  /** The address to ask next after a redirect or a path that is not there; undefined when that is not to be mended. */
  function nextAddress(from: string, { status, headers }: Received, failure: Failure): string | undefined {
    if (failure.kind === "no-endpoint") {
      const mended = versioned(config.baseUrl);
      const next = mended === undefined ? undefined : `${mended}${path}`;
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

  async function refusalOf({ status, headers, body }: Received, { model, work }: Letter): Promise<Failure> {
    const text = await readBeginning(body, maxRefusalBytes, maxRefusalMs);
    return work(() => refusalFailure({ status, headers, body: text, model }));
  }

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

  return {
    get address() {
      return address;
    },
    async send(letter, signal) {
      const { mayCall } = letter;
      let to = address;
      /** Kept once something has been accepted there. */
      let settles = false;
      for (let stale = false; ; ) {
        let received: Received;
        try {
          received = await post(to, letter.body(), signal);
        } catch (error) {
          if (stale || signal.aborted || !isStale(error) || !mayCall()) throw error;
          stale = true;
          continue;
        }
        if (received.status >= 200 && received.status < 300) {
          if (settles) address = to;
          return received;
        }
        const failure = await refusalOf(received, letter);
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
        if ((await letter.learns(failure)) && mayCall()) continue;
        if (failure.kind === "no-endpoint") address = configured;
        throw new Refused(located(failure, to));
      }
    },
    located: (failure) => located(failure, address),
  };
}

/** Those of one's own stand in the place of ours. */
function headersOf(
  { name, apiKey, keyHeader, headers }: ProviderConfig,
  wire: Pick<Wire, "headers">,
  contentType: string,
): Record<string, string> {
  const key =
    keyHeader === undefined || apiKey === undefined
      ? wire.headers(apiKey, name)
      : { ...wire.headers(undefined, name), [keyHeader]: apiKey };
  return { ...sharedHeaders, "content-type": contentType, ...key, ...headers };
}

/** As the request itself says it: the SDK puts that above whatever it reads from the environment. */
function contentTypeOf(init: RequestInit | undefined): string {
  return new Headers(init?.headers).get("content-type") ?? "application/json";
}

/** A form as it goes out. */
export async function formBody(form: FormData): Promise<Body> {
  const encoded = new Response(form);
  const bytes = new Uint8Array(await encoded.arrayBuffer());
  return { bytes, contentType: encoded.headers.get("content-type") ?? "" };
}

function isBytes(body: Body): body is Extract<Body, { readonly bytes: Uint8Array }> {
  return body["bytes"] instanceof Uint8Array;
}

function isStale(error: unknown): boolean {
  return error instanceof Error && (error instanceof StaleConnection || isStale(error.cause));
}

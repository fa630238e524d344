/**
 * HTTP below the SDK, over `node:http`: with thousands of streams at once it costs about half the CPU of the global
 * `fetch`, and it tells a connection that died while idle from one that the provider cut.
 */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";

export interface Transport {
  /** What the SDK calls. A stream's body is not in the `Response` but in `bodyOf(response)`. */
  readonly fetch: (url: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** The unread body of an event stream; undefined for every other response, whose body is already in it. */
  bodyOf(response: Response): IncomingMessage | undefined;
  /** Closes every connection. */
  stop(): void;
}

/** A kept connection that the provider had closed meanwhile: the request never arrived, so it may be sent again. */
export class StaleConnection extends Error {}

/** Shorter than the 5 s after which many servers close an idle connection. */
const idleMs = 4_000;
/** As much of an error's body as is read. */
const maxBodyBytes = 64 * 1024;

/** Creates the connections of one process to its providers. */
export function createTransport(): Transport {
  const options = { keepAlive: true, timeout: idleMs, scheduling: "lifo" } as const;
  const agents = { "http:": new http.Agent(options), "https:": new https.Agent(options) };
  const bodies = new WeakMap<Response, IncomingMessage>();

  function send(url: URL, init: RequestInit): Promise<IncomingMessage> {
    const secure = url.protocol === "https:";
    const agent = agents[secure ? "https:" : "http:"];
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(url, {
        method: init.method ?? "GET",
        headers: Object.fromEntries(new Headers(init.headers)),
        agent,
        ...(init.signal ? { signal: init.signal } : {}),
      });
      request.on("response", resolve);
      request.on("error", (error: NodeJS.ErrnoException) => {
        if (!request.reusedSocket || !(error.code === "ECONNRESET" || error.code === "EPIPE")) return reject(error);
        // The others that idle there have most likely died with it.
        for (const socket of agent.freeSockets[agent.getName(endpointOf(url))] ?? []) socket.destroy();
        reject(new StaleConnection("the provider had closed the idle connection", { cause: error }));
      });
      request.end(init.body);
    });
  }

  return {
    async fetch(target, init = {}) {
      const url = new URL(target instanceof Request ? target.url : target);
      const message = await send(url, init);
      const status = message.statusCode ?? 502;
      const headers = headersOf(message);
      const streams = status === 200 && isEventStream(headers);
      const body = streams || bodyless.has(status) ? null : await readSome(message);
      const response = new Response(body, { status: status < 200 ? 502 : status, headers });
      if (streams) bodies.set(response, message);
      return response;
    },
    bodyOf: (response) => bodies.get(response),
    stop() {
      agents["http:"].destroy();
      agents["https:"].destroy();
    },
  };
}

const bodyless = new Set([204, 205, 304]);

function endpointOf(url: URL): { host: string; port: number } {
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port };
}

/** A server that names no type at all gets the benefit of the doubt. */
function isEventStream(headers: Headers): boolean {
  const type = headers.get("content-type");
  return type === null || /^\s*text\/event-stream\b/i.test(type);
}

function headersOf(message: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return headers;
}

/** The beginning of a body that is no stream; the connection is given up when there is more. */
async function readSome(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size >= maxBodyBytes) break;
  }
  return Buffer.concat(parts).toString("utf8");
}

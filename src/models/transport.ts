/**
 * HTTP below the SDK, over `node:http`: with thousands of streams at once it costs about half the CPU of the global
 * `fetch`, and it tells a connection that died while idle from one that the provider cut.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createConnections } from "../base/connections.ts";
import { decoded } from "../base/content-encoding.ts";
import type { Proxies } from "../base/proxies.ts";

/** What a provider has sent, whatever its status. */
export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Unread, and already decompressed. */
  readonly body: Readable;
}

export interface Transport {
  /**
   * What the SDK calls. The SDK is told that all is well and empty: it would read a refusal whole, parse it, and keep the
   * headers in its error. What has really come is in `received(response)`.
   */
  readonly fetch: (url: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Throws when the response is none of this transport's. */
  received(response: Response): Received;
  /** Closes every connection. */
  stop(): void;
}

/** A kept connection that the provider had closed meanwhile: the request never arrived, so it may be sent again. */
export class StaleConnection extends Error {}

/** Shorter than the 5 s after which many servers close an idle connection. */
const idleMs = 4_000;

/** Creates the connections of one process to its providers, through proxies if there are any. */
export function createTransport(proxies?: Proxies): Transport {
  const connections = createConnections({ proxies, idleMs });
  const messages = new WeakMap<Response, Received>();

  function send(url: URL, init: RequestInit): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = connections.request(url, {
        method: init.method ?? "GET",
        headers: Object.fromEntries(new Headers(init.headers)),
        signal: init.signal ?? undefined,
      });
      request.on("response", resolve);
      request.on("error", (error: NodeJS.ErrnoException) => {
        if (!request.reusedSocket || !(error.code === "ECONNRESET" || error.code === "EPIPE")) return reject(error);
        // The others that idle there have most likely died with it.
        connections.closeIdle(url);
        reject(new StaleConnection("the provider had closed the idle connection", { cause: error }));
      });
      request.end(init.body);
    });
  }

  return {
    async fetch(target, init = {}) {
      const message = await send(new URL(target instanceof Request ? target.url : target), init);
      const response = new Response(null);
      const { statusCode = 502, headers } = message;
      messages.set(response, { status: statusCode, headers, body: decoded(message) });
      return response;
    },
    received(response) {
      const received = messages.get(response);
      if (received === undefined) throw new Error("a response that did not come through this transport");
      return received;
    },
    stop: connections.stop,
  };
}

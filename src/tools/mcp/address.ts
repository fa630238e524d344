/** A server at an address, spoken to by Streamable HTTP: over our own connections, so that proxies and limits hold. */
import type { IncomingMessage } from "node:http";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Connections } from "../../base/connections.ts";
import type { McpAddress } from "../../config/mcp-fields.ts";
import { createFlow, createPieces, FloodError } from "./flow.ts";

/** Longer than any call: who has not answered by then is not read any more. Milliseconds. */
const mostRequestMs = 70_000;
/** Between two attempts to hear of changes, whatever the server wishes. Milliseconds. */
const reconnectsAfterMs = { least: 1_000, most: 60_000 };

/** Where an event of a stream ends. */
const eventEnd = /\r\n\r\n|\n\n|\r\r/g;

/** Creates the transport. `onFlood` is told why what the server sends is not read any more. */
export function createAddressTransport(
  { url, headers }: McpAddress,
  connections: Connections,
  onFlood: (error: Error) => void,
): StreamableHTTPClientTransport {
  const flow = createFlow();

  function send(target: URL, init: RequestInit): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = new Headers(init.headers);
      // What is compressed would have no length that could be bounded here.
      sent.set("accept-encoding", "identity");
      const request = connections.request(target, {
        method: init.method ?? "GET",
        headers: Object.fromEntries(sent),
        signal: init.signal ?? undefined,
      });
      const lasts = init.method !== "POST" || sent.get("mcp-method") === "subscriptions/listen";
      const timer = lasts
        ? undefined
        : setTimeout(() => request.destroy(new Error("no answer in time")), mostRequestMs);
      request.on("response", resolve);
      request.on("error", reject);
      request.on("close", () => clearTimeout(timer));
      request.end(init.body);
    });
  }

  /** What has come, as long as it is not too much. */
  async function* bounded(message: IncomingMessage): AsyncGenerator<Uint8Array, void> {
    const isStream = message.headers["content-type"]?.startsWith("text/event-stream") === true;
    const pieces = createPieces();
    let tail = "";
    try {
      for await (const chunk of message) {
        if (!Buffer.isBuffer(chunk)) continue;
        const text = isStream ? tail + chunk.toString("latin1") : "";
        const ended = text.match(eventEnd)?.length ?? 0;
        tail = /[\r\n]{0,3}$/.exec(text.slice(-4).replace(eventEnd, "."))?.[0] ?? "";
        flow.count(chunk.length, ended);
        if (ended > 0) pieces.take();
        pieces.add(chunk);
        yield chunk;
      }
    } catch (error) {
      if (error instanceof FloodError) onFlood(error);
      throw error;
    }
  }

  return new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers },
    async fetch(target, init = {}) {
      const message = await send(new URL(target), init);
      const { statusCode: status = 502, headers: received } = message;
      const known = Object.entries(received).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)] satisfies [string, string]],
      );
      if (received["content-encoding"] !== undefined && received["content-encoding"] !== "identity") {
        message.destroy();
        throw new Error("it answers compressed, though that was not asked for");
      }
      const empty = status === 204 || status === 205 || status === 304;
      if (empty) message.resume();
      return new Response(empty ? null : ReadableStream.from(bounded(message)), {
        status: status >= 200 && status <= 599 ? status : 502,
        headers: known,
      });
    },
    reconnectionOptions: {
      initialReconnectionDelay: reconnectsAfterMs.least,
      maxReconnectionDelay: reconnectsAfterMs.most,
      reconnectionDelayGrowFactor: 2,
      maxRetries: 5,
    },
    reconnectionScheduler(reconnect, delayMs) {
      const { least, most } = reconnectsAfterMs;
      const timer = setTimeout(reconnect, Math.min(most, Math.max(least, delayMs)));
      return () => clearTimeout(timer);
    },
  });
}

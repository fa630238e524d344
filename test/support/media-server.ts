/** A provider of sound and pictures on loopback, which answers as a test says. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createModels, type ModelsDeps } from "../../src/models/chain.ts";
import type { ConvertSound, MediaModels } from "../../src/ports/media-models.ts";

export interface HeardForm {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Of a form, or of JSON. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The file of a form. */
  readonly file?: { readonly name: string; readonly type: string; readonly bytes: Buffer } | undefined;
}

export type MediaAnswer = (heard: HeardForm, response: ServerResponse) => void;

export interface MediaServer {
  readonly origin: string;
  readonly heard: HeardForm[];
  answer: MediaAnswer;
  stop(): Promise<void>;
}

/** Starts a server; `answer` may be changed. */
export async function createMediaServer(answer: MediaAnswer = sayHello): Promise<MediaServer> {
  const server = createServer(async (request, response) => {
    response.on("error", () => {});
    try {
      const heard = await readForm(request);
      subject.heard.push(heard);
      subject.answer(heard, response);
    } catch {
      // Whoever asked has gone.
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const subject: MediaServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: [],
    answer,
    async stop() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
  return subject;
}

async function readForm(request: IncomingMessage): Promise<HeardForm> {
  const bytes = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
  const { url: path = "", headers } = request;
  const type = headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data")) {
    return { path, headers, fields: bytes.length === 0 ? {} : JSON.parse(bytes.toString()) };
  }
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData();
  const entries = [...form.entries()];
  const fields = Object.fromEntries(entries.filter(([, value]) => typeof value === "string"));
  const file = entries.flatMap(([, value]) => (value instanceof File ? [value] : []))[0];
  if (file === undefined) return { path, headers, fields };
  const { name, type: mime } = file;
  return { path, headers, fields, file: { name, type: mime, bytes: Buffer.from(await file.arrayBuffer()) } };
}

/** Ends a response with JSON. */
export function answerJson(response: ServerResponse, body: unknown, status = 200, headers: object = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

export const sayHello: MediaAnswer = (_, response) => answerJson(response, { text: " Hello there. " });

export interface Line {
  readonly details: Record<string, unknown>;
  readonly message: string;
}

interface RelayOptions {
  /** Behind `/v1` of each of these stands the provider of the same place: `one`, `two`. */
  readonly origins: readonly string[];
  readonly timers?: ModelsDeps["timers"];
  readonly convert?: ConvertSound;
  readonly base?: string;
}

export const relayKey = "sk-relay-0123456789";

/** Those that hear, speak and draw by these servers, each behind the other, and what they log. */
export function mediaOver({ origins, timers = {}, convert, base = "/v1" }: RelayOptions): {
  readonly media: Required<MediaModels>;
  readonly lines: Line[];
  stop(): Promise<void>;
} {
  const lines: Line[] = [];
  const write = (details: object, message: string) => void lines.push({ details: { ...details }, message });
  const named = ["one", "two"].slice(0, origins.length);
  const all = named.map((name) => `${name}/m`);
  const models = createModels({
    models: {
      names: [],
      chains: {},
      fallbacks: [],
      providers: named.map((name, n) => ({ name, baseUrl: `${origins[n]}${base}`, apiKey: relayKey })),
      media: { hears: all, speaks: all, draws: all, voice: "alloy" },
    },
    log: { info: write, warn: write },
    timers: { backoffMs: 5, ...timers },
    convertSound: convert,
  });
  return { media: models.media as Required<MediaModels>, lines, stop: () => models.stop() };
}

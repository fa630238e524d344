/**
 * A model without a model: an OpenAI-compatible server on loopback that answers from a script, faults included. It
 * serves the playground, the tests and the benchmark, so it carries thousands of streams at once.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerTo } from "./answers.ts";
import {
  endingOf,
  headOf,
  type RecordedRequest,
  requestIn,
  type Script,
  type ScriptedRequest,
  tokensOf,
} from "./script.ts";
import { createScriptedMedia, type MediaRequestSeen, type MediaScript, type ScriptedMedia } from "./scripted-media.ts";

export interface ScriptedModel {
  /** Base URL, `…/v1`. */
  readonly url: string;
  /** The latest requests, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Answers that are being written. */
  readonly writing: number;
  readonly script: {
    /** The next requests get these, one each. */
    next(...scripts: readonly Script[]): void;
    /** Every further request gets this; `undefined` restores the answers by intent. */
    always(script: Script | undefined): void;
  };
  /** What it hears, speaks and draws. */
  readonly media: ScriptedMedia;
  stop(): Promise<void>;
}

export interface ScriptedModelOptions {
  /** Left out: any free one. */
  readonly port?: number;
  /** Of answers whose script says nothing else; `Infinity`: all at once. */
  readonly tokensPerSecond?: number;
  /** Whether answers chosen by intent say that no model wrote them. */
  readonly label?: boolean;
  /** Chooses the answer instead of the intent; undefined leaves it to the intent. */
  readonly respond?: (request: ScriptedRequest) => Script | undefined;
  /** The same for what it hears, speaks and draws. */
  readonly respondMedia?: (request: MediaRequestSeen) => MediaScript | undefined;
}

/** One clock serves all streams: a timer for each token of each would cost more than the tokens. */
const tickMs = 10;
const remembered = 10_000;

interface Stream {
  readonly response: ServerResponse;
  readonly record: RecordedRequest;
  readonly script: Script;
  readonly deltas: readonly string[];
  /** Deltas of reasoning come first. */
  readonly thoughts: number;
  readonly startAt: number;
  readonly perSecond: number;
  /** What stands before and after a delta's JSON. */
  readonly head: string;
  sent: number;
}

/** Starts a scripted model on 127.0.0.1. */
export async function createScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const usualTokensPerSecond = options.tokensPerSecond ?? 40;
  const requests: RecordedRequest[] = [];
  const queued: Script[] = [];
  let standing: Script | undefined;
  const streams = new Set<Stream>();
  const media = createScriptedMedia((seen) => options.respondMedia?.(seen));
  let clock: NodeJS.Timeout | undefined;

  function scriptFor(request: ScriptedRequest): Script {
    return queued.shift() ?? standing ?? options.respond?.(request) ?? answerTo(request, options.label ?? true);
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = "", headers } = request;
    const whole = await readAll(request);
    if (request.method === "POST" && media.takes(url)) {
      return await media.serve(url, headers["content-type"] ?? "", whole, response);
    }
    const text = whole.toString("utf8");
    if (request.method !== "POST" || !request.url?.endsWith("/chat/completions")) {
      return refuse(response, 404, `no such endpoint: ${request.method} ${request.url}`);
    }
    const body = requestIn(text);
    if (body === undefined) return refuse(response, 400, "the body is no chat completion request");
    const record: RecordedRequest = {
      body,
      headers: request.headers,
      at: Date.now(),
      firstTextAt: undefined,
      endedAt: undefined,
      abandonedAt: undefined,
    };
    requests.push(record);
    if (requests.length > remembered) requests.shift();
    response.on("close", () => {
      if (response.writableFinished) return;
      record.abandonedAt = Date.now();
    });
    await perform(scriptFor(body), record, response);
  }

  async function perform(script: Script, record: RecordedRequest, response: ServerResponse): Promise<void> {
    if (script.hangBeforeHeaders) return;
    if (script.cutAfterChunks === 0) return void response.destroy();
    if (script.body !== undefined || (script.status ?? 200) !== 200) {
      const body = script.body ?? { error: { message: `scripted refusal ${script.status}` } };
      const type = script.contentType ?? "application/json";
      response.writeHead(script.status ?? 200, { "content-type": type, ...script.headers });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
      record.endedAt = Date.now();
      return;
    }
    response.writeHead(200, {
      "content-type": script.contentType ?? "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      ...script.headers,
    });
    response.flushHeaders();
    if (script.rawChunks !== undefined) return await writeRaw(script, script.rawChunks, record, response);
    const thoughts = tokensOf(script.reasoning ?? "");
    const stream: Stream = {
      response,
      record,
      script,
      deltas: [...thoughts, ...(script.chunks ?? tokensOf(script.text ?? ""))],
      thoughts: thoughts.length,
      startAt: performance.now() + (script.delayFirstMs ?? 0),
      perSecond: script.tokensPerSecond ?? usualTokensPerSecond,
      head: headOf(record),
      sent: 0,
    };
    streams.add(stream);
    response.on("close", () => streams.delete(stream));
    clock ??= setInterval(tick, tickMs);
    advance(stream, performance.now());
  }

  function tick(): void {
    const now = performance.now();
    for (const stream of streams) advance(stream, now);
    if (streams.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  }

  /** Writes all that is due, in one write. */
  function advance(stream: Stream, now: number): void {
    if (now < stream.startAt) return;
    const { script, deltas, response } = stream;
    const { cutAfterChunks: cut, stallAfterChunks: stall, errorEventAfterChunks: error } = script;
    const last = Math.min(deltas.length, cut ?? Infinity, stall ?? Infinity, error ?? Infinity);
    const passed = Math.floor(((now - stream.startAt) * stream.perSecond) / 1000);
    const due = stream.perSecond === Infinity ? last : Math.min(last, passed + 1);
    let text = "";
    if (stream.sent === 0) text += `${stream.head}{"role":"assistant","content":""},"finish_reason":null}]}\n\n`;
    for (let at = stream.sent; at < due; at++) {
      const field = at < stream.thoughts ? "reasoning_content" : "content";
      text += `${stream.head}{"${field}":${JSON.stringify(deltas[at])}},"finish_reason":null}]}\n\n`;
    }
    if (due > stream.thoughts) stream.record.firstTextAt ??= Date.now();
    if (due > stream.sent || stream.sent === 0) response.write(text);
    stream.sent = due;
    if (due < last) return;
    streams.delete(stream);
    if (cut === last) cutOff(response);
    if (cut === last || stall === last) return;
    if (error === last) {
      const event = script.errorEvent ?? { error: { message: "scripted failure", type: "server_error", code: 502 } };
      response.end(`data: ${JSON.stringify(event)}\n\n`);
    } else response.end(script.endWithoutFinish ? "" : endingOf(script, stream.record, stream.head, deltas.length));
    stream.record.endedAt = Date.now();
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  // Thousands of streams that begin at once wait in this line.
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: options.port ?? 0, host: "127.0.0.1", backlog: 8192 }, resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    media,
    get writing() {
      return streams.size;
    },
    script: {
      next: (...scripts) => void queued.push(...scripts),
      always(script) {
        standing = script;
      },
    },
    async stop() {
      clearInterval(clock);
      streams.clear();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

async function writeRaw(
  script: Script,
  chunks: readonly (string | Uint8Array)[],
  record: RecordedRequest,
  response: ServerResponse,
): Promise<void> {
  for (const [index, chunk] of chunks.entries()) {
    if (index === script.stallAfterChunks) return;
    if (index === script.cutAfterChunks) return cutOff(response);
    await new Promise<void>((resolve) => response.write(chunk, () => resolve()));
    record.firstTextAt ??= Date.now();
    // Each piece arrives alone, as over a slow line.
    await new Promise((resolve) => setTimeout(resolve, script.rawEveryMs ?? 0));
  }
  response.end();
  record.endedAt = Date.now();
}

/** Breaks the connection after what was written has left. */
function cutOff(response: ServerResponse): void {
  response.write("", () => setImmediate(() => response.destroy()));
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { message, type: "invalid_request_error", code: null } }));
}

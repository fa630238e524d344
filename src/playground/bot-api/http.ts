/** The Bot API over HTTP: addresses, the token, faults, and the form of every answer. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultDesk, FaultRule } from "./faults.ts";
import type { Files } from "./files.ts";
import { type Method, type MethodName, methodNamed, readParameters } from "./parameters.ts";
import { Refused } from "./refusal.ts";
import { type ApiRequest, readRequest } from "./request.ts";
import type { ApiCall } from "./types.ts";

export interface BotApiHttpDeps {
  readonly token: string;
  readonly port: number;
  readonly methods: Readonly<Record<MethodName, Method>>;
  readonly faults: FaultDesk;
  readonly files: Files;
  /** Whether anybody wants to hear of calls; what they would hear costs time. */
  logsCalls(): boolean;
  onCall(call: Omit<ApiCall, "id">): void;
}

export interface BotApiHttp {
  readonly url: string;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly description?: string;
  readonly body: string;
  readonly html?: boolean;
  readonly retryAfter?: number | undefined;
}

/** A connection that is destroyed instead of being answered. */
interface Cut {
  readonly cut: string;
}

const statusTexts: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

const dripMs = 50;

/** Listens on the loopback address. */
export async function createBotApiHttp(deps: BotApiHttpDeps): Promise<BotApiHttp> {
  const { faults, methods } = deps;
  // Some clients write the colon in an address as %3A.
  const isToken = (given: string) => given.replace(/%3a/i, ":") === deps.token;

  async function carryOut(method: MethodName, request: ApiRequest, response: ServerResponse): Promise<Answer | Cut> {
    const params = readParameters(method, request);
    const chatId = params.all["chat_id"] === undefined ? undefined : params.integer("chat_id");
    const rule = faults.take({ method, chatId, params: params.all });
    if (rule?.hangMs !== undefined) await sleep(rule.hangMs, undefined, { ref: false });
    if (rule?.cut === "before") return { cut: "the connection was cut before the effect" };
    if (rule?.status !== undefined) return failure(rule, rule.status);
    if (chatId !== undefined) faults.checkFlood(method, chatId);
    const result = await methods[method](params, (hangUp) => response.once("close", hangUp));
    if (rule?.cut === "after") return { cut: "the connection was cut after the effect" };
    return { status: 200, body: `{"ok":true,"result":${JSON.stringify(result)}}` };
  }

  async function answerCall(request: IncomingMessage, response: ServerResponse, rest: string, query: string) {
    const at = Date.now();
    const startedAt = performance.now();
    const slash = rest.indexOf("/");
    const token = slash === -1 ? rest : rest.slice(0, slash);
    const name = slash === -1 ? "" : rest.slice(slash + 1);
    let parsed: ApiRequest | undefined;
    let answer: Answer | Cut;
    const method = methodNamed(name);
    try {
      if (!isToken(token)) throw new Refused(401, "Unauthorized");
      if (request.method !== "GET" && request.method !== "POST") throw new Refused(405, "Method Not Allowed");
      if (method === undefined) throw new Refused(404, "Not Found");
      parsed = await readRequest(request, query);
      answer = await carryOut(method, parsed, response);
    } catch (error) {
      answer = refusal(error);
    }
    if (faults.latencyMs > 0) await sleep(faults.latencyMs, undefined, { ref: false });
    const gone = response.destroyed;
    if ("cut" in answer) request.socket.destroy();
    else if (!gone) write(response, answer);
    if (!deps.logsCalls()) return;
    const description = "cut" in answer ? answer.cut : gone ? "the bot hung up" : answer.description;
    deps.onCall({
      at,
      method: method ?? name,
      ...chatIdOf(parsed),
      params: parsed === undefined ? {} : shownParams(parsed),
      status: "cut" in answer || gone ? 0 : answer.status,
      description,
      durationMs: performance.now() - startedAt,
    });
  }

  async function answerFile(request: IncomingMessage, response: ServerResponse, rest: string): Promise<void> {
    const at = Date.now();
    const startedAt = performance.now();
    const slash = rest.indexOf("/");
    const path = rest.slice(slash + 1);
    const file = deps.files.at(path);
    const params = { file_path: path };
    const told = (status: number, description?: string) => {
      if (!deps.logsCalls()) return;
      deps.onCall({ at, method: "file", params, status, description, durationMs: performance.now() - startedAt });
    };
    const refuse = (answer: Answer) => {
      write(response, answer);
      told(answer.status, answer.description);
    };
    if (!isToken(rest.slice(0, slash))) return refuse(refusal(new Refused(401, "Unauthorized")));
    if (file === undefined) return refuse(refusal(new Refused(404, "Not Found")));
    const rule = faults.take({ method: "file", chatId: undefined, params });
    if (rule?.hangMs !== undefined) await sleep(rule.hangMs, undefined, { ref: false });
    if (rule?.status !== undefined) return refuse(failure(rule, rule.status));
    if (rule?.cut === "before") {
      request.socket.destroy();
      return told(0, "the connection was cut before the file");
    }
    const { bytes } = file;
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes.length });
    const end = rule?.cut === "after" ? Math.floor(bytes.length / 2) : bytes.length;
    await send(response, bytes.subarray(0, end), rule?.bytesPerSecond);
    if (rule?.cut === "after") {
      response.destroy();
      return told(0, "the connection was cut in the middle of the file");
    }
    response.end();
    told(response.destroyed ? 0 : 200, response.destroyed ? "the bot hung up" : undefined);
  }

  const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    response.on("error", () => undefined);
    const [path = "", query = ""] = (request.url ?? "").split("?", 2);
    if (path.startsWith("/bot")) void answerCall(request, response, path.slice("/bot".length), query);
    else if (path.startsWith("/file/bot")) void answerFile(request, response, path.slice("/file/bot".length));
    else write(response, refusal(new Refused(404, "Not Found")));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(deps.port, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function refusal(error: unknown): Answer {
  // A slip of this emulator's own must not pass for Telegram's refusal.
  const refused = error instanceof Refused ? error : new Refused(500, `Internal Server Error: ${String(error)}`);
  return refusalOf(refused.status, refused.message, refused.parameters);
}

function refusalOf(status: number, description: string, parameters?: Readonly<Record<string, number>>): Answer {
  const body = JSON.stringify({ ok: false, error_code: status, description, ...(parameters && { parameters }) });
  return { status, description, body, retryAfter: parameters?.["retry_after"] };
}

function failure(rule: FaultRule, status: number): Answer {
  const text = statusTexts[status] ?? "Error";
  if (rule.html)
    return { status, description: text, body: `<html><body><h1>${status} ${text}</h1></body></html>`, html: true };
  const seconds = status === 429 ? (rule.retryAfter ?? 1) : rule.retryAfter;
  const parameters = { ...rule.parameters, ...(seconds !== undefined && { retry_after: seconds }) };
  const description = rule.description ?? (status === 429 ? `${text}: retry after ${seconds}` : text);
  return refusalOf(status, description, Object.keys(parameters).length === 0 ? undefined : parameters);
}

function write(response: ServerResponse, { status, body, html, retryAfter }: Answer): void {
  response.writeHead(status, {
    "content-type": html ? "text/html" : "application/json",
    "content-length": Buffer.byteLength(body),
    ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    // A body that was not read to its end would be taken for the next request.
    ...(status === 401 || status === 413 ? { connection: "close" } : {}),
  });
  response.end(body);
}

/** At once, or as slowly as that; until the other side has gone. */
async function send(response: ServerResponse, bytes: Uint8Array, bytesPerSecond = Number.POSITIVE_INFINITY) {
  const piece = Math.max(1, Math.min(bytes.length, Math.ceil((bytesPerSecond * dripMs) / 1000)));
  for (let at = 0; at < bytes.length && !response.destroyed; at += piece) {
    await new Promise<void>((resolve) => response.write(bytes.subarray(at, at + piece), () => resolve()));
    if (at + piece < bytes.length) await sleep(dripMs, undefined, { ref: false });
  }
}

function chatIdOf(request: ApiRequest | undefined): { chatId?: number } {
  const chatId = Number(request?.params["chat_id"] ?? Number.NaN);
  return Number.isSafeInteger(chatId) ? { chatId } : {};
}

function shownParams(request: ApiRequest): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...request.params };
  if ("secret_token" in shown) shown["secret_token"] = "…";
  for (const [name, { name: fileName, bytes }] of request.files) shown[name] = { fileName, bytes: bytes.length };
  return shown;
}

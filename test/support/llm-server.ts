/** A provider of a test's own making, on loopback: whatever the scripted model is too well-behaved for. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createModels, type ModelsDeps } from "../../src/models/chain.ts";
import type { Models } from "../../src/ports/models.ts";

export interface Heard {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingMessage["headers"];
  // biome-ignore lint/suspicious/noExplicitAny: whatever was sent
  readonly body: any;
}

export type Answering = (heard: Heard, response: ServerResponse) => void;

export interface LlmServer {
  readonly origin: string;
  readonly heard: readonly Heard[];
  answer: Answering;
  /** What was heard so far is no matter any more. */
  forget(): void;
  stop(): Promise<void>;
}

/** Starts a server that answers as `answer` says, which may be changed. */
export async function createLlmServer(answer: Answering): Promise<LlmServer> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    request.on("end", () => {
      const { url: path = "", method = "", headers } = request;
      const one = { path, method, headers, body: text === "" ? undefined : JSON.parse(text) };
      heard.push(one);
      subject.answer(one, response);
    });
    response.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const subject: LlmServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    answer,
    forget: () => void heard.splice(0),
    async stop() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
  return subject;
}

export const event = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;

/** A whole, ordinary answer. */
export const paris = `${event({ content: "Par" })}${event({ content: "is." })}${event({}, "stop")}data: [DONE]\n\n`;

/** Ends a response with an error of a provider. */
export function refuse(response: ServerResponse, status: number, message: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof message === "string" ? JSON.stringify({ error: { message } }) : JSON.stringify(message));
}

export interface Line {
  readonly details: Record<string, unknown>;
  readonly message: string;
}

/** The models of one provider called `relay` behind this base URL, and what they log. */
export function relayTo(
  baseUrl: string,
  timers: ModelsDeps["timers"] = {},
  more: { maxTokens?: number; temperature?: number } = {},
): { models: Models & { stop(): Promise<void> }; lines: Line[] } {
  const lines: Line[] = [];
  const log = {
    info: (details: object, message: string) => void lines.push({ details: { ...details }, message }),
    warn: (details: object, message: string) => void lines.push({ details: { ...details }, message }),
  };
  const providers = [{ name: "relay", baseUrl, apiKey: "sk-relay-0123456789" }];
  const models = createModels({
    models: { names: ["relay/m"], chains: {}, fallbacks: [], providers, ...more },
    log,
    timers: { backoffMs: 5, usageMs: 50, ...timers },
  });
  return { models, lines };
}

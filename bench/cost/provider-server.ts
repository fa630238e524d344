/** The providers, on loopback: they answer with what was recorded, count tokens, and keep a cache of prompts each. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { countTokens } from "../../src/chat/tokens.ts";
import type { TokenUsage } from "../../src/ports/models.ts";
import { cacheRules, createPrefixCache, type PrefixCache } from "./prefix-cache.ts";

/** A message on the wire. */
export interface Worded {
  readonly role: string;
  readonly content: string;
}

export interface Call {
  /** `provider/model`. */
  readonly model: string;
  readonly messages: readonly Worded[];
  readonly usage: TokenUsage;
}

export interface ProviderServer {
  /** Base URL of a provider, `…/v1`. */
  urlOf(provider: string): string;
  stop(): void;
}

export interface ProviderServerOptions {
  /** What a model writes. */
  answer(messages: readonly Worded[]): string;
  onCall(call: Call): void;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Starts the server; what its caches hold is gone with it. */
export async function createProviderServer({ answer, onCall, now }: ProviderServerOptions): Promise<ProviderServer> {
  const caches = new Map<string, PrefixCache>();
  function cacheOf(model: string): PrefixCache {
    const rules = cacheRules[model.slice(0, model.indexOf("/"))];
    const cache = caches.get(model) ?? createPrefixCache(rules ?? { minimum: Infinity, block: 1, ttlMs: 0 });
    caches.set(model, cache);
    return cache;
  }

  const server = createServer(async (request, response) => {
    // Ports are given again: somebody may be looking for another server here.
    if (request.method !== "POST") return void response.writeHead(404).end();
    const provider = request.url?.split("/")[1] ?? "";
    const asked = await bodyOf(request);
    const model = `${provider}/${asked.model}`;
    const text = answer(asked.messages);
    const { input, cached } = cacheOf(model).read(asked.messages, now());
    const outputTokens = countTokens(text);
    onCall({ model, messages: asked.messages, usage: { inputTokens: input, cachedTokens: cached, outputTokens } });
    const about = { id: "bench", object: "chat.completion.chunk", created: 0, model: asked.model };
    const usage = {
      ...{ prompt_tokens: input, completion_tokens: outputTokens, total_tokens: input + outputTokens },
      prompt_tokens_details: { cached_tokens: cached },
    };
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const chunk of [
      { ...about, choices: [{ index: 0, delta: { role: "assistant", content: text }, finish_reason: null }] },
      { ...about, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      { ...about, choices: [], usage },
    ])
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    response.end("data: [DONE]\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (provider) => `http://127.0.0.1:${port}/${provider}/v1`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<{ model: string; messages: Worded[] }> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  return JSON.parse(body);
}

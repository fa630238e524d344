/** A model that calls two tools before it answers, and the search provider that one of them asks, in a process of their own. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Script, ScriptedRequest } from "../src/playground/model/script.ts";
import { createScriptedModel } from "../src/playground/model/scripted-model.ts";
import { denseMarkdown } from "./answer-text.ts";
import { cacheRules } from "./cost/prefix-cache.ts";
import { type QuestionKey, questionIn, questionText, type WrittenAnswer } from "./messages.ts";
import type { SeenByModel } from "./tools/messages.ts";
import { type SeenRequest, type SeenSearch, stepFigures } from "./tools/turns.ts";

const characters = Number(process.env["BENCH_CHARACTERS"] ?? 1500);
const tokensPerSecond = Number(process.env["BENCH_TOKENS_PER_SECOND"] ?? 50);
/** Until a model begins to write, and until a search is answered. */
const thinksMs = Number(process.env["BENCH_THINKS_MS"] ?? 200);
const searchesMs = Number(process.env["BENCH_SEARCHES_MS"] ?? 100);
/** Chats below this number are answered without tools. */
const firstWithTools = Number(process.env["BENCH_FIRST_WITH_TOOLS"] ?? 0);
const rules = cacheRules["openai"] ?? { minimum: 1_024, block: 128, ttlMs: 300_000 };
const searches: SeenSearch[] = [];

interface Asked {
  readonly question: QuestionKey;
  readonly results: number;
}

function askedIn({ messages }: ScriptedRequest): Asked | undefined {
  const at = messages.findLastIndex(({ role }) => role === "user");
  const question = questionIn(messages[at]?.content ?? "");
  return question && { question, results: messages.slice(at).filter(({ role }) => role === "tool").length };
}

function answer(request: ScriptedRequest): Script | undefined {
  const asked = askedIn(request);
  if (asked === undefined) return undefined;
  const { question, results } = asked;
  const { chatId, round } = question;
  const calls = chatId < firstWithTools ? [] : callsOf(question)[results];
  if (calls !== undefined && calls.length > 0) return { delayFirstMs: thinksMs, calls };
  return { delayFirstMs: thinksMs, text: denseMarkdown(characters, chatId + round) };
}

function callsOf(question: QuestionKey): readonly NonNullable<Script["calls"]>[] {
  return [
    [{ name: "web_search", arguments: { query: questionText(question) } }],
    [{ name: "calculate", arguments: { code: `${question.chatId} * ${question.round} + 17 * 23` } }],
  ];
}

const model = await createScriptedModel({ label: false, tokensPerSecond, respond: answer });

/** As SearXNG answers. */
const engine = createServer((request, response) => {
  const query = new URL(request.url ?? "/", "http://engine").searchParams.get("q") ?? "";
  const at = Date.now();
  setTimeout(() => {
    const results = Array.from({ length: 5 }, (_, index) => ({
      title: `Write-ahead logs, part ${index + 1}`,
      url: `https://example.com/logs/${index + 1}`,
      content: denseMarkdown(300, index),
    }));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ query, results }), () => {
      const question = questionIn(query);
      if (question) searches.push({ ...question, at, endedAt: Date.now() });
    });
  }, searchesMs);
});
engine.listen(0, "127.0.0.1");
await once(engine, "listening");

function seen(since: number): SeenByModel {
  const written: WrittenAnswer[] = [];
  const requests: SeenRequest[] = [];
  for (const { body, at, firstTextAt, endedAt } of model.requests) {
    const { question, results } = askedIn(body) ?? {};
    if (question === undefined || results === undefined) continue;
    if (firstTextAt !== undefined && endedAt !== undefined)
      written.push({ ...question, requestedAt: at, firstTextAt, endedAt });
    const pieces = [body["tools"] ?? [], ...body.messages].map((piece) => JSON.stringify(piece));
    requests.push({ ...question, at, endedAt, results, pieces });
  }
  const steps = stepFigures(requests, searches, rules, since);
  const asked = requests.map(({ pieces: _pieces, ...request }) => request);
  return { written, asked, searches, steps };
}

process.on("message", ({ order, since = 0 }: { readonly order: string; readonly since?: number }) => {
  const all = seen(since);
  process.send?.(order === "report" ? all.written : all);
});
process.on("disconnect", () => process.exit(0));
const { port } = engine.address() as AddressInfo;
process.send?.({ url: model.url, searchUrl: `http://127.0.0.1:${port}` });

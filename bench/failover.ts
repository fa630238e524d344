/**
 * `npm run bench:failover -- [options]`: what chats notice, and what is paid twice, while one of two providers fails. Every chat
 * asks again as soon as it has its answer; the first provider fails in one way after the other, the second is well.
 *
 *   --seconds 60        for so long the first provider fails, in each way
 *   --chats 50          chats that ask
 *   --ways cut,refused  only these ways
 *
 * An answer is lost when its chat has not got it in the end, whether it was told so or not. Void tokens are those of attempts that
 * came to nothing and that a provider may charge: the prompt, and what was written of the answer. They are counted as a fourth of
 * the characters.
 */
import { parseArgs } from "node:util";
import type { Script, ScriptedRequest } from "../src/playground/model/script.ts";
import { createScriptedModel, type ScriptedModel } from "../src/playground/model/scripted-model.ts";
import { freePort } from "../test/support/free-port.ts";
import { denseMarkdown } from "./answer-text.ts";
import { type Percentiles, percentiles } from "./percentiles.ts";
import { endOnSignals, sleep, startServer, startSubject } from "./processes.ts";
import { printTable, rounded, writeResults } from "./results.ts";
import { untilAnswered } from "./until-answered.ts";

interface Way {
  readonly title: string;
  /** What each request to the first provider gets; left out: it cannot be reached. */
  readonly script?: Script;
  /** A call costs its prompt, and so many tokens of an answer. Left out: nothing is charged for a call. */
  readonly charged?: number;
}

interface Run {
  readonly way: string;
  readonly answers: number;
  readonly lost: number;
  readonly toFirstMs: Percentiles;
  readonly toFinalMs: Percentiles;
  /** Calls of the first provider that came to nothing. */
  readonly voidCalls: number;
  readonly voidTokens: number;
  /** Of the answers that came. */
  readonly tokens: number;
  /** Calls of ours that Telegram refused. */
  readonly wrong: readonly string[];
}

const characters = 600;
const tokensPerSecond = 50;
const pauseMs = 200;
/** Tokens of the answer that come before it breaks. */
const before = 40;
/** All that was asked is answered or lost by then: longer than all attempts of a question together. */
const endWithinMs = 150_000;

const ways: Readonly<Record<string, Way>> = {
  well: { title: "is well" },
  key: { title: "refuses the key (401)", script: { status: 401 } },
  rate: { title: "refuses the rate (429)", script: { status: 429 } },
  broken: { title: "is broken (500)", script: { status: 500 } },
  refused: { title: "refuses connections" },
  silent: { title: "is silent before its headers", script: { hangBeforeHeaders: true }, charged: 0 },
  stalls: { title: "falls silent in mid-answer", script: { stallAfterChunks: before }, charged: before },
  cut: { title: "is cut off in mid-answer", script: { cutAfterChunks: before }, charged: before },
  error: { title: "sends an error in mid-answer", script: { errorEventAfterChunks: before }, charged: before },
  page: { title: "answers with a page (200)", script: { contentType: "text/html", body: "<html>Sorry</html>" } },
};

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    chats: { type: "string", default: "50" },
    ways: { type: "string" },
  },
});
const chats = Number(values.chats);
const seconds = Number(values.seconds);
const chosen = ["well", ...(values.ways?.split(",") ?? Object.keys(ways)).filter((name) => name !== "well")];

endOnSignals();
const runs: Run[] = [];
for (const name of chosen) {
  const way = ways[name];
  if (way === undefined) throw new Error(`--ways knows ${Object.keys(ways).join(", ")}`);
  console.error(`the first provider ${way.title} …`);
  const run = await measure(name, way);
  console.error(`  ${run.answers} answers, ${run.lost} lost`);
  runs.push(run);
}
print();
await writeResults("failover", { seconds, chats, characters, tokensPerSecond, runs });

async function measure(name: string, way: Way): Promise<Run> {
  const telegram = await startServer("telegram-server.ts", {});
  const text = denseMarkdown(characters, 1);
  const [first, second] = await Promise.all([provider(text), provider(text)]);
  if (way.script !== undefined) first.script.always({ text, ...way.script });
  else first.script.always({ text });
  second.script.always({ text });
  const reachable = name !== "refused";
  const bot = await startSubject({
    kind: "bot",
    telegram,
    model: { ...telegram, url: second.url },
    env: {
      MODELS: "first/model>second/model",
      FIRST_BASE_URL: reachable ? first.url : `http://127.0.0.1:${await freePort()}/v1`,
      SECOND_BASE_URL: second.url,
    },
  });
  try {
    telegram.tell({ order: "ask", chats, rampMs: 2_000, pauseMs });
    await sleep(seconds * 1000);
    first.script.always({ text });
    const failing = [...first.requests];
    telegram.tell({ order: "end" });
    const report = await untilAnswered(telegram, endWithinMs);
    const { answers } = report;
    const voided = name === "well" ? [] : failing;
    const charged = (request: ScriptedRequest) => (way.charged === undefined ? 0 : promptTokens(request) + way.charged);
    return {
      way: way.title,
      answers: answers.length,
      lost: report.open,
      toFirstMs: percentiles(answers.map(({ askedAt, firstTextAt, finalAt }) => (firstTextAt ?? finalAt) - askedAt)),
      toFinalMs: percentiles(answers.map(({ askedAt, finalAt }) => finalAt - askedAt)),
      voidCalls: voided.length,
      voidTokens: voided.reduce((sum, { body }) => sum + charged(body), 0),
      tokens: tokensOf(second) + tokensOf(first, (at) => at >= voided.length),
      wrong: report.wrong,
    };
  } finally {
    await bot.stop();
    telegram.stop();
    await Promise.all([first.stop(), second.stop()]);
  }
}

function provider(text: string): Promise<ScriptedModel> {
  return createScriptedModel({ label: false, tokensPerSecond, respond: () => ({ text }) });
}

function promptTokens({ messages }: ScriptedRequest): number {
  return messages.reduce((sum, { content }) => sum + Math.ceil(content.length / 4), 0);
}

/** Tokens of whole answers and of what was asked for them. */
function tokensOf({ requests }: ScriptedModel, counts: (at: number) => boolean = () => true): number {
  return requests
    .filter((_, at) => counts(at))
    .reduce((sum, { body }) => sum + promptTokens(body) + Math.ceil(characters / 4), 0);
}

function print(): void {
  const [well] = runs;
  const usualOf = (run: Run) => (run === well ? undefined : well);
  const added = (ms: number, usual: number | undefined) => rounded(Math.max(0, ms - (usual ?? 0)) / 1000);
  const share = ({ voidTokens, tokens }: Run) => `${((100 * voidTokens) / Math.max(1, tokens)).toFixed(1)} %`;
  console.log(`\n${chats} chats, ${seconds} s each; times in seconds, from the second row on beyond the first\n`);
  printTable(
    [
      "the first provider",
      "answers",
      "lost",
      "first text p50",
      "p95",
      "max",
      "final p50",
      "p95",
      "void calls",
      "paid twice",
    ],
    runs.map((run) => [
      run.way,
      String(run.answers),
      String(run.lost),
      added(run.toFirstMs.p50, usualOf(run)?.toFirstMs.p50),
      added(run.toFirstMs.p95, usualOf(run)?.toFirstMs.p95),
      added(run.toFirstMs.max, usualOf(run)?.toFirstMs.max),
      added(run.toFinalMs.p50, usualOf(run)?.toFinalMs.p50),
      added(run.toFinalMs.p95, usualOf(run)?.toFinalMs.p95),
      String(run.voidCalls),
      share(run),
    ]),
  );
  for (const { way, wrong } of runs) for (const line of wrong) console.log(`${way}: ${line}`);
}

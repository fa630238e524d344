/**
 * `npm run bench:media -- [options]`: what people send besides words, from its sending until the model is asked, and what it
 * costs everybody else. The bot runs as `npm start` runs it, over the loopback address.
 *
 *   --users 50    people who send at once, each of them one file, as many of one kind as of another
 *   --rounds 3    how often they do
 *   --alone 10    before that, so many files of each kind, one after another
 *   --beside 20   people who ask in words all the time
 *
 * The way is cut by what the bot itself tells at LOG_LEVEL=debug: all that is neither fetching, nor waiting for the child, nor
 * reading in it is the bot's own work, and waiting for one of the three files that are in memory at once.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { pictureTokens } from "../src/chat/picture-tokens.ts";
import { figures } from "./load.ts";
import { type MediaKind, mediaKinds, photoSize } from "./media-files.ts";
import type { SentMedia, TelegramReport, WrittenAnswer } from "./messages.ts";
import { type Percentiles, percentiles } from "./percentiles.ts";
import {
  childrenOf,
  endOnSignals,
  peakMemory,
  type Server,
  type Subject,
  sleep,
  startServer,
  startSubject,
} from "./processes.ts";
import { printTable, rounded, writeResults } from "./results.ts";

/** Milliseconds as the names say, of one kind of file: means of what the way consists of. */
interface KindFigures {
  readonly kind: MediaKind;
  readonly sent: number;
  /** Of which the model was never asked. */
  readonly lost: number;
  readonly toRequestMs: Percentiles;
  readonly beforeMs: number;
  readonly downloadMs: number;
  readonly childMs: number;
  readonly readingMs: number;
  readonly restMs: number;
}

interface Run {
  readonly way: string;
  readonly kinds: readonly KindFigures[];
}

/** Memory in MiB. */
interface Beside {
  /** Added to the first text, while nobody sends files and while all do. */
  readonly quietMs: Percentiles;
  readonly busyMs: Percentiles;
  readonly answers: number;
  readonly botBefore: number;
  readonly botPeak: number;
  readonly childPeak: number;
  readonly wrong: readonly string[];
}

const { values } = parseArgs({
  options: {
    users: { type: "string", default: "50" },
    rounds: { type: "string", default: "3" },
    alone: { type: "string", default: "10" },
    beside: { type: "string", default: "20" },
  },
});
const [users, rounds, alone, beside] = [values.users, values.rounds, values.alone, values.beside].map(Number) as [
  number,
  number,
  number,
  number,
];
const firstMediaChat = 500_000;
const longestMs = 180_000;
const settleMs = 5_000;
const quietMs = 15_000;

endOnSignals();
let chats = firstMediaChat;
const runs: Run[] = [];
runs.push(await withBot(measureAlone));
const { run, beside: others } = await withBot(measureTogether);
runs.push(run);
print();
await writeResults("media", { users, rounds, alone, runs, others });

interface Scene {
  readonly telegram: Server;
  readonly model: Server;
  readonly bot: Subject;
}

async function withBot<T>(measure: (scene: Scene) => Promise<T>): Promise<T> {
  const telegram = await startServer("telegram-server.ts", {});
  const model = await startServer("model-server.ts", { BENCH_CHARACTERS: "200", BENCH_TOKENS_PER_SECOND: "100" });
  const env = { LOG_LEVEL: "debug", TRANSCRIBE_MODEL: "test/ear", VISION_MODELS: "test/one" };
  const bot = await startSubject({ kind: "bot", telegram, model, env });
  try {
    return await measure({ telegram, model, bot });
  } finally {
    await bot.stop();
    for (const server of [telegram, model]) server.stop();
  }
}

/** One file after another. The first of each kind is not counted: what reads it is only being loaded. */
async function measureAlone(scene: Scene): Promise<Run> {
  const sent: SentMedia[] = [];
  for (const kind of mediaKinds) {
    console.error(`${alone} of ${kind}, one after another …`);
    for (let at = -1; at < alone; at++) {
      const one = await send(scene, [kind]);
      await asked(scene, one);
      if (at >= 0) sent.push(...one);
    }
  }
  return { way: "one after another", kinds: await kindFigures(scene, sent, 1) };
}

/** All at once, beside people who ask in words. */
async function measureTogether(scene: Scene): Promise<{ run: Run; beside: Beside }> {
  const { telegram, bot } = scene;
  telegram.tell({ order: "ask", chats: beside, rampMs: settleMs, pauseMs: 500 });
  await sleep(2 * settleMs);
  telegram.tell({ order: "count" });
  await sleep(quietMs);
  const quiet = await addedToFirst(scene);
  const botBefore = await peakMemory(bot.pid);
  const child = watchChildren(bot.pid);
  telegram.tell({ order: "count" });
  const sent: SentMedia[] = [];
  for (let round = 1; round <= rounds; round++) {
    console.error(`${users} users at once, ${round} of ${rounds} …`);
    const all = await send(
      scene,
      Array.from({ length: users }, (_, at) => mediaKinds[at % mediaKinds.length] ?? "photo"),
    );
    await asked(scene, all);
    sent.push(...all);
  }
  const busy = await addedToFirst(scene);
  telegram.tell({ order: "end" });
  return {
    run: { way: `${users} at once`, kinds: await kindFigures(scene, sent) },
    beside: {
      quietMs: quiet.addedToFirstMs,
      busyMs: busy.addedToFirstMs,
      answers: busy.answers,
      botBefore,
      botPeak: await peakMemory(bot.pid),
      childPeak: child.stop(),
      wrong: busy.wrong,
    },
  };
}

function send({ telegram }: Scene, kinds: readonly MediaKind[]): Promise<SentMedia[]> {
  return telegram.ask({ order: "send", media: kinds.map((kind) => ({ chatId: chats++, kind })) });
}

/** Waits until the model was asked about all of it, or is not asked any more. */
async function asked({ model }: Scene, sent: readonly SentMedia[]): Promise<void> {
  const until = performance.now() + longestMs;
  while (performance.now() < until) {
    const written = await model.ask<readonly WrittenAnswer[]>({ order: "report" });
    const answered = new Set(written.map(({ chatId }) => chatId));
    if (sent.every(({ chatId }) => answered.has(chatId))) return;
    await sleep(200);
  }
}

async function addedToFirst({ telegram, model }: Scene) {
  const report = await telegram.ask<TelegramReport>({ order: "report" });
  const { addedToFirstMs, answers, wrong } = figures(report, await model.ask({ order: "report" }));
  return { addedToFirstMs, answers, wrong };
}

async function kindFigures(scene: Scene, sent: readonly SentMedia[], warmedBy = 0): Promise<KindFigures[]> {
  const written = await scene.model.ask<readonly WrittenAnswer[]>({ order: "report" });
  const requestedAt = new Map(written.map((answer) => [answer.chatId, answer.requestedAt]));
  const fetchedAt = await scene.telegram.ask<Readonly<Record<number, number>>>({ order: "fetched" });
  const steps = await stepsIn(scene.bot.log, warmedBy);
  return mediaKinds.map((kind) => {
    const ours = sent.filter((one) => one.kind === kind);
    const whole = ours.flatMap(({ chatId, sentAt }) => (requestedAt.get(chatId) ?? Number.NaN) - sentAt || []);
    const before = mean(ours.flatMap(({ chatId, sentAt }) => (fetchedAt[chatId] ?? Number.NaN) - sentAt || []));
    const { download, child, reading } = steps(ours[0]?.bytes ?? 0);
    return {
      kind,
      sent: ours.length,
      lost: ours.length - whole.length,
      toRequestMs: percentiles(whole),
      ...{ beforeMs: before, downloadMs: download, childMs: child, readingMs: reading },
      restMs: mean(whole) - before - download - child - reading,
    };
  });
}

/** What the bot tells of files of a length, but for the first ones. */
async function stepsIn(log: string, warmedBy: number) {
  const lines = (await readFile(log, "utf8")).split("\n").flatMap((line) => {
    if (!/a file was (fetched|read)/.test(line)) return [];
    return JSON.parse(line) as { bytes: number; milliseconds: number; waitedMs?: number };
  });
  return (bytes: number) => {
    const [read, fetched] = [true, false].map((isReading) =>
      lines.filter((line) => line.bytes === bytes && (line.waitedMs !== undefined) === isReading).slice(warmedBy),
    );
    return {
      download: mean(fetched?.map(({ milliseconds }) => milliseconds)),
      child: mean(read?.map(({ waitedMs = 0 }) => waitedMs)),
      reading: mean(read?.map(({ milliseconds }) => milliseconds)),
    };
  };
}

/** 0 where there is nothing. */
function mean(numbers: readonly number[] = []): number {
  return numbers.length === 0 ? 0 : numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Looks at the memory of whatever a process starts. */
function watchChildren(pid: number): { stop(): number } {
  let peak = 0;
  const timer = setInterval(async () => {
    for (const child of await childrenOf(pid)) peak = Math.max(peak, await peakMemory(child).catch(() => 0));
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}

function print(): void {
  for (const { way, kinds } of runs) {
    console.log(`\n${way}: milliseconds from sending to the model's request; the way there as means\n`);
    const head = ["", "files", "lost", "p50", "p95", "max", "before", "download", "child busy", "reading", "rest"];
    const rows = kinds.map(({ kind, sent, lost, toRequestMs: { p50, p95, max }, ...means }) => [
      kind,
      String(sent),
      String(lost),
      ...[p50, p95, max].map(rounded),
      ...[means.beforeMs, means.downloadMs, means.childMs, means.readingMs, means.restMs].map(rounded),
    ]);
    printTable(head, rows);
  }
  const { quietMs: quiet, busyMs: busy, botBefore, botPeak, childPeak, answers, wrong } = others;
  console.log(`\n${beside} others ask in words meanwhile (${answers} answers): milliseconds added to the first text\n`);
  printTable(
    ["", "p50", "p95", "p99", "max"],
    [
      ["before", ...[quiet.p50, quiet.p95, quiet.p99, quiet.max].map(rounded)],
      ["while files are sent", ...[busy.p50, busy.p95, busy.p99, busy.max].map(rounded)],
    ],
  );
  console.log(
    `\nMemory, MiB: bot ${rounded(botBefore)} before, ${rounded(botPeak)} at most; child ${rounded(childPeak)}.`,
  );
  const image = { type: "image", mime: "image/jpeg", data: new Uint8Array(), ...photoSize } as const;
  const estimates = ["openai/gpt-6-luna", "anthropic/claude-haiku-4-5", "gemini/gemini-3.5-flash-lite"].map(
    (model) => `${model} ${pictureTokens(model, [{ role: "user", content: [image] }])}`,
  );
  console.log(
    `Tokens of a picture of ${photoSize.width} × ${photoSize.height}, as they are estimated: ${estimates.join(", ")}.`,
  );
  for (const line of wrong) console.log(line);
}

/**
 * One run of `npm run bench -- --busy n`: chats that all ask at about the same time, twice in a row, beside processes that
 * only use the machine. What counts is that each question has one answer, in its order; how late it came is shown beside it.
 */
import { fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../test/support/free-port.ts";
import type { Tally, WrittenAnswer } from "./messages.ts";
import { type Percentiles, percentiles } from "./percentiles.ts";
import { type Server, type Subject, sleep, startServer, startSubject } from "./processes.ts";

export interface BusyLoad {
  /** Processes that spin beside the bot. */
  readonly busy: number;
  readonly chats: number;
  /** Of each chat, sent one right behind the other. */
  readonly questions: number;
  readonly characters: number;
  readonly tokensPerSecond: number;
  readonly mode: "edit" | "draft";
  /** One process that takes updates and two workers share this Redis; left out: one process, embedded. */
  readonly redis?: string;
}

/** Milliseconds as the names say; the rest are numbers of answers, calls and lines. */
export interface BusyRun {
  readonly load: BusyLoad;
  readonly answers: number;
  readonly copies: number;
  readonly lost: number;
  readonly outOfOrder: number;
  readonly refused: number;
  readonly wrong: readonly string[];
  readonly addedToFirstMs: Percentiles;
  readonly addedToFinalMs: Percentiles;
  readonly seconds: number;
  readonly warnings: number;
  /** The first of them. */
  readonly trouble: readonly string[];
  readonly logLines: number;
}

const longestSeconds = 900;
/** A run in which nothing has come to its end for so long is over: what is missing then is lost. */
const stillSeconds = 90;

/** Starts everything, waits until all is answered or nothing moves any more, and counts. */
export async function measureBusy(load: BusyLoad): Promise<BusyRun> {
  const spinners = Array.from({ length: load.busy }, () =>
    fork(fileURLToPath(new URL("../test/support/processes/spinner.ts", import.meta.url)), [String(longestSeconds)], {
      execArgv: [],
    }),
  );
  const telegram = await startServer("telegram-server.ts", {});
  const model = await startServer("model-server.ts", {
    BENCH_CHARACTERS: String(load.characters),
    BENCH_TOKENS_PER_SECOND: String(load.tokensPerSecond),
    BENCH_NAMED: "1",
  });
  const subjects = await startSubjects(load, telegram, model);
  try {
    const startedAt = performance.now();
    const answerMs = ((load.characters / 4.6) * 1000) / load.tokensPerSecond;
    telegram.tell({ order: "burst", chats: load.chats, questions: load.questions, rampMs: answerMs });
    const tally = await untilAnswered(telegram, load);
    const seconds = (performance.now() - startedAt) / 1000;
    const written = await model.ask<readonly WrittenAnswer[]>({ order: "report" });
    const lines = (await Promise.all(subjects.map(({ log }) => readFile(log, "utf8")))).join("").split("\n");
    const trouble = lines.filter((line) => /"level":"(warn|error)"/.test(line));
    return {
      load,
      ...count(load, tally),
      ...delays(tally, written),
      seconds,
      warnings: trouble.length,
      trouble: trouble.slice(0, 20),
      logLines: lines.filter((line) => line !== "").length,
    };
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
    for (const server of [telegram, model]) server.stop();
    for (const spinner of spinners) spinner.kill("SIGKILL");
  }
}

async function startSubjects(load: BusyLoad, telegram: Server, model: Server): Promise<Subject[]> {
  const options = { kind: "bot", telegram, model } as const;
  if (load.redis === undefined) return [await startSubject({ ...options, env: { STREAM_MODE: load.mode } })];
  const port = await freePort();
  const env = {
    STREAM_MODE: load.mode,
    REDIS_URL: load.redis,
    REDIS_PREFIX: `bench-${process.pid}-${process.hrtime.bigint()}`,
    WEBHOOK_URL: `http://127.0.0.1:${port}`,
  };
  return [
    await startSubject({ ...options, env, script: "start:web", port }),
    await startSubject({ ...options, env, script: "start:worker" }),
    await startSubject({ ...options, env, script: "start:worker" }),
  ];
}

async function untilAnswered(telegram: Server, { chats, questions }: BusyLoad): Promise<Tally> {
  let [before, still] = [-1, 0];
  for (let second = 0; ; second++) {
    await sleep(1000);
    const tally = await telegram.ask<Tally>({ order: "tally" });
    const ended = tally.messages.filter(({ finalAt }) => finalAt !== undefined).length;
    still = ended === before ? still + 1 : 0;
    before = ended;
    if (still >= stillSeconds || second > longestSeconds) return tally;
    if (tally.messages.length < chats * questions || tally.messages.some((one) => one.finalAt === undefined)) continue;
    // A copy would come late.
    await sleep(10_000);
    return await telegram.ask<Tally>({ order: "tally" });
  }
}

/** Counts what each chat shows. */
function count({ chats, questions }: BusyLoad, { messages, refused, wrong }: Tally) {
  const byChat = Map.groupBy(messages, ({ chatId }) => chatId);
  let [answers, copies, outOfOrder] = [0, 0, 0];
  for (const shown of byChat.values()) {
    const rounds = shown.filter(({ finalAt }) => finalAt !== undefined).map(({ round }) => round);
    const different = new Set(rounds).size;
    answers += different;
    // What answers no question at all should not stand there either.
    const named = new Set(shown.flatMap(({ round }) => (round === 0 ? [] : round)));
    copies += shown.length - named.size;
    if (rounds.some((round, at) => round < (rounds[at - 1] ?? 0))) outOfOrder++;
  }
  return { answers, copies, lost: chats * questions - answers, outOfOrder, refused, wrong };
}

function delays({ messages }: Tally, written: readonly WrittenAnswer[]) {
  const byKey = new Map(written.map((answer) => [`${answer.chatId}:${answer.round}`, answer]));
  const [toFirst, toFinal]: [number[], number[]] = [[], []];
  for (const { chatId, round, firstTextAt, finalAt } of messages) {
    const answer = byKey.get(`${chatId}:${round}`);
    if (answer === undefined || finalAt === undefined) continue;
    toFirst.push(firstTextAt - answer.firstTextAt);
    toFinal.push(finalAt - answer.endedAt);
  }
  return { addedToFirstMs: percentiles(toFirst), addedToFinalMs: percentiles(toFinal) };
}

/** One run: so many chats that ask again and again, against the bot or the floor, and what was measured. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TelegramReport, WrittenAnswer } from "./messages.ts";
import { type Percentiles, percentiles } from "./percentiles.ts";
import {
  cpuSeconds,
  machineSeconds,
  mainThreadSeconds,
  peakMemory,
  profileIn,
  type Server,
  type Subject,
  type SubjectKind,
  type SubjectOptions,
  sleep,
  startServer,
  startSubject,
  writtenToFiles,
} from "./processes.ts";
import { type ProfileSummary, summarizeProfile } from "./profile.ts";
import { costPerReply, type RedisCost, redisCost } from "./redis-cost.ts";

export interface Load {
  readonly kind: Exclude<SubjectKind, "plain">;
  /** The checkout of the former bot. */
  readonly former?: string;
  readonly mode: "edit" | "draft";
  readonly chats: number;
  /** Of the measured phase. */
  readonly seconds: number;
  readonly characters: number;
  readonly tokensPerSecond: number;
  readonly profiled?: boolean;
  readonly redis?: string;
  /** With Redis: one process that takes updates, and so many workers. Left out or 0: one process does all. */
  readonly workers?: number;
}

/** The model of a run, where it is another one than that of answers. */
export interface ModelOfRun<T> {
  /** Of this folder; its first message and its answers hold what those of `model-server.ts` hold. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  /** Further settings of the bot. */
  botEnv(model: Server): Readonly<Record<string, string>>;
  /** What else there is to be told, once all is measured. `since`: when measuring began, in milliseconds since the epoch. */
  also(model: Server, report: TelegramReport, since: number): Promise<T>;
}

/** Milliseconds and seconds as the names say; memory in MiB. */
export interface Measured {
  readonly load: Load;
  readonly answers: number;
  readonly repliesPerSecond: number;
  /** From the model's first byte to the first visible text at Telegram. */
  readonly addedToFirstMs: Percentiles;
  /** From the model's end to the final text at Telegram. */
  readonly addedToFinalMs: Percentiles;
  readonly cpuSecondsPer1000: number;
  readonly peakMemoryMiB: number;
  /** To files, for each answer. */
  readonly writtenKiB: number;
  readonly callsPerAnswer: Readonly<Record<string, number>>;
  /** Cores in use: the subject, the two servers, everything else on the machine. */
  readonly cores: {
    readonly subject: number;
    readonly telegram: number;
    readonly model: number;
    readonly others: number;
  };
  /** Calls that Telegram refused or would have mended. */
  readonly wrong: readonly string[];
  /** Answers whose times are not known on both sides. */
  readonly unmatched: number;
  /** For each answer. */
  readonly redis?: RedisCost;
  readonly profile?: ProfileSummary & { readonly cpuSeconds: number; readonly otherThreadsSeconds: number };
}

const pauseMs = 500;

/** Starts everything, measures, and stops everything. */
export async function measure(load: Load): Promise<Measured>;
export async function measure<T>(load: Load, other: ModelOfRun<T>): Promise<Measured & { readonly also: T }>;
export async function measure<T>(load: Load, other?: ModelOfRun<T>): Promise<Measured & { readonly also?: T }> {
  const answerMs = ((load.characters / 4.6) * 1000) / load.tokensPerSecond;
  const profileTo = load.profiled ? await mkdtemp(join(tmpdir(), "parley-profile-")) : undefined;
  const telegram = await startServer("telegram-server.ts", {});
  const model = await startServer(other?.file ?? "model-server.ts", {
    BENCH_CHARACTERS: String(load.characters),
    BENCH_TOKENS_PER_SECOND: String(load.tokensPerSecond),
    ...other?.env,
  });
  try {
    const subjects = await startSubjects(load, {
      kind: load.kind,
      ...(load.former === undefined ? {} : { former: load.former }),
      telegram,
      model,
      env: { STREAM_MODE: load.mode, ...inRedis(load.redis), ...other?.botEnv(model) },
      ...(profileTo === undefined ? {} : { profileTo }),
    });
    const pids = [telegram.pid, model.pid, ...subjects.map(({ pid }) => pid)];
    // Spread, so that answers begin evenly in the measured phase; then one answer's time to settle.
    telegram.tell({ order: "ask", chats: load.chats, rampMs: answerMs + pauseMs, pauseMs });
    await sleep(2 * answerMs + pauseMs);
    telegram.tell({ order: "count" });
    const before = await usage(pids, load.redis);
    const startedAt = performance.now();
    const since = Date.now();
    const from = Number(process.hrtime.bigint()) / 1000;
    await sleep(load.seconds * 1000);
    const report = await telegram.ask<TelegramReport>({ order: "report" });
    const took = (performance.now() - startedAt) / 1000;
    const after = await usage(pids, load.redis);
    const to = Number(process.hrtime.bigint()) / 1000;
    const memory = Math.max(...(await Promise.all(subjects.map(({ pid }) => peakMemory(pid)))));
    const written = await model.ask<readonly WrittenAnswer[]>({ order: "report" });
    telegram.tell({ order: "end" });
    const also = await other?.also(model, report, since);
    await Promise.all(subjects.map((subject) => subject.stop()));
    const spent = after.processes.map((seconds, at) => seconds - (before.processes[at] ?? 0));
    const [atTelegram = 0, atModel = 0, ...ours] = spent;
    const own = ours.reduce((sum, seconds) => sum + seconds, 0);
    const elsewhere = after.machine - before.machine - own - atTelegram - atModel;
    const profile = profileTo === undefined ? undefined : summarizeProfile(await profileIn(profileTo), from, to);
    return {
      load,
      ...figures(report, written),
      repliesPerSecond: report.answers.length / took,
      cpuSecondsPer1000: (own / report.answers.length) * 1000,
      peakMemoryMiB: memory,
      writtenKiB: (after.writtenKiB - before.writtenKiB) / report.answers.length,
      ...(also === undefined ? {} : { also }),
      cores: { subject: own / took, telegram: atTelegram / took, model: atModel / took, others: elsewhere / took },
      ...(before.redis && after.redis && { redis: costPerReply(before.redis, after.redis, report.answers.length) }),
      ...(profile && {
        profile: { ...profile, cpuSeconds: own, otherThreadsSeconds: own - (after.mainThread - before.mainThread) },
      }),
    };
  } finally {
    telegram.stop();
    model.stop();
    if (profileTo !== undefined) await rm(profileTo, { recursive: true, force: true });
  }
}

/** A prefix for each run: a bot must find nothing of the run before. */
function inRedis(url: string | undefined): Record<string, string> {
  return url === undefined ? {} : { REDIS_URL: url, REDIS_PREFIX: `bench-${process.pid}-${process.hrtime.bigint()}` };
}

/** One process, or the one that takes updates and its workers. */
async function startSubjects({ workers = 0, redis }: Load, options: SubjectOptions): Promise<Subject[]> {
  if (redis === undefined || workers === 0) return [await startSubject(options)];
  const web = await startSubject({ ...options, script: "start:web", webhook: true });
  const env = { ...options.env, WEBHOOK_URL: `http://127.0.0.1:${web.port}` };
  const started = Array.from({ length: workers }, () => startSubject({ ...options, env, script: "start:worker" }));
  return [web, ...(await Promise.all(started))];
}

async function usage(pids: readonly number[], redisUrl: string | undefined) {
  const [processes, files, mainThread, machine, redis] = await Promise.all([
    Promise.all(pids.map(cpuSeconds)),
    Promise.all(pids.slice(2).map(writtenToFiles)),
    mainThreadSeconds(pids[2] ?? 0),
    machineSeconds(),
    redisUrl === undefined ? undefined : redisCost(redisUrl),
  ]);
  return { processes, writtenKiB: files.reduce((sum, one) => sum + one, 0), mainThread, machine, redis };
}

/** How late answers were shown that were written meanwhile. */
export function figures(report: TelegramReport, written: readonly WrittenAnswer[]) {
  const byKey = new Map(written.map((answer) => [`${answer.chatId}:${answer.round}`, answer]));
  const toFirst: number[] = [];
  const toFinal: number[] = [];
  for (const { chatId, round, firstTextAt, finalAt } of report.answers) {
    const answer = byKey.get(`${chatId}:${round}`);
    if (answer === undefined) continue;
    if (firstTextAt !== undefined) toFirst.push(firstTextAt - answer.firstTextAt);
    toFinal.push(finalAt - answer.endedAt);
  }
  const each = Object.entries(report.calls).map(([method, count]) => [method, count / report.answers.length] as const);
  return {
    answers: report.answers.length,
    addedToFirstMs: percentiles(toFirst),
    addedToFinalMs: percentiles(toFinal),
    callsPerAnswer: Object.fromEntries(each),
    wrong: report.wrong,
    unmatched: report.answers.length - toFinal.length,
  };
}

/**
 * `npm run bench:webhook -- [options]`: how long Telegram waits for the acknowledgement of an update, that is for its durable
 * write, while nothing else happens and while answers are being written.
 *
 *   --rate 500          updates a second
 *   --chats 0,200       chats whose answers are being written meanwhile
 *   --seconds 20        measured time of each run
 *   --mode draft        how these answers are shown
 *   --redis URL         queue and state in this Redis, which should write to its disk as a real one does
 *   --split             with it: one process takes the updates and another handles them
 *
 * The updates are of a kind that is stored and handled like any other and wants no answer: people unblocking the bot.
 */
import { Agent, request } from "node:http";
import { parseArgs } from "node:util";
import type { TelegramReport } from "./messages.ts";
import { type Percentiles, percentiles } from "./percentiles.ts";
import {
  cpuSeconds,
  endOnSignals,
  machineSeconds,
  type Server,
  type Subject,
  sleep,
  startServer,
  startSubject,
} from "./processes.ts";
import { printTable, rounded, writeResults } from "./results.ts";

const secret = "secret-of-the-benchmark";
/** Far from those that the emulated Telegram gives out. */
const firstUpdateId = 500_000_000;
const answerMs = 6_500;
const pauseMs = 500;

interface Run {
  readonly chats: number;
  readonly updatesPerSecond: number;
  readonly acknowledgedMs: Percentiles;
  readonly statuses: Readonly<Record<string, number>>;
  /** Answers that ended meanwhile. */
  readonly answers: number;
  /** Cores in use: the process that takes the updates, everything on this machine. */
  readonly cores: { readonly bot: number; readonly all: number };
}

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "500" },
    chats: { type: "string", default: "0,200" },
    seconds: { type: "string", default: "20" },
    mode: { type: "string", default: "draft" },
    redis: { type: "string" },
    split: { type: "boolean", default: false },
  },
});

endOnSignals();
const runs: Run[] = [];
for (const chats of values.chats.split(",").map(Number)) {
  console.error(`${values.rate} updates a second, ${chats} answers being written …`);
  const run = await measure(chats, Number(values.rate), Number(values.seconds));
  console.error(
    `  acknowledged within ${rounded(run.acknowledgedMs.p50)} ms (p50), ${rounded(run.acknowledgedMs.p99)} ms (p99)`,
  );
  runs.push(run);
}
printTable(
  [
    "answers being written",
    "updates a second",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "max ms",
    "statuses",
    "answers ended",
    values.split ? "cores: web" : "cores: bot",
    "cores: all",
  ],
  runs.map(({ chats, updatesPerSecond, acknowledgedMs: { p50, p95, p99, max }, statuses, answers, cores }) => [
    String(chats),
    rounded(updatesPerSecond),
    ...[p50, p95, p99, max].map(rounded),
    Object.entries(statuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(", "),
    String(answers),
    cores.bot.toFixed(2),
    cores.all.toFixed(2),
  ]),
);
await writeResults("webhook", { rate: Number(values.rate), runs });

async function measure(chats: number, perSecond: number, seconds: number): Promise<Run> {
  const telegram = await startServer("telegram-server.ts", {});
  const model = await startServer("model-server.ts", {});
  try {
    const options = {
      kind: "bot" as const,
      telegram,
      model,
      env: {
        STREAM_MODE: values.mode,
        WEBHOOK_SECRET: secret,
        ...(values.redis === undefined
          ? {}
          : { REDIS_URL: values.redis, REDIS_PREFIX: `bench-${process.pid}-${chats}` }),
      },
      webhook: true,
    };
    const worker = values.split ? await startSubject({ ...options, script: "start:worker" }) : undefined;
    const subject = await startSubject({ ...options, script: values.split ? "start:web" : "start" });
    if (chats > 0) {
      telegram.tell({ order: "ask", chats, rampMs: answerMs + pauseMs, pauseMs });
      await sleep(2 * answerMs);
    }
    const run = await send(telegram, subject, perSecond, seconds);
    telegram.tell({ order: "end" });
    await Promise.all([subject.stop(), worker?.stop()]);
    return { chats, ...run };
  } finally {
    telegram.stop();
    model.stop();
  }
}

async function send(
  telegram: Server,
  subject: Subject,
  perSecond: number,
  seconds: number,
): Promise<Omit<Run, "chats">> {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 });
  const took: number[] = [];
  const statuses: Record<string, number> = {};
  const pending: Promise<void>[] = [];
  let sent = 0;

  async function post(): Promise<void> {
    sent += 1;
    const startedAt = performance.now();
    const status = await deliver(agent, subject.port, firstUpdateId + sent);
    took.push(performance.now() - startedAt);
    statuses[status] = (statuses[status] ?? 0) + 1;
  }

  // The first connections are opened outside of the measured time.
  await Promise.all(Array.from({ length: 20 }, post));
  took.length = 0;
  telegram.tell({ order: "count" });
  const before = await Promise.all([cpuSeconds(subject.pid), machineSeconds()]);
  const startedAt = performance.now();
  const warm = sent;
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - startedAt) / 1000) {
    while (sent - warm < elapsed * perSecond) pending.push(post());
    await sleep(1);
  }
  await Promise.all(pending);
  const elapsed = (performance.now() - startedAt) / 1000;
  const [bot, all] = await Promise.all([cpuSeconds(subject.pid), machineSeconds()]);
  const { answers } = await telegram.ask<TelegramReport>({ order: "report" });
  agent.destroy();
  return {
    updatesPerSecond: took.length / elapsed,
    acknowledgedMs: percentiles(took),
    statuses,
    answers: answers.length,
    cores: { bot: (bot - before[0]) / elapsed, all: (all - before[1]) / elapsed },
  };
}

/** Delivers one update; the status, or the error's code. */
function deliver(agent: Agent, port: number, updateId: number): Promise<string> {
  const userId = updateId;
  const person = { id: userId, is_bot: false, first_name: "Somebody" };
  const member = { user: { id: 424_242, is_bot: true, first_name: "Parley" } };
  const body = JSON.stringify({
    update_id: updateId,
    my_chat_member: {
      chat: { id: userId, type: "private", first_name: "Somebody" },
      from: person,
      date: Math.floor(Date.now() / 1000),
      old_chat_member: { ...member, status: "kicked", until_date: 0 },
      new_chat_member: { ...member, status: "member" },
    },
  });
  return new Promise((resolve) => {
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "x-telegram-bot-api-secret-token": secret,
    };
    const call = request({ host: "127.0.0.1", port, path: "/telegram", method: "POST", agent, headers }, (response) => {
      response.resume().on("end", () => resolve(String(response.statusCode)));
    });
    call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    call.end(body);
  });
}

/** What a `kill -9` in the middle of many turns costs: how much later their answers end, and what is asked and called again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { QuestionKey, ShownAnswer, TelegramReport } from "../messages.ts";
import { type Percentiles, percentiles } from "../percentiles.ts";
import { sleep, startServer, startSubject } from "../processes.ts";
import { untilAnswered } from "../until-answered.ts";
import type { SeenByModel } from "./messages.ts";
import { keyOf, type StepFigures } from "./turns.ts";

export interface KillOptions {
  readonly chats: number;
  /** How long a turn takes, about. Milliseconds. */
  readonly turnMs: number;
  readonly modelEnv: Readonly<Record<string, string>>;
  readonly botEnv: (searchUrl: string) => Readonly<Record<string, string>>;
  /** Requests and searches of a turn that nobody disturbs. */
  readonly usual: { readonly requests: number; readonly searches: number };
}

/** Milliseconds as the names say. */
export interface KillFigures {
  /** Turns that were running at the kill. */
  readonly hit: number;
  /** Of which no answer came. */
  readonly lost: number;
  /** From the kill until the next process was ready. */
  readonly downMs: number;
  /** How much longer a hit turn took than the others, the time without a process included. */
  readonly laterMs: Percentiles;
  /** Of each hit turn, beyond those of a turn that nobody disturbs. */
  readonly requestsAgain: number;
  readonly searchesAgain: number;
  readonly steps: StepFigures;
  readonly wrong: readonly string[];
}

const longestMs = 180_000;

/** Kills the bot while about all chats are in the middle of a turn, and starts it again at once. */
export async function measureKill({ chats, turnMs, modelEnv, botEnv, usual }: KillOptions): Promise<KillFigures> {
  const telegram = await startServer("telegram-server.ts", {});
  const model = await startServer("tools-server.ts", modelEnv);
  const data = await mkdtemp(join(tmpdir(), "parley-bench-data-"));
  const start = () =>
    startSubject({ kind: "bot", telegram, model, env: { ...botEnv(model.told["searchUrl"] ?? ""), DATA_DIR: data } });
  let bot = await start();
  try {
    // Half of the turns end before the kill, for comparison.
    telegram.tell({ order: "ask", chats, rampMs: 2 * turnMs, pauseMs: 10 * longestMs });
    await sleep(2 * turnMs);
    const killedAt = Date.now();
    await bot.stop();
    bot = await start();
    const downMs = Date.now() - killedAt;
    const report = await untilAnswered(telegram, longestMs);
    const seen = await model.ask<SeenByModel>({ order: "seen" });
    return figuresOf(report, seen, { killedAt, downMs, usual });
  } finally {
    await bot.stop();
    for (const server of [telegram, model]) server.stop();
    await rm(data, { recursive: true, force: true });
  }
}

function figuresOf(
  { answers, open, wrong }: TelegramReport,
  { asked, searches, steps }: SeenByModel,
  { killedAt, downMs, usual }: Pick<KillOptions, "usual"> & Pick<KillFigures, "downMs"> & { readonly killedAt: number },
): KillFigures {
  const took = ({ askedAt, finalAt }: ShownAnswer) => finalAt - askedAt;
  const hit = answers.filter(({ askedAt, finalAt }) => askedAt < killedAt && finalAt > killedAt);
  const undisturbed = percentiles(answers.filter(({ finalAt }) => finalAt <= killedAt).map(took)).p50;
  const keys = new Set(hit.map(keyOf));
  const again = (seen: readonly QuestionKey[], each: number) =>
    seen.filter((one) => keys.has(keyOf(one))).length / hit.length - each;
  return {
    ...{ hit: hit.length + open, lost: open, downMs, steps, wrong },
    laterMs: percentiles(hit.map((answer) => took(answer) - undisturbed)),
    requestsAgain: again(asked, usual.requests),
    searchesAgain: again(searches, usual.searches),
  };
}

/** The runs of `bench:tools`: chats whose answers take two calls of tools, chats without, and both in one process. */
import { personas } from "../cost/personas.ts";
import { figures, type Load, type Measured, type ModelOfRun, measure } from "../load.ts";
import { firstChat } from "../messages.ts";
import type { Percentiles } from "../percentiles.ts";
import { type KillFigures, measureKill } from "./kill.ts";
import type { SeenByModel } from "./messages.ts";
import type { StepFigures } from "./turns.ts";

export interface ToolsLoad extends Pick<Load, "chats" | "seconds" | "characters" | "tokensPerSecond" | "profiled"> {
  readonly redis?: string;
}

/** What one of the runs adds to an answer without tools. */
export interface ToolsRun extends Measured {
  readonly name: string;
  readonly also: { readonly steps: StepFigures; readonly plainToFirstMs?: Percentiles };
}

/** Until a model begins to write, and until a search is answered. Milliseconds. */
const [thinksMs, searchesMs] = [200, 100];
const noTools = "99999999999";
const tools = "web_search,read_page,calculate,read_file";
const charactersPerToken = 4.6;

/** In `both`, as many chats with tools stand beside those without. */
export async function measureWith(which: "none" | "all" | "both", load: ToolsLoad): Promise<ToolsRun> {
  const { redis, profiled } = load;
  const firstWithTools = { none: noTools, all: "0", both: String(firstChat + load.chats) }[which];
  const world: ModelOfRun<ToolsRun["also"]> = {
    file: "tools-server.ts",
    env: { ...timesOfModel, BENCH_FIRST_WITH_TOOLS: firstWithTools },
    botEnv: (model) => settings(model.told["searchUrl"] ?? ""),
    async also(model, report, since) {
      const { written, steps } = await model.ask<SeenByModel>({ order: "seen", since });
      const plain = report.answers.filter(({ chatId }) => chatId < Number(firstWithTools));
      if (plain.length === 0) return { steps };
      return { steps, plainToFirstMs: figures({ ...report, answers: plain }, written).addedToFirstMs };
    },
  };
  const { seconds, characters, tokensPerSecond } = load;
  const chats = which === "both" ? 2 * load.chats : load.chats;
  const run = await measure(
    {
      ...{ kind: "bot", mode: "edit", chats, seconds, characters, tokensPerSecond },
      ...(redis === undefined ? {} : { redis }),
      ...(profiled === undefined ? {} : { profiled }),
    },
    world,
  );
  const name = { none: "no tools", all: "two tool steps", both: "half of them two tool steps" }[which];
  return { ...run, name: `${chats} chats, ${name}` };
}

/** Kills the bot in the middle of turns, with tools or without. */
export async function measureKilled(withTools: boolean, load: ToolsLoad): Promise<KillFigures> {
  const { chats, characters, tokensPerSecond, redis } = load;
  const answerMs = thinksMs + (characters / charactersPerToken / tokensPerSecond) * 1000;
  const prefix = `bench-kill-${process.pid}-${process.hrtime.bigint()}`;
  return await measureKill({
    chats,
    turnMs: answerMs + (withTools ? 2 * thinksMs + searchesMs : 0),
    modelEnv: {
      ...timesOfModel,
      BENCH_CHARACTERS: String(characters),
      BENCH_TOKENS_PER_SECOND: String(tokensPerSecond),
      BENCH_FIRST_WITH_TOOLS: withTools ? "0" : noTools,
    },
    botEnv: (searchUrl) => ({
      ...settings(searchUrl),
      ...(redis === undefined ? {} : { REDIS_URL: redis, REDIS_PREFIX: prefix }),
    }),
    usual: withTools ? { requests: 3, searches: 1 } : { requests: 1, searches: 0 },
  });
}

const timesOfModel = { BENCH_THINKS_MS: String(thinksMs), BENCH_SEARCHES_MS: String(searchesMs) };

/** The persona is long enough for the caches of all providers. */
function settings(searchUrl: string): Readonly<Record<string, string>> {
  return { TOOLS: tools, SEARXNG_URL: searchUrl, SYSTEM_PROMPT: personas.long, STREAM_MODE: "edit" };
}

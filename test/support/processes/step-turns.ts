/**
 * A process that answers many questions in steps, with calls of each class, over a store that outlives it. Arguments: `sqlite` and a
 * file, or `redis`, a URL and a prefix; then the file that effects are written to, and how many turns. It says a line at each
 * moment at which it may be killed, and `all done` at the end.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { createTokenFactors } from "../../../src/chat/token-factors.ts";
import { answerQuestion, type Screen, type TurnDeps } from "../../../src/chat/turn.ts";
import { createSqliteDatabase } from "../../../src/engines/embedded/database.ts";
import { createSqliteStore } from "../../../src/engines/embedded/store.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisStore } from "../../../src/engines/redis/store.ts";
import { textParts } from "../../../src/ports/content.ts";
import type { ModelEvent } from "../../../src/ports/models.ts";
import type { Store } from "../../../src/ports/store.ts";
import type { Tool, ToolClass } from "../../../src/ports/tools.ts";
import { capabilities } from "../capable.ts";
import { inEnglish } from "../note-words.ts";

const [engine, ...place] = process.argv.slice(2);
const [effects = "", turns = "0"] = place.slice(-2);
const store = engine === "redis" ? await redisStore() : sqliteStore();
const stepsOfTurn = 3;

function sqliteStore(): Store {
  return createSqliteStore({ database: createSqliteDatabase(place[0] ?? ""), historyTtlSeconds: 3_600 });
}

async function redisStore(): Promise<Store> {
  const [url = "", prefix = ""] = place;
  const link = await createRedisLink({ url, prefix, log: { info() {}, warn() {} } });
  return createRedisStore({ link, historyTtlSeconds: 3_600, noteWords: inEnglish });
}

/** Here it may be killed. */
async function moment(what: string): Promise<void> {
  console.log(what);
  await pause(Math.random() * 3);
}

const tools = (["safe", "keyed", "never"] as const).map(
  (kind: ToolClass): Tool => ({
    name: kind,
    description: kind,
    parameters: { type: "object" },
    class: kind,
    ...{ asks: false, carriesOut: false, mostMs: 60_000 },
    activity: () => ({ doing: "calling", name: kind }),
    async run({ args, key, turn }) {
      await moment("before an effect");
      const { step } = args as { readonly step: number };
      appendFileSync(effects, `${kind} ${turn.conversation} ${step} ${key}\n`);
      await moment("after an effect");
      return { text: `${kind} done` };
    },
  }),
);

async function* answer({
  messages,
}: {
  readonly messages: readonly { readonly role: string; readonly calls?: unknown }[];
}) {
  await moment("the model is asked");
  const step = messages.filter(({ calls }) => calls !== undefined).length + 1;
  yield { type: "attempt", model: "a/one" } satisfies ModelEvent;
  if (step > stepsOfTurn) yield { type: "text-delta", text: "The end." } satisfies ModelEvent;
  else {
    yield { type: "text-delta", text: `Step ${step}.` } satisfies ModelEvent;
    for (const name of ["safe", "keyed", "never"])
      yield { type: "tool-call", id: `${name}${step}`, name, arguments: JSON.stringify({ step }) } satisfies ModelEvent;
  }
  await moment("the model ends");
  yield { type: "answer-end", model: "a/one", finish: "stop" } satisfies ModelEvent;
}

const screen: Screen = {
  gone: new AbortController().signal,
  status: () => {},
  show: () => {},
  finish: () => moment("the end is shown"),
  picture: async () => undefined,
  removePicture: async () => {},
  leave: async () => {},
};

const deps: TurnDeps = {
  store,
  models: {
    names: ["a/one"],
    behind: () => [],
    seeing: () => undefined,
    answer,
    cost: () => 0,
    capabilities,
  },
  media: {
    async fitted() {
      throw new Error("no tool returns pictures");
    },
    async picture() {
      throw new Error("there are no pictures");
    },
  },
  tools: { forUnknown: true, offered: async () => tools },
  defaultPersona: "Be brief.",
  historyLimits: { maxTokens: 1_000, maxMessages: 20 },
  tokenFactors: createTokenFactors(),
  spending: { budgets: {} },
  visible: (markdown) => markdown !== "",
  work: (work) => work(),
  observer: { turnEnded: () => {}, usage: () => {} },
  log: { info: () => {}, warn: () => {} },
  now: Date.now,
};

const waiting = Array.from({ length: Number(turns) }, (_, at) => String(1_000 + at)).values();
console.log("begins");
await Promise.all(
  Array.from({ length: 8 }, async () => {
    for (const conversation of waiting) {
      const question = { conversation, id: 1, root: 1, run: 1, userId: 7, asked: textParts("Go.") };
      await answerQuestion(deps, question, () => screen, new AbortController().signal);
    }
  }),
);
console.log("all done");
process.exit(0);

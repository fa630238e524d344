/** Recorded chats, gone through with the bot's own code: conversation and models, over the wire to loopback. */
import { createSummaries } from "../../src/chat/summaries.ts";
import { createTokenFactors } from "../../src/chat/token-factors.ts";
import { answerQuestion, type Screen, type TurnDeps } from "../../src/chat/turn.ts";
import { readConfig } from "../../src/config/config.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import { createModels } from "../../src/models/chain.ts";
import { textParts } from "../../src/ports/content.ts";
import type { Models } from "../../src/ports/models.ts";
import type { RecordedTurn } from "./dialogues.ts";
import { type Call, createProviderServer, type Worded } from "./provider-server.ts";
import { summaryOf } from "./summariser.ts";

/** How conversations are led. */
export interface Manner {
  /** `provider/model` that answers. */
  readonly model: string;
  /** `provider/model` that answers easy questions in its place, as `auto` finds them. */
  readonly cheap?: string;
  /** Variables of the bot, as an operator would set them. */
  readonly env?: Readonly<Record<string, string>>;
  /** `provider/model` that summarises. */
  readonly summaries?: string;
  /** Shows the model only the newest so many messages, whatever the bot would: what others do. */
  readonly newestMessages?: number;
}

export interface Replayed {
  readonly questions: number;
  readonly calls: readonly Call[];
  /** Facts that were stated, and those of them that stand in the prompt of one more question at the end. */
  readonly facts: number;
  readonly factsPresent: number;
}

const day = Date.UTC(2026, 10, 21, 12);
const silent = { info: () => undefined, warn: () => undefined };

/** Nothing of it is seen. */
const screen: Screen = {
  gone: new AbortController().signal,
  status: () => undefined,
  show: () => undefined,
  finish: async () => undefined,
  picture: async () => undefined,
  removePicture: async () => undefined,
  leave: async () => undefined,
};

/** Goes through chats one after another. Deterministic: the clock goes on by what is recorded. */
export async function replay(
  chats: readonly (readonly RecordedTurn[])[],
  manner: Manner,
  persona: string,
): Promise<Replayed> {
  let calls: Call[] = [];
  let now = day;
  let reply = "";
  const server = await createProviderServer({
    now: () => now,
    answer: (messages) => summaryOf(messages) ?? reply,
    onCall: (call) => void calls.push(call),
  });
  const { model, cheap = model, summaries: summariser = model } = manner;
  const providers = [model, cheap, summariser].map((name) => name.slice(0, name.indexOf("/")));
  const access = providers.map((provider) => ({
    [`${provider.toUpperCase()}_API_KEY`]: "none",
    [`${provider.toUpperCase()}_BASE_URL`]: server.urlOf(provider),
  }));
  const config = readConfig("start", {
    BOT_TOKEN: "1:benchmark-token-of-nobody",
    MODELS: [...new Set([cheap === model ? model : "auto", model, summariser])].join(","),
    ...(cheap === model ? {} : { AUTO_CHEAP: cheap, AUTO_STRONG: model }),
    ...Object.assign({}, ...access),
    SYSTEM_PROMPT: persona,
    ...manner.env,
  });
  const models = createModels({ models: config.models, log: silent });
  const store = createMemoryStore({ historyTtlSeconds: config.history.ttlSeconds, now: () => now });
  const summaries =
    manner.summaries === undefined
      ? undefined
      : createSummaries({
          ...{ store, models, model: manner.summaries, log: silent },
          now: () => now,
        });
  const deps: TurnDeps = {
    store,
    summaries,
    models: manner.newestMessages === undefined ? models : slidingWindow(models, manner.newestMessages),
    spending: { budgets: {} },
    media: {
      picture: () => Promise.reject(new Error("nobody sends a picture")),
      fitted: () => Promise.reject(new Error("no tool returns one")),
    },
    defaultPersona: config.systemPrompt,
    historyLimits: config.history,
    newTopicAfterMs: config.newTopicAfterMs,
    tokenFactors: createTokenFactors(),
    visible: (markdown) => markdown.trim() !== "",
    work: (piece) => piece(),
    observer: { turnEnded: () => undefined, usage: () => undefined },
    log: silent,
    now: () => now,
  };
  const result = { questions: 0, calls: [] as Call[], facts: 0, factsPresent: 0 };

  async function ask(conversation: string, id: number, asked: string): Promise<void> {
    const question = { conversation, id, root: id, run: id, userId: 1, asked: textParts(asked), askedAt: now };
    const outcome = await answerQuestion(deps, question, () => screen, new AbortController().signal);
    if (outcome !== "complete") throw new Error(`question ${id} of chat ${conversation} ended as ${outcome}`);
    await summaries?.idle();
  }

  for (const [chat, turns] of chats.entries()) {
    const conversation = String(chat + 1);
    for (const [place, turn] of turns.entries()) {
      now += turn.afterMs;
      // An answer of nothing is not what the bot is measured by.
      reply = turn.answered.trim() === "" ? "…" : turn.answered;
      await ask(conversation, place + 1, turn.asked);
    }
    result.questions += turns.length;
    result.calls.push(...calls);
    calls = [];
    // What the model would still know: one more question, which is not counted.
    await ask(conversation, turns.length + 1, "What do you know about me?");
    const seen = textOf(calls.findLast(({ messages }) => summaryOf(messages) === undefined)?.messages ?? []);
    const facts = turns.flatMap(({ fact }) => (fact === undefined ? [] : [fact]));
    result.facts += facts.length;
    result.factsPresent += facts.filter((fact) => seen.includes(fact)).length;
    calls = [];
  }
  await models.stop();
  server.stop();
  return result;
}

function textOf(messages: readonly Worded[]): string {
  return messages.map(({ content }) => content).join("\n");
}

/** The models, shown the system text and the newest messages alone. */
function slidingWindow(models: Models, newest: number): Models {
  return {
    ...models,
    answer(request, signal) {
      const system = request.messages.filter(({ role }) => role === "system");
      const others = request.messages.filter(({ role }) => role !== "system");
      return models.answer({ ...request, messages: [...system, ...others.slice(-newest - 1)] }, signal);
    },
  };
}

/** A conversation with one question, a model that follows a script, and a screen that takes notes. */
import { beforeEach, vi } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import type { Activity } from "../../src/chat/activity.ts";
import { createTokenFactors } from "../../src/chat/token-factors.ts";
import {
  answerQuestion,
  type FinalView,
  type Question,
  type Screen,
  type TurnDeps,
  type TurnEnding,
} from "../../src/chat/turn.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import { type Content, type ImagePart, textOf, textParts } from "../../src/ports/content.ts";
import { MediaError } from "../../src/ports/media.ts";
import type { CallEnd, ChatMessage, ModelEvent, ModelRequest, OpenCall, Tier } from "../../src/ports/models.ts";
import type { AbortReason } from "../../src/ports/queue.ts";
import type { Tool } from "../../src/ports/tools.ts";
import type { Turn } from "../../src/ports/turns.ts";
import { english } from "../../src/texts/english.ts";
import { linesOf } from "../../src/texts/texts.ts";
import { createTools } from "../../src/tools/registry.ts";
import { capabilities } from "./capable.ts";
import { inWords, type Worded } from "./messages.ts";

export const conversation = "7";
export const usage = { inputTokens: 11, cachedTokens: 3, outputTokens: 5 };
export const question: Question = { conversation, id: 50, root: 50, run: 1, userId: 7, asked: textParts("why?") };

/** One step of a scripted model: an event, an error to throw, or something that happens meanwhile. */
export type Step = ModelEvent | Error | (() => void | Promise<void>);

export const delta = (text: string): ModelEvent => ({ type: "text-delta", text });
export const endWithoutUsage: ModelEvent = { type: "answer-end", model: "a/one", finish: "stop" };
export const end = (model = "a/one"): ModelEvent => ({ type: "answer-end", model, finish: "stop", usage });
/** The end of an answer that has more to say. */
export const cut: ModelEvent = { type: "answer-end", model: "a/one", finish: "length", usage };

/** What is different from the usual question. */
/** A question's words, or all of its parts. */
type Asking = Partial<Omit<Question, "asked"> & { readonly asked: string | Content }>;

function counting(from: number): () => number | undefined {
  let next = from;
  return () => next++;
}

function emptyScene() {
  return {
    store: createMemoryStore({ historyTtlSeconds: 3600, now: () => 5000 }),
    /** Offered beside the models. */
    auto: undefined as TurnDeps["models"]["auto"],
    script: [] as Step[],
    /** What the model does call by call; behind them it follows the one script. */
    scripts: [] as Step[][],
    /** Offered to the model. */
    tools: [] as readonly Tool[],
    /** What somebody was asked to allow. */
    permissions: [] as string[],
    mayAsk: true,
    tokenFactors: createTokenFactors(),
    limits: { maxTokens: 1000, maxMessages: 20 },
    /** What each model reads. */
    contextTokens: 32_768,
    spending: { budgets: {} } as TurnDeps["spending"],
    answerCache: undefined as TurnDeps["answerCache"],
    memory: undefined as TurnDeps["memory"],
    summaries: undefined as TurnDeps["summaries"],
    requests: [] as { readonly model: string; readonly messages: readonly Worded[] }[],
    /** Which of its two models `auto` was to ask, question by question. */
    tiers: [] as (Tier | undefined)[],
    /** What the provider's cache was told, question by question. */
    cacheKeys: [] as (string | undefined)[],
    /** What would have been asked instead, had it been too long. */
    shorter: [] as (readonly Worded[] | undefined)[],
    /** What happened on the screens, in order. */
    shown: [] as string[],
    activities: [] as Activity[],
    files: undefined as TurnDeps["files"],
    opened: [] as { turn: Turn; former: Turn | undefined; dropped: readonly Turn[] }[],
    /** The ends that were shown, their notes in words. */
    views: [] as (Omit<FinalView, "notes"> & { readonly note?: string })[],
    /** What became of pictures, by their `uniqueId`; those that are not there cannot be had. */
    pictures: {} as Readonly<Record<string, ImagePart>>,
    fetched: [] as string[],
    /** How many pictures models take, by their names. */
    mostPictures: {} as Readonly<Record<string, number>>,
    /** Models that see, in their order. */
    seeing: ["a/one"] as readonly string[],
    /** What the models were sent, bytes included, and whether it was for its pictures. */
    sent: [] as {
      readonly messages: readonly ChatMessage[];
      readonly pictures: boolean | undefined;
      readonly tools: readonly string[] | undefined;
      readonly noCalls: boolean | undefined;
      readonly tailored: ModelRequest["tailored"];
    }[],
    stop: new AbortController(),
    gone: new AbortController(),
    finishing: async (): Promise<void> => undefined,
    /** While a picture of a tool is made smaller. */
    fitting: async (_signal: AbortSignal): Promise<void> => undefined,
    /** Before a picture stands in the chat. */
    sending: async (): Promise<void> => undefined,
    pictureIds: counting(900),
    observed: [] as string[],
    endings: [] as TurnEnding[],
    warn: vi.fn<TurnDeps["log"]["warn"]>(),
  };
}

/** To be called at the top of a file: each of its tests begins with nothing asked. */
export function createTurnScene() {
  const scene = emptyScene();
  beforeEach(() => void Object.assign(scene, emptyScene()));

  function deps(): TurnDeps {
    const { store, warn } = scene;
    return {
      store,
      models: {
        names: ["a/one", "b/two", ...(scene.auto === undefined ? [] : [scene.auto.name])],
        auto: scene.auto,
        behind: () => [],
        seeing: () => scene.seeing[0],
        async *answer(request, signal) {
          const { model, messages } = request;
          const shorter = request.shorter?.();
          scene.tiers.push(request.tier);
          scene.cacheKeys.push(request.cacheKey);
          scene.requests.push({ model, messages: inWords(messages) });
          const { tools, noCalls } = request;
          scene.sent.push({
            ...{ messages, pictures: request.pictures, tools: tools?.map(({ name }) => name), noCalls },
            tailored: request.tailored,
          });
          scene.shorter.push(shorter && inWords(shorter));
          // Each call is paid as the chain does it: that of the attempt, or the one whose end the script tells.
          const script = scene.scripts.shift() ?? scene.script;
          const ended = script.find((step) => "type" in step && step.type === "answer-end");
          let next = {
            model: ended !== undefined && "model" in ended ? ended.model : model,
            messages: request.messages,
          };
          let call: OpenCall | undefined;
          const close = (outcome: CallEnd["outcome"], usage?: CallEnd["usage"]) =>
            call?.close({ outcome, usage, durationMs: 5 });
          try {
            for (const step of script) {
              await Promise.resolve();
              if (signal.aborted) return;
              if (step instanceof Error) throw step;
              if (typeof step === "function") {
                await step();
                continue;
              }
              if (step.type === "attempt") {
                close("upstream");
                call = undefined;
                const messages = (step.shorter ? request.shorter?.() : undefined) ?? request.messages;
                next = { model: step.model, messages };
              } else call ??= await request.payer?.open(next, signal);
              if (step.type === "answer-end") close("complete", step.usage);
              yield step;
              if (step.type === "text-delta" && call?.wrote(step.text) === false) {
                close("over-budget");
                yield { type: "answer-end", model: next.model, finish: "budget" };
                return;
              }
            }
          } catch (error) {
            if (error instanceof ModelError) close(error.kind);
            throw error;
          } finally {
            close("stopped");
          }
        },
        capabilities: (model) => ({
          ...capabilities(),
          mostPictures: scene.mostPictures[model],
          contextTokens: scene.contextTokens,
          sees: scene.seeing.includes(model),
        }),
        cost: (model, { outputTokens }) => (model === "a/one" ? outputTokens / 100 : undefined),
      },
      media: {
        async picture({ uniqueId }) {
          scene.fetched.push(uniqueId);
          const image = scene.pictures[uniqueId];
          if (image === undefined) throw new MediaError("gone", "the picture is gone");
          return image;
        },
        async fitted(bytes, signal) {
          await scene.fitting(signal);
          const text = Buffer.from(bytes).toString();
          if (text.includes("bomb")) throw new MediaError("unreadable", "the picture cannot be read (too-many-pixels)");
          if (text.includes("later")) throw new MediaError("unreachable", "the picture cannot be read (unavailable)");
          return { type: "image", mime: "image/jpeg", data: Buffer.from(`small ${text}`), width: 64, height: 48 };
        },
      },
      tools:
        scene.tools.length === 0
          ? undefined
          : { forUnknown: true, offered: createTools({ builtIn: scene.tools }).offered },
      permission: scene.mayAsk
        ? {
            async ask(_turn, call) {
              return scene.permissions.push(`${call.name} ${call.arguments}`) + 900;
            },
          }
        : undefined,
      defaultPersona: "Be brief.",
      historyLimits: scene.limits,
      files: scene.files,
      tokenFactors: scene.tokenFactors,
      spending: scene.spending,
      answerCache: scene.answerCache,
      memory: scene.memory,
      summaries: scene.summaries,
      visible: (markdown) => markdown.replace(/[*\s]/g, "") !== "",
      work: (work) => work(),
      observer: {
        turnEnded(ending) {
          scene.endings.push(ending);
          scene.observed.push(ending.outcome);
        },
        usage: (entry) => scene.observed.push(`usage ${entry.model}`),
      },
      log: { warn, info: () => undefined },
      now: () => 5000,
    };
  }

  function openScreen(turn: Turn, former: Turn | undefined, dropped: readonly Turn[]): Screen {
    const { shown, views } = scene;
    scene.opened.push({ turn, former, dropped });
    return {
      gone: scene.gone.signal,
      status: (activity) => void (activity !== undefined && scene.activities.push(activity)),
      show: (markdown) => void shown.push(markdown),
      async finish(view) {
        await scene.finishing();
        const { notes, ...rest } = view;
        views.push(notes === undefined ? rest : { ...rest, note: linesOf(english, notes) });
        shown.push("finish");
      },
      async picture({ bytes, mime, caption }) {
        await scene.sending();
        shown.push(["picture", mime, Buffer.from(bytes).toString("latin1"), caption].filter(Boolean).join(" "));
        return scene.pictureIds();
      },
      removePicture: async (message) => void shown.push(`remove picture ${message}`),
      leave: async (button, notes = []) =>
        void shown.push(["leave", button, linesOf(english, notes)].filter(Boolean).join(" ")),
    };
  }

  function ask({ asked, ...changes }: Asking = {}) {
    const words = asked === undefined ? {} : { asked: typeof asked === "string" ? textParts(asked) : asked };
    return answerQuestion(deps(), { ...question, ...changes, ...words }, openScreen, scene.stop.signal);
  }

  return Object.assign(scene, {
    deps,
    openScreen,
    ask,
    /** A step of the model's script. */
    abort: (reason: AbortReason) => () => scene.stop.abort(reason),
    /** The record on disk. */
    turn: (id = 50) => scene.store.readTurn(conversation, id),
    history: async () =>
      (await scene.store.readHistory(conversation)).map(({ asked, answered }) => [textOf(asked), answered]),
    /** Asks, and is answered so. */
    async asked(answer: string, changes: Asking = {}): Promise<void> {
      scene.script = [delta(answer), end()];
      await ask(changes);
    },
  });
}

/** One chat at Telegram, in memory, with faults on demand, and the live messages that are opened in it. Time is faked. */
import { GrammyError } from "grammy";
import { afterEach, beforeEach, vi } from "vitest";
import { createLiveMessage, type LiveMessageDeps } from "../../src/screen/live-message.ts";
import { createOutbox, type Outbox } from "../../src/screen/outbox.ts";
import type { Place } from "../../src/screen/place.ts";
import { textsFor } from "../../src/texts/texts.ts";
import { createScriptedLoop } from "./loop.ts";

export interface Call {
  readonly method: string;
  readonly chatId?: number;
  readonly id?: number;
  readonly text?: string;
  readonly options: Record<string, unknown>;
}

interface Shown {
  text: string;
  entities?: unknown;
  button: string | undefined;
}

export function telegramError(error_code: number, description: string, parameters = {}): GrammyError {
  return new GrammyError("refused", { ok: false, error_code, description, parameters }, "sendMessage", {});
}

const gone = () => telegramError(400, "Bad Request: message to edit not found");

export const long = (words: number) => Array.from({ length: words }, (_, i) => `word${i}`).join(" ");
export const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

/** Waits for the end while time goes on. */
export async function until<T>(work: Promise<T>): Promise<T> {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  work.then(mark, mark);
  for (let i = 0; i < 1000 && !settled; i++) await pass(10);
  return await work;
}

function buttonIn(options: Record<string, unknown>): string | undefined {
  const markup = options["reply_markup"] as { inline_keyboard: { callback_data: string }[][] } | undefined;
  return markup?.inline_keyboard[0]?.[0]?.callback_data;
}

function emptyScene() {
  return {
    calls: [] as Call[],
    /** What stands in the chat, as Telegram would show it. */
    chat: new Map<number, Shown>(),
    draft: undefined as string | undefined,
    /** Decides on each call before it is carried out: an error to throw, or nothing. */
    fault: (_call: Call): Error | undefined => undefined,
    saved: [] as (readonly [readonly number[], number | undefined])[],
    blocked: [] as number[],
    moved: [] as number[],
    warnings: [] as string[],
    refusedDrafts: [] as number[],
    draftsEnabled: false,
    firstTexts: 0,
    /** What the answer to a message that was sent says besides its id. */
    sentTo: {} as object,
    lastId: 100,
  };
}

/** To be called at the top of a file: each of its tests begins with an empty chat. */
export function createScreenScene() {
  const scene = { ...emptyScene(), loop: createScriptedLoop() };
  let outbox: Outbox;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.advanceTimersByTime(100_000);
    Object.assign(scene, emptyScene(), { loop: createScriptedLoop() });
    outbox = createOutbox({
      log: { warn: () => undefined },
      onCall: () => undefined,
      onHold: () => undefined,
      spacing: { privateEditMs: 11, groupEditMs: 31, draftMs: 4 },
      loop: scene.loop.loop,
    });
  });
  afterEach(() => {
    outbox.stop();
    vi.useRealTimers();
  });

  /** Makes a call as Telegram would: it takes a moment, it may fail, and it changes the chat. */
  async function carryOut<T>(call: Call, change: () => T): Promise<T> {
    scene.calls.push(call);
    await new Promise((resolve) => setTimeout(resolve, 1));
    const error = scene.fault(call);
    if (error !== undefined) throw error;
    if (call.method.startsWith("edit") && !scene.chat.has(call.id ?? 0)) throw gone();
    if (call.method === "deleteMessage" && !scene.chat.has(call.id ?? 0)) {
      throw telegramError(400, "Bad Request: message to delete not found");
    }
    return change();
  }

  function create(shown: Shown) {
    scene.lastId++;
    scene.chat.set(scene.lastId, shown);
    scene.draft = undefined;
    return { message_id: scene.lastId, ...scene.sentTo };
  }

  const api = {
    sendMessage: (chatId: number, text: string, options: Record<string, unknown>) =>
      carryOut({ method: "sendMessage", chatId, text, options }, () =>
        create({ text, entities: options["entities"], button: buttonIn(options) }),
      ),
    editMessageText: (chatId: number, id: number, text: string, options: Record<string, unknown>) =>
      carryOut({ method: "editMessageText", chatId, id, text, options }, () => {
        const next = { text, entities: options["entities"], button: buttonIn(options) };
        if (JSON.stringify(next) === JSON.stringify(scene.chat.get(id)))
          throw new Error("an edit that changes nothing was sent");
        scene.chat.set(id, next);
        return true;
      }),
    editMessageReplyMarkup: (chatId: number, id: number, options: Record<string, unknown>) =>
      carryOut({ method: "editMessageReplyMarkup", chatId, id, options }, () => {
        const former = scene.chat.get(id);
        if (former?.button === buttonIn(options)) throw new Error("a button that is there already was sent");
        if (former === undefined) return true;
        scene.chat.set(id, { ...former, button: buttonIn(options) });
        return { message_id: id, text: former.text, entities: former.entities };
      }),
    deleteMessage: (chatId: number, id: number) =>
      carryOut({ method: "deleteMessage", chatId, id, options: {} }, () => scene.chat.delete(id)),
    sendDocument: (chatId: number, _file: unknown, options: Record<string, unknown>) =>
      carryOut({ method: "sendDocument", chatId, options }, () => create({ text: "[file]", button: undefined })),
    sendChatAction: (chatId: number, _action: string, options: Record<string, unknown>) =>
      carryOut({ method: "sendChatAction", chatId, options }, () => true),
    sendMessageDraft: (chatId: number, id: number, text: string, options: Record<string, unknown>) =>
      carryOut({ method: "sendMessageDraft", chatId, id, text, options }, () => {
        scene.draft = text;
        return true;
      }),
  } as unknown as LiveMessageDeps["api"];

  return Object.assign(scene, {
    open(place: Partial<Place> = {}) {
      const { saved, blocked, moved, warnings, refusedDrafts } = scene;
      return createLiveMessage(
        {
          api,
          admitted: api,
          outbox,
          texts: textsFor("en"),
          log: { warn: (_, message) => void warnings.push(message), debug: () => undefined },
          work: (work) => work(),
          drafts: { enabled: () => scene.draftsEnabled, refused: (chatId) => void refusedDrafts.push(chatId) },
          saveMessages: async (messages, file) => void saved.push([messages, file]),
          onBlocked: async (chatId) => void blocked.push(chatId),
          onMoved: async (chatId) => void moved.push(chatId),
          onFirstText: () => scene.firstTexts++,
        },
        { chatId: 7, question: 50, run: 81, messages: [], resumed: true, ...place },
      );
    },
    all: (method: string) => scene.calls.filter((call) => call.method === method),
    messages: () => [...scene.chat.values()].map(({ text, button }) => [text, button]),
    /** Puts messages of a former run into the chat. */
    standing: (...shown: [string, string | undefined][]): number[] =>
      shown.map(([text, button]) => create({ text, button }).message_id),
  });
}

/** A message that goes before what is awaited: it says what is done, with Stop, and then quotes what was heard, or goes. */
import { type Api, GrammyError, HttpError } from "grammy";
import type { MessageEntity } from "grammy/types";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Activity } from "../chat/activity.ts";
import type { Rendered } from "../markdown/render.ts";
import type { Texts } from "../texts/texts.ts";
import { stopKeyboard } from "./buttons.ts";
import { type AnswerPlace, sendOptions } from "./place.ts";
import { splitRendered } from "./split.ts";
import { lineOf } from "./status-lines.ts";
import { classify } from "./telegram-errors.ts";

/** Its methods tolerate what Telegram refuses. */
export interface Forerunner {
  /** Shows what is waited for. Returns at once. */
  status(activity: Activity | undefined): void;
  /** Turns into a quotation. Resolves when that stands there. */
  quote(words: string): Promise<void>;
  /** Goes. Resolves when it is gone. */
  leave(): Promise<void>;
}

export interface ForerunnerDeps {
  readonly api: Pick<Api, "sendMessage" | "editMessageText" | "deleteMessage">;
  /** In the language of who asks. */
  readonly texts: Texts;
  readonly log: Pick<Logger, "debug">;
  /** What is done. */
  readonly says: string;
  /** Told the ids of all its messages, as soon as each exists. */
  keep(messages: readonly number[]): Promise<void>;
}

/** Longer words are folded. UTF-16 units. */
const longestUnfolded = 300;

/** Opens one, to the message of this place; it is sent at once, unless a run before has sent it. */
export function createForerunner(
  { api, texts, log, says, keep }: ForerunnerDeps,
  place: AnswerPlace,
  former: readonly number[] | undefined = [],
): Forerunner {
  let messages = former;
  let shown = says;
  let failed: { readonly error: unknown } | undefined;
  /** One call after the other. */
  let last: Promise<void> = Promise.resolve();

  /** What Telegram refuses is not worth the answer. */
  function queue(task: () => Promise<void>): Promise<void> {
    const run = last.then(async () => {
      try {
        await task();
      } catch (error) {
        if (error instanceof GrammyError || error instanceof HttpError) {
          if (classify(error) !== "unchanged")
            log.debug({ reason: messageOf(error) }, "a message that goes before another was not shown");
        } else failed ??= { error };
      }
    });
    last = run;
    return run;
  }

  /** Shows this in the message of this place, which is sent when there is none. */
  async function put(index: number, { text, entities }: Rendered, stop: boolean): Promise<void> {
    const more = {
      entities: entities as MessageEntity[],
      ...(stop ? { reply_markup: stopKeyboard(texts.labels, place) } : {}),
    };
    const id = messages[index];
    if (id !== undefined) {
      try {
        await api.editMessageText(place.chatId, id, text, more);
        return;
      } catch (error) {
        if (classify(error) !== "message-gone") throw error;
      }
    }
    await send(index, text, more);
  }

  async function send(index: number, text: string, more: Parameters<Api["sendMessage"]>[2]): Promise<void> {
    const sent = await api.sendMessage(place.chatId, text, { ...sendOptions(place), ...more });
    messages = messages.toSpliced(index, 1, sent.message_id);
    await keep(messages);
  }

  async function settled(task: () => Promise<void>): Promise<void> {
    await queue(task);
    if (failed !== undefined) throw failed.error;
  }

  if (messages.length === 0) {
    void queue(() => send(0, shown, { reply_markup: stopKeyboard(texts.labels, place) }));
  }

  return {
    status(activity) {
      const waits = activity === undefined || activity.kind === "thinking" ? [] : lineOf(texts, activity, 0);
      const [line = says] = waits;
      if (line === shown) return;
      shown = line;
      void queue(async () => {
        // A newer line may have come meanwhile.
        if (line === shown && messages.length > 0) await put(0, { text: line, entities: [] }, true);
      });
    },
    quote: (words) =>
      settled(async () => {
        const type = words.length > longestUnfolded ? "expandable_blockquote" : "blockquote";
        const parts = splitRendered({ text: words, entities: [{ type, offset: 0, length: words.length }] });
        for (const [index, part] of parts.entries()) await put(index, part, false);
      }),
    leave: () =>
      settled(async () => {
        const gone = messages;
        messages = [];
        for (const id of gone) await api.deleteMessage(place.chatId, id);
        if (gone.length > 0) await keep([]);
      }),
  };
}

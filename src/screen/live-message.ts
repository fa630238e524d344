/**
 * The live message: an answer in Telegram while it is written. Here is when a preview goes out, what a failed call means, and
 * that nothing follows the end.
 */
import { GrammyError, HttpError } from "grammy";
import { messageOf } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import type { Screen } from "../chat/turn.ts";
import { renderMarkdown } from "../markdown/render.ts";
import type { Texts } from "../texts/texts.ts";
import { createAnswerTarget, type Target } from "./answer-target.ts";
import type { Pace } from "./chat-gate.ts";
import { createDrafting } from "./drafting.ts";
import { createMessageParts, type MessageApi } from "./message-parts.ts";
import type { Outbox } from "./outbox.ts";
import { type Place, sendOptions } from "./place.ts";
import { type AfterFailure, startPreviews } from "./preview-loop.ts";
import { classify } from "./telegram-errors.ts";
import { startTyping } from "./typing.ts";

/** Failed drafts in a row after which the answer goes on by edits. */
const draftStrikes = 3;

export interface LiveMessageDeps {
  readonly api: MessageApi;
  /** The same for calls that the outbox has admitted. */
  readonly admitted: MessageApi;
  readonly outbox: Outbox;
  /** In the language of who asks. */
  readonly texts: Texts;
  readonly log: { warn(details: object, message: string): void; debug(details: object, message: string): void };
  /** Whether drafts may be tried; told when Telegram refuses them, so that nobody tries again. */
  readonly drafts: { enabled(chatId: number): boolean; refused(chatId: number): void };
  /** Stands around rendering. */
  readonly work: Work;
  /** Stores the ids of the messages, right after each exists. */
  saveMessages(messages: readonly number[], file: number | undefined): Promise<void>;
  /** The chat refuses our messages (403). */
  onBlocked(chatId: number): Promise<void>;
  /** The group has become the supergroup with this id; the answer goes on there. */
  onMoved(chatId: number): Promise<void>;
  /** The first text of the answer stands on the screen. */
  onFirstText(): void;
}

/** Opens the screen of one run of a turn. It begins to type at once. */
export function createLiveMessage(deps: LiveMessageDeps, place: Place): Screen {
  const { api, admitted, outbox, texts, log } = deps;
  const answer = createAnswerTarget(texts, place.chatId);
  const messages = createMessageParts(deps, place);
  const gone = new AbortController();
  const drafting = createDrafting(place.chatId > 0 && !messages.any && deps.drafts.enabled(place.chatId), () => {
    messages.forgetDraft();
    previews.changed();
  });
  let needsStopButton = messages.any && !place.resumed;
  /** What the call before was for; a newer text may have come while it was on its way. */
  let attempted: Target | undefined;
  let ended = false;
  let finishing = false;
  let firstTextShown = false;

  const target = (): Target => answer.target(drafting.active, messages.any);

  /** One call towards what should stand there; false when it does. */
  async function step(through: MessageApi): Promise<boolean> {
    if (needsStopButton && !answer.begun && !finishing) {
      needsStopButton = false;
      attempted = undefined;
      await messages.setLastButton("stop", through);
      return true;
    }
    const wanted = deps.work(target);
    attempted = wanted;
    const acted = await deps.work(() => messages.step(wanted, through));
    if (acted && wanted.drafting) drafting.shown();
    if (acted && !firstTextShown && answer.notice === undefined) {
      firstTextShown = true;
      deps.onFirstText();
    }
    return acted;
  }

  /** Decides what follows from a failed call. */
  async function survive(error: unknown, failures = 0): Promise<AfterFailure> {
    switch (classify(error)) {
      case "unchanged":
        messages.markUnchanged(attempted ?? deps.work(target));
        return "at-once";
      case "message-gone":
        await messages.markGone(attempted ?? deps.work(target));
        return "at-once";
      case "blocked":
        await deps.onBlocked(messages.place.chatId);
        gone.abort();
        return "never";
      case "held":
        // The next preview waits for the hold, and carries a newer text.
        return "at-once";
      case "transport":
        if (failures + 1 >= draftStrikes) drafting.giveUp();
        return "after-pause";
      case "moved":
        await messages.moveTo((error as GrammyError).parameters.migrate_to_chat_id ?? messages.place.chatId);
        return "at-once";
      case "topic-gone":
        if (await messages.leaveTopic()) return "at-once";
        log.warn({ reason: messageOf(error) }, "the topic is closed or gone, and the chat takes no message without it");
        gone.abort();
        return "never";
      case "refused":
        return surviveRefusal(messageOf(error));
      case "unknown":
        // Not Telegram's: the end will meet it again, and report it.
        log.warn({ reason: messageOf(error) }, "the previews of an answer ended early");
        return "never";
    }
  }

  function surviveRefusal(reason: string): AfterFailure {
    if (drafting.active && !finishing) {
      drafting.giveUp();
      deps.drafts.refused(messages.place.chatId);
      log.warn({ reason }, "Telegram refused a draft; answers in this chat are edited messages from now on");
      return "at-once";
    }
    const again = answer.plainFrom(messages.nextPart(attempted ?? deps.work(target)) ?? 0);
    log.warn(
      { reason },
      again ? "Telegram refused a message; it goes out as plain text" : "Telegram takes no message here",
    );
    if (!again) gone.abort();
    return again ? "at-once" : "never";
  }

  function pace(): Pace {
    if (drafting.active) return firstTextShown ? "draft" : "now";
    return firstTextShown || (messages.any && !needsStopButton) ? "edit" : "now";
  }

  async function type(): Promise<void> {
    if (firstTextShown) return typing.stop();
    const { chatId, threadId } = messages.place;
    try {
      await api.sendChatAction(chatId, "typing", sendOptions({ threadId }));
    } catch (error) {
      if (classify(error) === "blocked" && !ended) await survive(error);
      else log.debug({ reason: messageOf(error) }, "a typing action failed");
    }
  }

  const typing = startTyping(type);
  const previews = startPreviews(
    { outbox, chatId: () => messages.place.chatId, pace, step: () => step(admitted), survive },
    needsStopButton,
  );

  async function endPreviews(): Promise<void> {
    ended = true;
    typing.stop();
    await previews.end();
    drafting.stop();
  }

  return {
    gone: gone.signal,
    waiting(provider) {
      if (answer.begun) return;
      answer.announce(texts.waiting(provider));
      previews.changed();
    },
    show(text) {
      answer.show(text);
      previews.changed();
    },
    async finish(final) {
      await endPreviews();
      finishing = true;
      answer.finish(final);
      while (!gone.signal.aborted) {
        try {
          if (!(await step(api))) return;
        } catch (error) {
          // The outbox has repeated what could be repeated.
          if (!(error instanceof GrammyError) || error.error_code >= 500) throw error;
          await survive(error);
        }
      }
    },
    async leave(button) {
      await endPreviews();
      if (button === undefined || gone.signal.aborted) return;
      try {
        await messages.setLastButton(button, api);
      } catch (error) {
        if (!(error instanceof GrammyError) && !(error instanceof HttpError)) throw error;
        log.debug({ reason: messageOf(error) }, "a button could not be changed");
      }
    },
  };
}

/** Whether a reader would see anything of this Markdown. */
export function isVisible(markdown: string): boolean {
  // Behind marks of headings, lists, quotes and emphasis a letter is always shown; nearly every answer begins like this.
  if (/^[\s#>*_~+-]*\p{L}/u.test(markdown)) return true;
  const invisible = /\p{C}|\p{Z}|\s|\p{Variation_Selector}|\u{2800}|\u{3164}|\u{115f}|\u{1160}|\u{ffa0}/gu;
  const shows = (text: string) => renderMarkdown(text).text.replace(invisible, "") !== "";
  return shows(markdown.slice(0, 200)) || (markdown.length > 200 && shows(markdown));
}

/**
 * The live message: an answer in Telegram while it is written. Here is its pace: when a preview goes out, what a failed call
 * means, and that nothing follows the end.
 */
import { GrammyError, HttpError } from "grammy";
import { messageOf } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import type { FinalView, Screen } from "../chat/turn.ts";
import { createStreamRenderer, type Rendered, renderMarkdown } from "../markdown/render.ts";
import { texts } from "../texts/english.ts";
import type { Pace } from "./chat-gate.ts";
import { createMessageParts, type MessageApi, type Target } from "./message-parts.ts";
import type { Outbox } from "./outbox.ts";
import type { Place } from "./place.ts";
import { createAnswerSplitter, finalParts, plainFrom, renderOptionsFor } from "./shown-parts.ts";
import { classify } from "./telegram-errors.ts";

/** Telegram forgets a draft after 30 s. */
const draftKeepAliveMs = 20_000;
/** A typing action is shown for 5 s. */
const typingEveryMs = 4_000;
/** Failed drafts in a row after which the answer goes on by edits. */
const draftStrikes = 3;

export interface LiveMessageDeps {
  readonly api: MessageApi;
  /** The same for calls that the outbox has admitted. */
  readonly admitted: MessageApi;
  readonly outbox: Outbox;
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
  const { api, admitted, outbox, log } = deps;
  const renderer = createStreamRenderer(renderOptionsFor(place.chatId));
  const split = createAnswerSplitter();
  const messages = createMessageParts(deps, place);
  const gone = new AbortController();
  const previews = new AbortController();
  let drafting = place.chatId > 0 && !messages.any && deps.drafts.enabled(place.chatId);
  let needsStopButton = messages.any && !place.resumed;
  let markdown = "";
  let notice: string | undefined;
  let view: FinalView | undefined;
  let finalTarget: Target | undefined;
  /** What the call before was for; a newer text may have come while it was on its way. */
  let attempted: Target | undefined;
  let dirty = needsStopButton;
  let ended = false;
  let firstTextShown = false;
  let failures = 0;
  /** From this part on without entities: Telegram refused them. */
  let plainPart: number | undefined;
  let wake: (() => void) | undefined;
  let keepAlive: NodeJS.Timeout | undefined;

  function target(): Target {
    if (view !== undefined) {
      finalTarget ??= {
        parts: settled(finalParts(view, renderer.renderFinal(view.markdown), split)),
        view,
        drafting: false,
      };
      return finalTarget;
    }
    if (notice !== undefined) return { parts: messages.any ? [] : [{ text: notice, entities: [] }], drafting };
    const rendered = renderer.render(markdown);
    return { parts: /\S/u.test(rendered.text) ? settled(split(rendered)) : [], drafting };
  }

  function settled(parts: readonly Rendered[]): readonly Rendered[] {
    return plainPart === undefined ? parts : plainFrom(parts, plainPart);
  }

  /** One call towards what should stand there; false when it does. */
  async function step(through: MessageApi): Promise<boolean> {
    if (needsStopButton && markdown === "" && view === undefined) {
      needsStopButton = false;
      attempted = undefined;
      await messages.setLastButton("stop", through);
      return true;
    }
    const wanted = deps.work(target);
    attempted = wanted;
    const acted = await deps.work(() => messages.step(wanted, through));
    if (acted && wanted.drafting) keepDraftAlive();
    if (acted && !firstTextShown && notice === undefined) {
      firstTextShown = true;
      deps.onFirstText();
    }
    return acted;
  }

  function keepDraftAlive(): void {
    clearTimeout(keepAlive);
    keepAlive = setTimeout(() => {
      messages.forgetDraft();
      changed();
    }, draftKeepAliveMs);
  }

  /** Decides what follows from a failed call: true to go on, false when there is nothing more to be done here. */
  async function survive(error: unknown): Promise<boolean> {
    switch (classify(error)) {
      case "unchanged":
        messages.markUnchanged(attempted ?? deps.work(target));
        return true;
      case "message-gone":
        await messages.markGone(attempted ?? deps.work(target));
        return true;
      case "blocked":
        await deps.onBlocked(messages.place.chatId);
        gone.abort();
        return false;
      case "held":
        // The next preview waits for the hold, and carries a newer text.
        return true;
      case "transport":
        failures += 1;
        if (failures >= draftStrikes) drafting = false;
        return true;
      case "moved":
        await messages.moveTo((error as GrammyError).parameters.migrate_to_chat_id ?? messages.place.chatId);
        return true;
      case "topic-gone":
        if (await messages.leaveTopic()) return true;
        log.warn({ reason: messageOf(error) }, "the topic is closed or gone, and the chat takes no message without it");
        gone.abort();
        return false;
      case "refused":
        return surviveRefusal(messageOf(error));
      case "unknown":
        // Not Telegram's: the end will meet it again, and report it.
        log.warn({ reason: messageOf(error) }, "the previews of an answer ended early");
        return false;
    }
  }

  function surviveRefusal(reason: string): boolean {
    if (drafting && view === undefined) {
      drafting = false;
      deps.drafts.refused(messages.place.chatId);
      log.warn({ reason }, "Telegram refused a draft; answers in this chat are edited messages from now on");
      return true;
    }
    const refused = messages.nextPart(attempted ?? deps.work(target)) ?? 0;
    const again = plainPart === undefined || refused < plainPart;
    if (again) {
      plainPart = refused;
      finalTarget = undefined;
    }
    log.warn(
      { reason },
      again ? "Telegram refused a message; it goes out as plain text" : "Telegram takes no message here",
    );
    if (!again) gone.abort();
    return again;
  }

  function changed(): void {
    dirty = true;
    wake?.();
  }

  function pace(): Pace {
    if (drafting) return firstTextShown ? "draft" : "now";
    return firstTextShown || (messages.any && !needsStopButton) ? "edit" : "now";
  }

  async function preview(): Promise<void> {
    while (!ended) {
      if (!dirty) {
        await sleep(undefined);
        continue;
      }
      try {
        // Rendering waits until the call may be made: the latest text wins.
        const acted = await outbox.run(messages.place.chatId, pace(), previewStep, previews.signal);
        dirty ||= acted;
        if (acted) failures = 0;
      } catch (error) {
        if (ended || !(await survive(error))) return;
        dirty = true;
        if (failures > 0) await sleep(Math.min(500 * 2 ** (failures - 1), 8_000));
      }
    }
  }

  function previewStep(): Promise<boolean> {
    dirty = false;
    return step(admitted);
  }

  /** Until the text changes, or for a time that only the end cuts short. */
  function sleep(milliseconds: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
      wake = () => {
        if (milliseconds !== undefined && !ended) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function type(): Promise<void> {
    const { chatId, threadId } = messages.place;
    try {
      await api.sendChatAction(chatId, "typing", threadId === undefined ? {} : { message_thread_id: threadId });
    } catch (error) {
      if (classify(error) === "blocked" && !ended) await survive(error);
      else log.debug({ reason: messageOf(error) }, "a typing action failed");
    }
  }

  void type();
  const typing = setInterval(() => {
    if (firstTextShown || ended) clearInterval(typing);
    else void type();
  }, typingEveryMs);
  const previewing = preview();

  /** Ends the previews: one that waits gives way, one on its way is waited for, so that nothing follows the end. */
  async function endPreviews(): Promise<void> {
    ended = true;
    clearInterval(typing);
    clearTimeout(keepAlive);
    previews.abort();
    wake?.();
    await previewing;
    clearTimeout(keepAlive);
  }

  return {
    gone: gone.signal,
    waiting(provider) {
      if (markdown !== "") return;
      notice = texts.waiting(provider);
      changed();
    },
    show(text) {
      notice = undefined;
      markdown = text;
      changed();
    },
    async finish(final) {
      await endPreviews();
      notice = undefined;
      view = final;
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

/**
 * The live message: an answer in Telegram while it is being written. This file decides when a preview goes out, and that nothing
 * follows the end.
 */

import { GrammyError, HttpError } from "grammy";
import { isVisible } from "../base/characters.ts";
import { messageOf } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { FinalView, Screen } from "../chat/turn.ts";
import { renderMarkdown } from "../markdown/render.ts";
import { linesOf, type Texts } from "../texts/texts.ts";
import { createAnswerTarget, type Target } from "./answer-target.ts";
import { keyboardBelow } from "./buttons.ts";
import type { Pace } from "./chat-gate.ts";
import { createDrafting } from "./drafting.ts";
import { endBelow, type MessageEnd } from "./end-below.ts";
import { createFailedCalls, type FailedCallsDeps } from "./failed-calls.ts";
import { createMessageParts, type MessageApi } from "./message-parts.ts";
import type { Outbox } from "./outbox.ts";
import { type Place, sendOptions } from "./place.ts";
import { startPreviews } from "./preview-loop.ts";
import { formerParts, withoutNotes } from "./shown-parts.ts";
import { createStatusLines, withoutStatus } from "./status-lines.ts";
import { classify } from "./telegram-errors.ts";
import { startTyping } from "./typing.ts";

export interface LiveMessageDeps extends FailedCallsDeps {
  readonly api: MessageApi;
  /** The same for calls that the outbox has admitted. */
  readonly admitted: MessageApi;
  readonly outbox: Outbox;
  /** In the language of who asks. */
  readonly texts: Texts;
  readonly log: Pick<Logger, "warn" | "debug">;
  /** Whether drafts may be tried. */
  readonly drafts: FailedCallsDeps["drafts"] & { enabled(chatId: number): boolean };
  /** Stands around rendering. */
  readonly work: Work;
  /** Stores the ids of the messages, right after each exists. */
  saveMessages(messages: readonly number[], file: number | undefined): Promise<void>;
  /** The group has become the supergroup with this id; the answer goes on there. */
  onMoved(chatId: number): Promise<void>;
  /** The first text of the answer stands on the screen. */
  onFirstText(): void;
}

/** Opens the screen of one run of a turn. It begins to type at once. */
export function createLiveMessage(deps: LiveMessageDeps, place: Place): Omit<Screen, "picture" | "removePicture"> {
  const { api, admitted, outbox, texts, log } = deps;
  const answer = createAnswerTarget(texts, place.chatId);
  const standing = formerParts(texts, place);
  const messages = createMessageParts(deps, place, standing);
  /** What stands above the status lines. */
  let former = standing && withoutNotes(texts, standing, place.shown?.notes);
  const gone = new AbortController();
  const again = messages.last !== undefined;
  const drafting = createDrafting(place.chatId > 0 && !again && deps.drafts.enabled(place.chatId), () => {
    messages.forgetDraft();
    previews.changed();
  });
  let needsStopButton = again && !place.resumed;
  /** Telegram tells what a message shows when its button is changed; further ones may stand above it, which it does not tell. */
  let tellable = former === undefined && place.messages.length === 1;
  /** What the call before was for; a newer text may have come while it was on its way. */
  let attempted: Target | undefined;
  let ended = false;
  let finishing = false;
  let firstTextShown = false;
  /** What was shown last: something that can be stopped, and more than status lines. */
  let [stoppable, flowing] = [again, false];

  function target(): Target {
    if (messages.last === undefined) former = [];
    return answer.target(drafting.active, status.lines, former);
  }

  /** One call towards what should stand there; false when it does. */
  async function step(through: MessageApi): Promise<boolean> {
    const asks = needsStopButton || (tellable && status.lines.length > 0);
    if (asks && !answer.begun && !finishing) {
      const learns = tellable;
      [needsStopButton, tellable, attempted] = [false, false, undefined];
      const standing = await messages.setStop(through);
      if (learns && standing !== undefined) former = [{ ...standing, text: withoutStatus(standing.text) }];
      return true;
    }
    const wanted = deps.work(target);
    attempted = wanted;
    const acted = await deps.work(() => messages.step(wanted, through));
    if (!acted) return false;
    if (wanted.drafting) drafting.shown();
    stoppable = true;
    flowing = !wanted.status;
    if (flowing && !firstTextShown) {
      firstTextShown = true;
      deps.onFirstText();
    }
    return true;
  }

  const survive = createFailedCalls(deps, {
    messages,
    answer,
    drafting,
    attempted: () => attempted ?? deps.work(target),
    finishing: () => finishing,
    giveUp,
  });

  /** Nothing more can be shown. */
  function giveUp(): void {
    typing.stop();
    status.clear();
    gone.abort();
  }

  /** Neither the first text waits for spacing, nor text after status lines, nor what there is to press, and once only. */
  function pace(): Pace {
    const urgent = needsStopButton || (answer.begun && status.lines.length === 0 ? !flowing : !stoppable);
    return urgent ? "now" : drafting.active ? "draft" : "edit";
  }

  async function type(): Promise<void> {
    if (firstTextShown) return typing.stop();
    // A draft is a typing action itself.
    if (drafting.active && stoppable) return;
    const { chatId, threadId } = messages.place;
    try {
      await api.sendChatAction(chatId, "typing", sendOptions({ threadId }));
    } catch (error) {
      if (classify(error) === "blocked" && !ended) await survive(error);
      else log.debug({ reason: messageOf(error) }, "a typing action failed");
    }
  }

  const status = createStatusLines({
    texts,
    group: place.chatId < 0,
    late: outbox.late,
    onChange: () => previews.changed(),
  });
  const typing = startTyping(type);
  const previews = startPreviews(
    { outbox, chatId: () => messages.place.chatId, pace, step: () => step(admitted), survive },
    needsStopButton,
  );

  async function endPreviews(): Promise<void> {
    ended = true;
    typing.stop();
    status.clear();
    await previews.end();
    drafting.stop();
  }

  return {
    gone: gone.signal,
    status(activity) {
      if (ended) return;
      if (activity !== undefined) return status.begin(activity);
      status.clear();
      previews.changed();
    },
    show(text) {
      // Some models begin with an empty line, and think on.
      if (/\S/u.test(text)) status.clear();
      answer.show(text);
      previews.changed();
    },
    finish,
    async leave(button, notes) {
      await endPreviews();
      const { last } = messages;
      if ((button ?? notes) === undefined || gone.signal.aborted) return;
      // Nothing more is to be shown.
      if (notes === undefined && (last === undefined || messages.endsWith(button))) return;
      const said = notes ?? place.shown?.notes ?? [];
      const keyboard = keyboardBelow(texts.labels, button, messages.place, said);
      const end = { keyboard, note: linesOf(texts, said), otherwise: texts.stopped };
      try {
        if (last !== undefined && (await endLast(last, end))) return;
      } catch (error) {
        if (!isTolerable(error, notes === undefined)) throw error;
        log.debug({ reason: messageOf(error) }, "a message could not be given its end");
        // What stands there, whatever it is, is better than a line in the place of an answer.
        if (classify(error) === "unchanged") return;
      }
      if (notes !== undefined) await finish({ markdown: "", notes, button });
    },
  };

  /** The button that a delivery before has put there, cut short before the text, is put there again: Telegram tells the text. */
  async function endLast(last: number, end: MessageEnd): Promise<boolean> {
    const attempt = () => endBelow(api, messages.place.chatId, last, end);
    try {
      return await attempt();
    } catch (error) {
      if (classify(error) !== "unchanged") throw error;
      await messages.setStop(api);
      return await attempt();
    }
  }

  async function finish(view: FinalView): Promise<void> {
    await endPreviews();
    finishing = true;
    answer.finish(view);
    while (!gone.signal.aborted) {
      try {
        if (!(await step(api))) return;
      } catch (error) {
        // The outbox has repeated what could be repeated.
        if (!(error instanceof GrammyError) || error.error_code >= 500) throw error;
        await survive(error);
      }
    }
  }
}

/** Whether an end may go without: what Telegram refuses is told in another message, a mere button is worth no repetition. */
function isTolerable(error: unknown, buttonAlone: boolean): boolean {
  if (error instanceof GrammyError && error.error_code < 500) return true;
  return buttonAlone && (error instanceof GrammyError || error instanceof HttpError);
}

/** What of this Markdown can be said aloud: its words, without blocks of code. */
export function plainWords(markdown: string): string {
  const { text, entities } = renderMarkdown(markdown);
  const code = entities.filter(({ type }) => type === "pre").sort((a, b) => b.offset - a.offset);
  return code.reduce((left, { offset, length }) => left.slice(0, offset) + left.slice(offset + length), text).trim();
}

/** Whether a reader would see anything of this Markdown. */
export function showsAnything(markdown: string): boolean {
  // Behind marks of headings, lists, quotes and emphasis a letter is always shown; nearly every answer begins like this.
  if (/^[\s#>*_~+-]*\p{L}/u.test(markdown)) return true;
  const shows = (text: string) => isVisible(renderMarkdown(text).text);
  return shows(markdown.slice(0, 200)) || (markdown.length > 200 && shows(markdown));
}

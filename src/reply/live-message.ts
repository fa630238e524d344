/**
 * The live message: an answer in Telegram while it is written. It keeps a list of parts, each a message of at most 4096
 * characters, compares what stands there with what should, and makes one call at a time until both agree.
 */
import { type Api, GrammyError, HttpError, InputFile } from "grammy";
import type { InlineKeyboardMarkup, MessageEntity } from "grammy/types";
import type { FinalView, Screen } from "../chat/turn.ts";
import { messageOf } from "../errors.ts";
import { texts } from "../texts.ts";
import { againKeyboard, stopKeyboard } from "./buttons.ts";
import { createStreamRenderer, type Rendered, renderMarkdown } from "./markdown.ts";
import type { Outbox, Pace } from "./outbox.ts";
import { splitRendered } from "./split.ts";
import { classify } from "./telegram-errors.ts";

/** Past this many messages the whole answer is attached as a file besides. */
const partsWithoutFile = 5;
/** Telegram forgets a draft after 30 s. */
const draftKeepAliveMs = 20_000;
/** A typing action is shown for 5 s. */
const typingEveryMs = 4_000;

export interface LiveMessageDeps {
  readonly api: Pick<
    Api,
    | "sendMessage"
    | "editMessageText"
    | "editMessageReplyMarkup"
    | "deleteMessage"
    | "sendDocument"
    | "sendChatAction"
    | "sendMessageDraft"
  >;
  readonly outbox: Outbox;
  readonly log: { warn(details: object, message: string): void; debug(details: object, message: string): void };
  /** Whether drafts may be tried; told when Telegram refuses them, so that nobody tries again. */
  readonly drafts: { enabled(chatId: number): boolean; refused(chatId: number): void };
  /** Stores the ids of the messages, right after each exists. */
  saveMessages(messages: readonly number[], file: number | undefined): Promise<void>;
  /** The chat refuses our messages (403). */
  onBlocked(chatId: number): Promise<void>;
  /** The first text of the answer stands on the screen. */
  onFirstText(): void;
}

/** Where an answer goes, and what stands there already. */
export interface Place {
  readonly chatId: number;
  readonly threadId?: number;
  /** The first message answers this one. */
  readonly replyTo?: number;
  readonly question: number;
  /** Names this run in its Stop button and as the id of its draft. */
  readonly run: number;
  /** Messages of a former run or delivery, to be written into. */
  readonly messages: readonly number[];
  readonly file?: number;
  /** What these messages show, when that is known. */
  readonly shown?: FinalView;
  /** The messages carry this run's own Stop button already. */
  readonly resumed: boolean;
}

type Button = "none" | "stop" | "regenerate" | "retry";

interface Part {
  /** Left out until the message exists. */
  id?: number;
  /** What stands there: text and entities as one string; left out when that is not known. */
  shown?: string;
  button?: Button;
}

/** Opens the screen of one run of a turn. It begins to type at once. */
export function createLiveMessage(deps: LiveMessageDeps, place: Place): Screen {
  const { api, outbox } = deps;
  const { chatId } = place;
  const renderer = createStreamRenderer();
  const gone = new AbortController();
  const previews = new AbortController();
  const parts: Part[] = partsOf(place);
  const draftId = place.run;
  let drafting = chatId > 0 && parts.length === 0 && deps.drafts.enabled(chatId);
  let markdown = "";
  let notice: string | undefined;
  let view: FinalView | undefined;
  let ended = false;
  let plain = false;
  let firstTextShown = false;
  let draftShown: string | undefined;
  let failures = 0;
  let file = place.file;
  let awaitingStopButton = parts.length > 0 && !place.resumed;
  let dirty = awaitingStopButton;
  let wake: (() => void) | undefined;
  let keepAliveTimer: NodeJS.Timeout | undefined;

  // === What should stand there ======================================================================

  function wanted(): Rendered[] {
    if (view !== undefined) return splitRendered(withNote(renderMarkdown(view.markdown), view.note));
    if (notice !== undefined) return parts.some((part) => part.id !== undefined) ? [] : [{ text: notice, entities: [] }];
    const rendered = renderer.render(markdown);
    return /\S/u.test(rendered.text) ? splitRendered(rendered) : [];
  }

  function buttonOf(index: number, count: number): Button {
    if (index !== count - 1) return "none";
    return view === undefined ? "stop" : (view.button ?? "none");
  }

  function keyboardOf(button: Button): InlineKeyboardMarkup | undefined {
    if (button === "stop") return stopKeyboard(place.run);
    return button === "none" ? undefined : againKeyboard(button, place.question);
  }

  // === One call =====================================================================================

  /** Makes the call that brings the chat closer to what should stand there; false when there is nothing to do. */
  async function step(permit: AbortSignal | undefined): Promise<boolean> {
    const signal = permit as Parameters<Api["sendMessage"]>[3];
    if (awaitingStopButton && markdown === "" && view === undefined) {
      awaitingStopButton = false;
      await setButton(parts.length - 1, "stop", signal);
      return true;
    }
    const target = wanted();
    const index = nextPart(target);
    if (index === undefined) return await tidy(target.length, signal);
    const rendered = target[index];
    if (rendered === undefined) return false;
    if (drafting && view === undefined && index === target.length - 1) return await draft(rendered, signal);
    await put(index, rendered, buttonOf(index, target.length), signal);
    return true;
  }

  /** Earlier parts must be whole before a new one is sent; among those that exist, the newest text goes first. */
  function nextPart(target: readonly Rendered[]): number | undefined {
    const changed = target.flatMap((rendered, index) => (differs(index, rendered, target.length) ? [index] : []));
    const missing = target.findIndex((_, index) => parts[index]?.id === undefined);
    return missing === -1 ? changed.at(-1) : changed[0];
  }

  function differs(index: number, rendered: Rendered, count: number): boolean {
    if (drafting && view === undefined && index === count - 1) return keyOf(rendered) !== draftShown;
    const part = parts[index];
    return part?.id === undefined || part.shown !== keyOf(rendered) || part.button !== buttonOf(index, count);
  }

  async function put(index: number, rendered: Rendered, button: Button, signal: Parameters<Api["sendMessage"]>[3]) {
    const { text } = rendered;
    const keyboard = keyboardOf(button);
    const options = {
      ...(plain || rendered.entities.length === 0 ? {} : { entities: [...rendered.entities] as MessageEntity[] }),
      link_preview_options: { is_disabled: true },
      ...(keyboard === undefined ? {} : { reply_markup: keyboard }),
    };
    const part = parts[index];
    if (part?.id === undefined) {
      const reply = index === 0 && place.replyTo !== undefined;
      const sent = await api.sendMessage(
        chatId,
        text,
        {
          ...options,
          ...thread(),
          ...(reply ? { reply_parameters: { message_id: place.replyTo, allow_sending_without_reply: true } } : {}),
        },
        signal,
      );
      parts[index] = { id: sent.message_id };
      await saveMessages();
    } else if (part.shown === keyOf(rendered)) {
      await setButton(index, button, signal);
    } else {
      await api.editMessageText(chatId, part.id, text, options, signal);
    }
    Object.assign(parts[index] ?? {}, { shown: keyOf(rendered), button });
    // A message of ours removes the draft, so the next one is shown anew.
    draftShown = undefined;
    noteFirstText();
  }

  async function draft(rendered: Rendered, signal: Parameters<Api["sendMessage"]>[3]): Promise<boolean> {
    const entities = plain ? {} : { entities: [...rendered.entities] as MessageEntity[] };
    await api.sendMessageDraft(chatId, draftId, rendered.text, { ...entities, ...thread(), can_stop: true }, signal);
    draftShown = keyOf(rendered);
    noteFirstText();
    clearTimeout(keepAliveTimer);
    keepAliveTimer = setTimeout(() => {
      draftShown = undefined;
      changed();
    }, draftKeepAliveMs);
    return true;
  }

  async function setButton(index: number, button: Button, signal: Parameters<Api["sendMessage"]>[3]) {
    const part = parts[index];
    if (part?.id === undefined) return;
    const keyboard = keyboardOf(button);
    await api.editMessageReplyMarkup(
      chatId,
      part.id,
      keyboard === undefined ? {} : { reply_markup: keyboard },
      signal,
    );
    part.button = button;
  }

  /** What is left of a longer former answer: without a button while we write, deleted at the end. */
  async function tidy(count: number, signal: Parameters<Api["sendMessage"]>[3]): Promise<boolean> {
    if (count === 0) return false;
    if (view === undefined) {
      const stale = parts.findIndex((part, index) => index >= count && part.id !== undefined && part.button !== "none");
      if (stale === -1) return false;
      if (parts[stale]?.button === undefined) Object.assign(parts[stale] ?? {}, { button: "none" });
      else await setButton(stale, "none", signal);
      return true;
    }
    const left = parts.length > count ? parts.at(-1) : undefined;
    if (left !== undefined) {
      if (left.id !== undefined) await api.deleteMessage(chatId, left.id, signal);
      parts.pop();
      await saveMessages();
      return true;
    }
    return await attachFile(count, signal);
  }

  async function attachFile(count: number, signal: Parameters<Api["sendMessage"]>[3]): Promise<boolean> {
    if (file !== undefined && file !== place.file) return false;
    if (file !== undefined) {
      const former = file;
      file = undefined;
      await saveMessages();
      await api.deleteMessage(chatId, former, signal);
      return true;
    }
    if (count <= partsWithoutFile || view === undefined) return false;
    const document = new InputFile(Buffer.from(view.markdown), "answer.md");
    const sent = await api.sendDocument(chatId, document, { caption: texts.wholeAnswer, ...thread() }, signal);
    file = sent.message_id;
    await saveMessages();
    return true;
  }

  function thread(): { message_thread_id?: number } {
    return place.threadId === undefined ? {} : { message_thread_id: place.threadId };
  }

  async function saveMessages(): Promise<void> {
    await deps.saveMessages(
      parts.flatMap((part) => part.id ?? []),
      file,
    );
  }

  function noteFirstText(): void {
    if (firstTextShown || notice !== undefined) return;
    firstTextShown = true;
    deps.onFirstText();
  }

  // === What a failure means =========================================================================

  /** Decides what follows from a failed call: true to go on trying, false when the chat is out of reach. */
  async function survive(error: unknown): Promise<boolean> {
    const verdict = classify(error);
    const target = wanted();
    const index = nextPart(target);
    if (verdict === "unchanged") {
      const rendered = index === undefined ? undefined : target[index];
      const part = index === undefined ? undefined : parts[index];
      if (part !== undefined && rendered !== undefined && index !== undefined) {
        Object.assign(part, { shown: keyOf(rendered), button: buttonOf(index, target.length) });
      }
      return true;
    }
    if (verdict === "message-gone") {
      if (index === undefined) parts.splice(target.length);
      else delete parts[index]?.id;
      return true;
    }
    if (verdict === "blocked") {
      await deps.onBlocked(chatId);
      gone.abort();
      return false;
    }
    if (drafting && view === undefined && (verdict === "refused" || failures >= 3)) {
      drafting = false;
      if (verdict === "refused") deps.drafts.refused(chatId);
      return true;
    }
    if (verdict === "refused") {
      if (!plain) {
        plain = true;
        deps.log.warn({ reason: messageOf(error) }, "Telegram refused a message; it is sent as plain text");
        return true;
      }
      deps.log.warn({ reason: messageOf(error) }, "Telegram refused a message for good");
      gone.abort();
      return false;
    }
    if (verdict === "unknown") {
      // Not Telegram's: the end will meet it again, and report it.
      deps.log.warn({ reason: messageOf(error) }, "previews of an answer ended early");
      return false;
    }
    // Held after a 429, or failed in transport: the next preview carries a newer text.
    failures += verdict === "transport" ? 1 : 0;
    return true;
  }

  // === Previews =====================================================================================

  function changed(): void {
    dirty = true;
    wake?.();
  }

  function nextPace(): Pace {
    if (drafting) return firstTextShown ? "draft" : "now";
    const shownBefore = parts.some((part) => part.id !== undefined);
    return firstTextShown || (shownBefore && markdown !== "") ? "edit" : "now";
  }

  async function preview(): Promise<void> {
    while (!ended) {
      if (!dirty) {
        await sleep(undefined);
        continue;
      }
      try {
        // Rendering waits until the call may be made: the latest text wins.
        const acted = await outbox.run(
          chatId,
          nextPace(),
          (permit) => {
            dirty = false;
            return step(permit);
          },
          previews.signal,
        );
        if (acted) {
          dirty = true;
          failures = 0;
        }
      } catch (error) {
        if (ended || !(await survive(error))) return;
        dirty = true;
        if (failures > 0) await sleep(Math.min(500 * 2 ** (failures - 1), 8_000));
      }
    }
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
    try {
      await api.sendChatAction(chatId, "typing", thread());
    } catch (error) {
      if (classify(error) === "blocked" && !ended) {
        await deps.onBlocked(chatId);
        gone.abort();
      } else deps.log.debug({ reason: messageOf(error) }, "a typing action failed");
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
    clearTimeout(keepAliveTimer);
    previews.abort();
    changed();
    await previewing;
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
      for (let attempt = 0; !gone.signal.aborted; attempt++) {
        try {
          if (!(await step(undefined))) return;
        } catch (error) {
          if (!(error instanceof GrammyError) || attempt > 200) throw error;
          if (error.error_code >= 500) throw error;
          await survive(error);
        }
      }
    },
    async leave(button) {
      await endPreviews();
      if (button === undefined || gone.signal.aborted) return;
      try {
        await setButton(parts.length - 1, button, undefined);
      } catch (error) {
        if (!(error instanceof GrammyError) && !(error instanceof HttpError)) throw error;
        deps.log.debug({ reason: messageOf(error) }, "a button could not be changed");
      }
    },
  };
}

function partsOf(place: Place): Part[] {
  const shown = place.shown === undefined ? [] : splitRendered(withNote(renderMarkdown(place.shown.markdown), place.shown.note));
  const known = shown.length === place.messages.length;
  return place.messages.map((id, index) => {
    const rendered = shown[index];
    const last = index === place.messages.length - 1;
    if (!known || rendered === undefined) return { id, ...(place.resumed && last ? { button: "stop" as const } : {}) };
    return { id, shown: keyOf(rendered), button: last ? (place.shown?.button ?? "none") : "none" };
  });
}

function keyOf(rendered: Rendered): string {
  return `${rendered.text}\n${JSON.stringify(rendered.entities)}`;
}

function withNote(rendered: Rendered, note: string | undefined): Rendered {
  if (note === undefined) return rendered;
  return { text: rendered.text === "" ? note : `${rendered.text}\n\n${note}`, entities: rendered.entities };
}

/** Whether a reader would see anything of this Markdown. */
export function isVisible(markdown: string): boolean {
  const invisible = /[\p{C}\p{Z}\s\u{2800}\u{3164}\u{115f}\u{1160}\u{ffa0}\u{fe00}-\u{fe0f}]/gu;
  const head = renderMarkdown(markdown.slice(0, 2_000)).text;
  if (head.replace(invisible, "") !== "") return true;
  return markdown.length > 2_000 && renderMarkdown(markdown).text.replace(invisible, "") !== "";
}

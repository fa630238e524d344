/**
 * The messages of one answer: what stands in the chat, what should, and the one call that brings both closer. It knows
 * nothing of pace or repetition.
 */
import { type Api, InputFile } from "grammy";
import type { InlineKeyboardMarkup, MessageEntity } from "grammy/types";
import type { FinalView } from "../chat/turn.ts";
import { type Rendered, renderMarkdown } from "../markdown/render.ts";
import { texts } from "../texts.ts";
import { type ButtonTurn, endKeyboard, stopKeyboard } from "./buttons.ts";
import { splitRendered } from "./split.ts";

/** Past this many messages the whole answer is attached as a file besides. */
const partsWithoutFile = 5;

/** The Bot API methods that an answer needs. */
export type MessageApi = Pick<
  Api,
  | "sendMessage"
  | "editMessageText"
  | "editMessageReplyMarkup"
  | "deleteMessage"
  | "sendDocument"
  | "sendChatAction"
  | "sendMessageDraft"
>;

/** grammY's signals are those of a polyfill; the platform's own do the same. */
export type CallSignal = Parameters<Api["sendMessage"]>[3];

/** Where an answer goes, and what stands there already. */
export interface Place extends ButtonTurn {
  readonly chatId: number;
  readonly threadId?: number;
  /** The first message answers this one. */
  readonly replyTo?: number;
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

/** What should stand in the chat. */
export interface Target {
  readonly parts: readonly Rendered[];
  /** Left out while the answer is being written. */
  readonly view?: FinalView;
  /** The last part is shown as a draft, not as a message. */
  readonly drafting: boolean;
}

type Button = "none" | "stop" | NonNullable<FinalView["button"]>;

interface Part {
  /** Left out until the message exists. */
  id?: number;
  /** What stands there, as one string; left out when that is not known. */
  shown?: string;
  button?: Button;
}

export interface MessageParts {
  /** Whether a message exists. */
  readonly any: boolean;
  /** Makes the next call towards the target; false when nothing is left to do. */
  step(target: Target, signal: CallSignal): Promise<boolean>;
  /** Changes the button below the last message, whatever its text. */
  setLastButton(button: "stop" | "retry", signal: CallSignal): Promise<void>;
  /** The call for the target failed because the message shows it already. */
  markUnchanged(target: Target): void;
  /** The call for the target failed because its message does not exist any more. */
  markGone(target: Target): Promise<void>;
  /** From now on without entities: Telegram refused them. False when they are left out already. */
  usePlainText(): boolean;
  /** The draft has to be shown anew: Telegram forgets it after 30 s. */
  forgetDraft(): void;
}

export interface MessagePartsDeps {
  readonly api: MessageApi;
  /** Stores the ids of the messages, right after each exists. */
  saveMessages(messages: readonly number[], file: number | undefined): Promise<void>;
}

/** Takes up the messages of an answer. */
export function createMessageParts({ api, saveMessages }: MessagePartsDeps, place: Place): MessageParts {
  const { chatId } = place;
  const parts = partsOf(place);
  /** Messages of ours that stand in the wrong place: to be deleted at the end. */
  const misplaced: number[] = [];
  const thread = place.threadId === undefined ? {} : { message_thread_id: place.threadId };
  let file = place.file;
  let draftShown: string | undefined;
  let plain = false;

  function buttonOf(target: Target, index: number): Button {
    if (index !== target.parts.length - 1) return "none";
    return target.view === undefined ? "stop" : (target.view.button ?? "none");
  }

  function isDraft(target: Target, index: number): boolean {
    return target.drafting && target.view === undefined && index === target.parts.length - 1;
  }

  function differs(target: Target, index: number): boolean {
    const rendered = target.parts[index];
    if (rendered === undefined) return false;
    if (isDraft(target, index)) return keyOf(rendered) !== draftShown;
    const part = parts[index];
    return part?.id === undefined || part.shown !== keyOf(rendered) || part.button !== buttonOf(target, index);
  }

  /** Earlier parts must be whole before a new one is sent; among those that exist, the newest text goes first. */
  function nextPart(target: Target): number | undefined {
    const indexes = target.parts.map((_, index) => index);
    const missing = indexes.some((index) => parts[index]?.id === undefined);
    return missing
      ? indexes.find((index) => differs(target, index))
      : indexes.findLast((index) => differs(target, index));
  }

  async function save(): Promise<void> {
    await saveMessages([...parts.flatMap((part) => part.id ?? []), ...misplaced], file);
  }

  async function put(index: number, rendered: Rendered, button: Button, signal: CallSignal): Promise<void> {
    const keyboard = keyboardOf(button, place);
    const options = {
      ...entitiesOf(rendered),
      link_preview_options: { is_disabled: true },
      ...(keyboard === undefined ? {} : { reply_markup: keyboard }),
    };
    const part = parts[index];
    if (part?.id === undefined) {
      const replies = index === 0 && place.replyTo !== undefined;
      const reply = replies
        ? { reply_parameters: { message_id: place.replyTo, allow_sending_without_reply: true } }
        : {};
      const sent = await api.sendMessage(chatId, rendered.text, { ...options, ...thread, ...reply }, signal);
      // A message of ours removes the draft.
      draftShown = undefined;
      parts[index] = { id: sent.message_id, shown: keyOf(rendered), button };
      await save();
      return;
    }
    if (part.shown === keyOf(rendered)) await setButton(part, button, signal);
    else await api.editMessageText(chatId, part.id, rendered.text, options, signal);
    Object.assign(part, { shown: keyOf(rendered), button });
  }

  function entitiesOf(rendered: Rendered): { entities?: MessageEntity[] } {
    return plain || rendered.entities.length === 0 ? {} : { entities: [...rendered.entities] };
  }

  async function setButton(part: Part, button: Button, signal: CallSignal): Promise<void> {
    if (part.id === undefined) return;
    const keyboard = keyboardOf(button, place);
    const markup = keyboard === undefined ? {} : { reply_markup: keyboard };
    await api.editMessageReplyMarkup(chatId, part.id, markup, signal);
    part.button = button;
  }

  /** What is left of a longer former answer loses its button while we write, and is deleted at the end. */
  async function tidy(target: Target, signal: CallSignal): Promise<boolean> {
    const count = target.parts.length;
    if (target.view === undefined) {
      const stale = parts.slice(count).find((part) => part.button !== undefined && part.button !== "none");
      if (count === 0 || stale === undefined) return false;
      await setButton(stale, "none", signal);
      return true;
    }
    const left = parts.length > count ? parts.at(-1) : undefined;
    const id = left === undefined ? misplaced.at(-1) : left.id;
    if (left === undefined && id === undefined) return await attachFile(target.view, count, signal);
    if (id !== undefined) await api.deleteMessage(chatId, id, signal);
    forgetLast(count);
    await save();
    return true;
  }

  function forgetLast(count: number): void {
    if (parts.length > count) parts.pop();
    else misplaced.pop();
  }

  async function attachFile(view: FinalView, count: number, signal: CallSignal): Promise<boolean> {
    if (file !== undefined && file === place.file) {
      const former = file;
      file = undefined;
      await save();
      await api.deleteMessage(chatId, former, signal);
      return true;
    }
    if (file !== undefined || count <= partsWithoutFile) return false;
    const document = new InputFile(Buffer.from(view.markdown), "answer.md");
    const sent = await api.sendDocument(chatId, document, { caption: texts.wholeAnswer, ...thread }, signal);
    file = sent.message_id;
    await save();
    return true;
  }

  return {
    get any() {
      return parts.some((part) => part.id !== undefined);
    },
    async step(target, signal) {
      const index = nextPart(target);
      const rendered = index === undefined ? undefined : target.parts[index];
      if (index === undefined || rendered === undefined) return await tidy(target, signal);
      if (isDraft(target, index)) {
        const options = { ...entitiesOf(rendered), ...thread, can_stop: true };
        await api.sendMessageDraft(chatId, place.run, rendered.text, options, signal);
        draftShown = keyOf(rendered);
      } else await put(index, rendered, buttonOf(target, index), signal);
      return true;
    },
    async setLastButton(button, signal) {
      const last = parts.at(-1);
      if (last !== undefined && last.button !== button) await setButton(last, button, signal);
    },
    markUnchanged(target) {
      const index = nextPart(target);
      const rendered = index === undefined ? undefined : target.parts[index];
      const part = index === undefined ? parts.at(-1) : parts[index];
      if (part === undefined) return;
      if (index !== undefined && rendered !== undefined) part.shown = keyOf(rendered);
      part.button = index === undefined ? "none" : buttonOf(target, index);
    },
    async markGone(target) {
      const index = nextPart(target);
      if (index === undefined) forgetLast(target.parts.length);
      else {
        delete parts[index]?.id;
        // Its successor will stand below what follows, which therefore is written anew, too.
        misplaced.push(...parts.splice(index + 1).flatMap((part) => part.id ?? []));
      }
      await save();
    },
    usePlainText() {
      if (plain) return false;
      plain = true;
      return true;
    },
    forgetDraft() {
      draftShown = undefined;
    },
  };
}

/** The parts of what an answer shows at its end. */
export function finalParts(view: FinalView, render = renderMarkdown): Rendered[] {
  const { text, entities } = render(view.markdown);
  if (view.note === undefined) return text === "" ? [] : splitRendered({ text, entities });
  return splitRendered({ text: text === "" ? view.note : `${text}\n\n${view.note}`, entities });
}

function partsOf(place: Place): Part[] {
  const shown = place.shown === undefined ? [] : finalParts(place.shown);
  const known = shown.length === place.messages.length;
  return place.messages.map((id, index) => {
    const rendered = shown[index];
    const last = index === place.messages.length - 1;
    // Of a run that was cut short, the last message carries a button of that run: any but ours and none.
    const unknown = last ? { button: place.resumed ? ("stop" as const) : ("retry" as const) } : {};
    if (!known || rendered === undefined) return { id, ...unknown };
    return { id, shown: keyOf(rendered), button: last ? (place.shown?.button ?? "none") : "none" };
  });
}

function keyboardOf(button: Button, place: Place): InlineKeyboardMarkup | undefined {
  if (button === "stop") return stopKeyboard(place.run);
  return button === "none" ? undefined : endKeyboard(button, place);
}

function keyOf(rendered: Rendered): string {
  return `${rendered.text}\n${JSON.stringify(rendered.entities)}`;
}

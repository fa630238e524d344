/**
 * The messages of one answer: what stands in the chat, what should, and the one call that brings both closer. It knows
 * nothing of pace or repetition.
 */
import { type Api, InputFile } from "grammy";
import type { Message, MessageEntity } from "grammy/types";
import type { FinalView } from "../chat/turn.ts";
import type { Rendered } from "../markdown/render.ts";
import type { Note } from "../ports/notes.ts";
import type { Texts } from "../texts/texts.ts";
import type { Target } from "./answer-target.ts";
import { type AnswerPlace, markupOf, movedTo, outOfTopic, type Place, sendOptions } from "./place.ts";
import { type Button, keyboardOf, keyOf, type Part, partsOf } from "./shown-parts.ts";

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

export interface MessageParts {
  /** Where the messages are now. */
  readonly place: AnswerPlace;
  /** Id of the last message; undefined when there is none. */
  readonly last: number | undefined;
  /** Whether it is known that this button stands below it. */
  endsWith(button: Button | undefined): boolean;
  /** Makes the next call towards the target, through this API; false when nothing is left to do. */
  step(target: Target, api: MessageApi): Promise<boolean>;
  /** Puts Stop below the last message, whatever its text. Resolves with what stands there when Telegram tells it. */
  setStop(api: MessageApi): Promise<Rendered | undefined>;
  /** The call for the target failed because the message shows it already. */
  markUnchanged(target: Target): void;
  /** The call for the target failed because its message does not exist any more. */
  markGone(target: Target): Promise<void>;
  /** The chat has become another one, in which nothing of ours stands: the answer begins anew there. */
  moveTo(chatId: number): Promise<void>;
  /** From now on outside of the topic, which takes nothing any more. False when it is left already. */
  leaveTopic(): Promise<boolean>;
  /** The part that the next call is for; undefined when all stand as they should. */
  nextPart(target: Target): number | undefined;
  /** The draft has to be shown anew: Telegram forgets it after 30 s. */
  forgetDraft(): void;
}

export interface MessagePartsDeps {
  readonly texts: Texts;
  /** Stores the ids of the messages, right after each exists. */
  saveMessages(messages: readonly number[], file: number | undefined): Promise<void>;
  /** The group has become the supergroup with this id. To be waited for before a message is sent there. */
  onMoved(chatId: number): Promise<void>;
}

/** Takes up the messages of an answer, which show these parts; undefined when that is not known. */
export function createMessageParts(
  { texts, saveMessages, onMoved }: MessagePartsDeps,
  opened: Place,
  former: readonly Rendered[] | undefined,
): MessageParts {
  let place: AnswerPlace = opened;
  const parts = partsOf(opened, former);
  /** Messages of ours that stand in the wrong place: to be deleted at the end. */
  const misplaced: number[] = [];
  let file = opened.file;
  let draftShown: string | undefined;
  let wrote = false;

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

  /**
   * Whether a message of a text that was begun anew is to be deleted next: in turn with the new text, which is not to wait, but
   * before a draft, which would stand below it.
   */
  function isLeftover(target: Target): boolean {
    const { anew, drafting, view, parts: wanted } = target;
    if (!anew || view !== undefined || wanted.length === 0) return false;
    return parts.length > (drafting ? wanted.length - 1 : wanted.length) && (drafting || wrote);
  }

  /** Earlier parts must be whole before a new one is sent; among those that exist, the newest text goes first. */
  function nextPart(target: Target): number | undefined {
    if (isLeftover(target)) return undefined;
    const indexes = target.parts.map((_, index) => index);
    const missing = indexes.some((index) => parts[index]?.id === undefined);
    return missing
      ? indexes.find((index) => differs(target, index))
      : indexes.findLast((index) => differs(target, index));
  }

  /** Nothing that stands where we were can be changed from where we are now. */
  function beginAnew(): void {
    parts.length = 0;
    misplaced.length = 0;
    file = undefined;
    draftShown = undefined;
  }

  async function moveTo(chatId: number): Promise<void> {
    place = movedTo(place, chatId);
    beginAnew();
    await onMoved(chatId);
    await save();
  }

  /** The outbox sends to where it can: what it had to give up on the way is given up here as well. */
  async function follow({ chat, message_thread_id: threadId }: Partial<Message>): Promise<void> {
    if (chat !== undefined && chat.id !== place.chatId) await moveTo(chat.id);
    else if (chat !== undefined && place.threadId !== undefined && place.threadId !== threadId)
      place = outOfTopic(place);
  }

  async function save(): Promise<void> {
    await saveMessages([...parts.flatMap((part) => part.id ?? []), ...misplaced], file);
  }

  async function put(target: Target, index: number, rendered: Rendered, api: MessageApi): Promise<void> {
    wrote = true;
    const button = buttonOf(target, index);
    const notes = index === target.parts.length - 1 ? target.view?.notes : undefined;
    const options = {
      ...entitiesOf(rendered),
      ...markupOf(keyboardOf(texts, button, place, notes)),
    };
    const part = parts[index];
    if (part?.id === undefined) {
      const { chatId, threadId, replyTo } = place;
      const where = sendOptions({ threadId, replyTo: index === 0 ? replyTo : undefined });
      const sent = await api.sendMessage(chatId, rendered.text, { ...options, ...where });
      // A message of ours removes the draft.
      draftShown = undefined;
      await follow(sent);
      // What comes before it has stayed behind in another chat, and will stand below it.
      if (parts.length < index) misplaced.push(sent.message_id);
      else parts[index] = { id: sent.message_id, shown: keyOf(rendered), button };
      await save();
      return;
    }
    if (part.shown === keyOf(rendered)) await setButton(part, button, api, notes);
    else await api.editMessageText(place.chatId, part.id, rendered.text, options);
    Object.assign(part, { shown: keyOf(rendered), button });
  }

  function entitiesOf(rendered: Rendered): { entities?: MessageEntity[] } {
    return rendered.entities.length === 0 ? {} : { entities: [...rendered.entities] };
  }

  async function setButton(
    part: Part,
    button: Button,
    api: MessageApi,
    notes?: readonly Note[],
  ): Promise<Rendered | undefined> {
    if (part.id === undefined) return undefined;
    const markup = markupOf(keyboardOf(texts, button, place, notes));
    const edited = await api.editMessageReplyMarkup(place.chatId, part.id, markup);
    part.button = button;
    if (edited === true || edited.text === undefined) return undefined;
    const standing = { text: edited.text, entities: edited.entities ?? [] };
    part.shown ??= keyOf(standing);
    return standing;
  }

  /** What is left of a longer former answer loses its button while we write, and is deleted at the end. */
  async function tidy(target: Target, api: MessageApi): Promise<boolean> {
    const count = target.parts.length;
    if (isLeftover(target)) {
      const { id } = parts.at(-1) ?? {};
      if (id !== undefined) await api.deleteMessage(place.chatId, id);
      forgetLast(0);
      await save();
      return true;
    }
    if (target.view === undefined) {
      const stale = parts.slice(count).find((part) => part.button !== undefined && part.button !== "none");
      if (count === 0 || stale === undefined) return false;
      await setButton(stale, "none", api);
      return true;
    }
    const left = parts.length > count ? parts.at(-1) : undefined;
    const id = left === undefined ? misplaced.at(-1) : left.id;
    if (left === undefined && id === undefined) return await attachFile(target.view, count, api);
    if (id !== undefined) await api.deleteMessage(place.chatId, id);
    forgetLast(count);
    await save();
    return true;
  }

  function forgetLast(count: number): void {
    wrote = false;
    if (parts.length > count) parts.pop();
    else misplaced.pop();
  }

  async function attachFile(view: FinalView, count: number, api: MessageApi): Promise<boolean> {
    if (file !== undefined && file === opened.file) {
      const former = file;
      file = undefined;
      await save();
      await api.deleteMessage(place.chatId, former);
      return true;
    }
    if (file !== undefined || count <= partsWithoutFile) return false;
    const document = new InputFile(Buffer.from(view.markdown), texts.wholeAnswerFile);
    const { chatId, threadId } = place;
    const sent = await api.sendDocument(chatId, document, { caption: texts.wholeAnswer, ...sendOptions({ threadId }) });
    file = sent.message_id;
    await save();
    return true;
  }

  return {
    get place() {
      return place;
    },
    get last() {
      return parts.findLast((part) => part.id !== undefined)?.id;
    },
    endsWith(button) {
      const part = parts.at(-1);
      return part?.shown !== undefined && part.button === button;
    },
    async step(target, api) {
      const index = nextPart(target);
      const rendered = index === undefined ? undefined : target.parts[index];
      if (index === undefined || rendered === undefined) return await tidy(target, api);
      if (isDraft(target, index)) {
        const { chatId, threadId, run } = place;
        const options = { ...entitiesOf(rendered), ...sendOptions({ threadId }), can_stop: true };
        await api.sendMessageDraft(chatId, run, rendered.text, options);
        draftShown = keyOf(rendered);
      } else await put(target, index, rendered, api);
      return true;
    },
    async setStop(api) {
      const last = parts.at(-1);
      return last === undefined || last.button === "stop" ? undefined : await setButton(last, "stop", api);
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
      if (index === undefined) forgetLast(isLeftover(target) ? 0 : target.parts.length);
      else {
        delete parts[index]?.id;
        // Its successor will stand below what follows, which therefore is written anew, too.
        misplaced.push(...parts.splice(index + 1).flatMap((part) => part.id ?? []));
      }
      await save();
    },
    moveTo,
    async leaveTopic() {
      if (place.threadId === undefined) return false;
      place = outOfTopic(place);
      beginAnew();
      await save();
      return true;
    },
    nextPart,
    forgetDraft() {
      draftShown = undefined;
    },
  };
}

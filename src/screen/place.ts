/** Where an answer goes, and what becomes of that place while it is written. Pure. */
import type { InlineKeyboardMarkup, ReplyParameters } from "grammy/types";
import type { FinalView } from "../chat/turn.ts";
import type { Turn } from "../ports/turns.ts";
import type { ButtonTurn } from "./buttons.ts";

/** Where an answer goes, and what its buttons name; by its run also its draft. */
export interface AnswerPlace extends ButtonTurn {
  readonly chatId: number;
  readonly threadId?: number | undefined;
  /** The first message answers this one. */
  readonly replyTo?: number | undefined;
}

/** That, and what stands there already. */
export interface Place extends AnswerPlace {
  /** Messages of a former run or delivery, to be written into. */
  readonly messages: readonly number[];
  readonly file?: number | undefined;
  /** What these messages show, when that is known. */
  readonly shown?: FinalView | undefined;
  /** The messages carry a Stop button of this run already, if of a delivery before this one. */
  readonly resumed: boolean;
}

/** The options by which a call goes into a topic and answers a message, where there is one. */
export function sendOptions({ threadId, replyTo }: { threadId?: number | undefined; replyTo?: number | undefined }): {
  message_thread_id?: number;
  reply_parameters?: ReplyParameters;
} {
  return {
    ...(threadId !== undefined && { message_thread_id: threadId }),
    ...(replyTo !== undefined && { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } }),
  };
}

/** The option that shows a keyboard; none takes away the one that is there. */
export function markupOf(keyboard: InlineKeyboardMarkup | undefined): { reply_markup?: InlineKeyboardMarkup } {
  return keyboard === undefined ? {} : { reply_markup: keyboard };
}

/** The chat in which the messages of a turn stand: the one that it is asked in, or the supergroup that this has become. */
export function chatOf({ moved }: Pick<Turn, "moved">, asked: number): number {
  return moved === undefined ? asked : Number(moved.to);
}

/** The place of an answer whose group has become a supergroup: nothing that its messages refer to exists there. */
export function movedTo(former: AnswerPlace, chatId: number): AnswerPlace {
  const { threadId: _topic, replyTo: _reply, continues, ...place } = former;
  const other = continues && { question: -continues.question };
  return { ...place, continues: other, chatId, question: -place.question };
}

/** The place of an answer whose topic takes no messages any more: no reply either, which would go to that topic. */
export function outOfTopic({ threadId: _topic, replyTo: _reply, ...place }: AnswerPlace): AnswerPlace {
  return place;
}

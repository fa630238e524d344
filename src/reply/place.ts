/** Where an answer goes, and what becomes of that place while it is written. Pure. */
import type { FinalView } from "../chat/turn.ts";
import type { ButtonTurn } from "./buttons.ts";

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

/** The place of an answer whose group has become a supergroup: nothing that its messages refer to exists there. */
export function movedTo({ threadId: _topic, replyTo: _reply, continues, ...place }: Place, chatId: number): Place {
  const other = continues === undefined ? {} : { continues: { question: -continues.question } };
  return { ...place, ...other, chatId, question: -place.question };
}

/** The place of an answer whose topic takes no messages any more: no reply either, which would go to that topic. */
export function outOfTopic({ threadId: _topic, replyTo: _reply, ...place }: Place): Place {
  return place;
}

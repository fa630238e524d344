/**
 * Which updates are for us, which lane each takes, and what it interrupts. A pure function of the update, the commands and
 * ourselves: ingress calls it before anything is stored.
 */
import type { CallbackQuery, Message, Update } from "grammy/types";
import type { Addressed } from "../ports/updates.ts";
import { isOfDialog, parsePress } from "../screen/buttons.ts";
import { findCommand } from "./commands.ts";
import { hasContent } from "./content.ts";
import { type Me, mentions } from "./mentions.ts";
import { commandOf, conversationOf, isPrivate, repliesTo, threadOf, upgradeIn } from "./messages.ts";
import { pieceOf } from "./pieces.ts";
import { questionOf } from "./question.ts";
import { senderOf } from "./senders.ts";

export interface Addressing {
  readonly me: Me;
  /** Whether a sender may talk to the bot in a chat. */
  allowed(sender: number, chatId: number | undefined): boolean;
  readonly admins: ReadonlySet<number>;
}

/** Decides what to do with an update; undefined when it is none of our business. */
export function addressUpdate(update: Update, { me, allowed, admins }: Addressing): Addressed | undefined {
  const sender = senderOf(update);
  const mayTalk = (chatId: number | undefined) => sender !== undefined && allowed(sender, chatId);
  const message = update.message ?? update.edited_message;
  if (message !== undefined) {
    const upgrade = upgradeIn(message);
    // In the lane of the new chat, where what is asked behind it waits for it.
    if (upgrade !== undefined) return { conversation: String(upgrade.to), lane: "turn", kind: "migration" };
    const addressed = addressMessage(message, { me, admins }, update.edited_message !== undefined, sender);
    if (addressed?.piece?.aside) return mayTalk(message.chat.id) ? addressed : undefined;
    return addressed && restrict({ ...addressed, payer: sender }, mayTalk(message.chat.id));
  }
  if (update.callback_query !== undefined) {
    const query = update.callback_query;
    const pressed = addressPress(query, update.update_id, sender);
    return restrict(
      // What is allowed belongs to a question that is paid.
      { ...pressed, ...(parsePress(query.data)?.action === "permit" ? {} : { payer: sender }) },
      mayTalk(query.message?.chat.id),
    );
  }
  const stopped = update.stopped_message_generation;
  if (stopped !== undefined) {
    const conversation = conversationOf(stopped.chat.id, stopped.message_thread_id);
    const interrupt = { kind: "stop", run: stopped.draft_id } as const;
    return restrict({ conversation, lane: "quick", kind: "stop", interrupt }, mayTalk(stopped.chat.id));
  }
  if (update.my_chat_member !== undefined) {
    return { conversation: String(update.my_chat_member.chat.id), lane: "quick", kind: "membership" };
  }
  return { conversation: `update:${update.update_id}`, lane: "quick", kind: "other" };
}

/** Strangers interrupt nothing, pay nothing and wait for nobody's answer: they only get their notice. */
function restrict(addressed: Addressed, allowed: boolean): Addressed {
  if (allowed) return addressed;
  return { conversation: addressed.conversation, lane: "quick", kind: "stranger" };
}

function addressMessage(
  message: Message,
  { me, admins }: Pick<Addressing, "me" | "admins">,
  edited: boolean,
  sender: number | undefined,
): Addressed | undefined {
  if (!hasContent(message) || (message.from?.is_bot && message.sender_chat === undefined)) return undefined;
  const conversation = conversationOf(message.chat.id, threadOf(message));
  const direct = isPrivate(message.chat);
  const call = commandOf(message);
  if (call !== undefined) {
    if (edited || (call.bot !== undefined && call.bot !== me.username.toLowerCase())) return undefined;
    const command = findCommand(call.name);
    const isAdmin = sender !== undefined && admins.has(sender);
    // In a group a bare command that we do not know belongs to another bot.
    if (command === undefined && !direct && call.bot === undefined) return undefined;
    return {
      conversation,
      lane: command === undefined || (command.quickForOthers && !isAdmin) ? "quick" : command.lane,
      kind: "command",
      interrupt: command?.interrupt && { kind: command.interrupt },
      question: command?.asks ? message.message_id : undefined,
    };
  }
  // Where somebody is now, every few seconds: it was asked once.
  if (edited && message.location !== undefined) return undefined;
  const piece = sender === undefined ? undefined : pieceOf(message, sender);
  const ofAlbum = piece?.group !== undefined && message.media_group_id !== undefined;
  const asks = { conversation, lane: "turn" as const, question: message.message_id };
  if (!direct && !mentions(message, me) && !repliesTo(message, me))
    return ofAlbum && !edited ? { ...asks, kind: "part", piece: { ...piece, aside: true } } : undefined;
  // Of an album another part may ask, and of a picture the question before it.
  const asksWithOthers = !edited && (ofAlbum || piece?.follows === "plain");
  if (questionOf(message, me).length === 0 && !asksWithOthers)
    return edited ? undefined : { conversation, lane: "quick", kind: "unsupported" };
  if (!edited) return { ...asks, kind: "question", piece };
  const { message_id: id } = message;
  return {
    ...asks,
    kind: "edit",
    interrupt: { kind: "edit", question: id },
    piece: piece && { message: id, sender: piece.sender, units: piece.units },
  };
}

function addressPress(query: CallbackQuery, updateId: number, sender: number | undefined): Addressed {
  const message = query.message;
  if (message === undefined) return { conversation: `update:${updateId}`, lane: "quick", kind: "button" };
  const thread = "date" in message && message.date !== 0 ? threadOf(message as Message) : undefined;
  const conversation = conversationOf(message.chat.id, thread);
  const press = parsePress(query.data);
  if (press?.action === "stop") {
    return { conversation, lane: "quick", kind: "button", interrupt: { kind: "stop", run: press.run } };
  }
  if (press?.action === "again" || press?.action === "continue") {
    return { conversation, lane: "turn", kind: "button", question: press.question };
  }
  if (press?.action === "permit") return { conversation, lane: "turn", kind: "button", question: press.question };
  if (press?.action === "drawn" && press.what === "again")
    return { conversation, lane: "turn", kind: "button", question: press.command };
  if (press?.action === "erase" && press.choice === "yes" && press.user === sender) {
    // Wherever it was asked: what is deleted, and ended before, is the asker's own conversation.
    return { conversation: String(sender), lane: "turn", kind: "button", interrupt: { kind: "new" } };
  }
  const inTurn = isOfDialog(press) || press?.action === "earlier";
  return { conversation, lane: inTurn ? "turn" : "quick", kind: "button" };
}

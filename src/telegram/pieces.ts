/** Which messages belong together, as far as one of them tells by itself. Pure: ingress asks before anything is stored. */
import type { Message } from "grammy/types";
import type { Piece } from "../ports/updates.ts";
import { rawWords } from "./mentions.ts";
import { isPrivate } from "./messages.ts";

/** Clients cut a text at 4,096 UTF-16 units, or at a break before that; what is as long as this may be a piece of a longer one. */
const pasteUnits = 3_900;
/** What is shown with a question. What is spoken, and a sticker, is a thought of its own. An animation is a document, too. */
const pictures = ["photo", "live_photo", "video", "animation"] as const;
const files = ["document", "audio"] as const;

/** What a message carries that a question may be about. */
export function shownIn(message: Message): "picture" | "file" | undefined {
  if (pictures.some((field) => message[field] !== undefined)) return "picture";
  return files.some((field) => message[field] !== undefined) ? "file" : undefined;
}

/** What a message that asks us something tells of what it belongs to. */
export function pieceOf(message: Message, sender: number): Piece {
  const units = rawWords(message).text.length;
  const group = groupOf(message, sender, units);
  const about = shownIn(message) !== undefined || message.forward_origin !== undefined;
  const own = { message: message.message_id, sender, units, ...(group === undefined ? {} : { group }) };
  if (about) return { ...own, follows: "plain" };
  if (group !== undefined || message.text === undefined) return own;
  // Whoever replies says something new.
  return message.reply_to_message === undefined && message.external_reply === undefined
    ? { ...own, follows: "paste", plain: true }
    : { ...own, plain: true };
}

function groupOf(message: Message, sender: number, units: number): string | undefined {
  const { media_group_id: album, forward_origin: forwarded } = message;
  // Albums and other messages are forwarded in one go. In a group it counts that any part of an album may address us.
  if (forwarded !== undefined && (album === undefined || isPrivate(message.chat))) return `forward:${sender}`;
  if (album !== undefined) return `album:${album}`;
  return message.text !== undefined && units >= pasteUnits ? `paste:${sender}` : undefined;
}

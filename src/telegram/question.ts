/** What a message asks, in the parts that the model gets: its own words, and what they are about. Pure. */

import type { Message } from "grammy/types";
import { isVisible } from "../base/characters.ts";
import { type Content, textParts, wordsOf as wordsOfPart } from "../ports/content.ts";
import { withoutStatus } from "../screen/status-lines.ts";
import {
  authorOf,
  type Carrier,
  hasContent,
  tellable,
  tellableAlone,
  type Unseen,
  unseenIn,
  unseenText,
} from "./content.ts";
import { type Me, mentionCuts, mentions, rawWords, type Words } from "./mentions.ts";
import { referenceIn } from "./references.ts";
import { quoted, writtenText } from "./written-text.ts";

/** Characters of a message that is replied to. */
const longestQuote = 2_000;

/** The words of a message as they were written, without our name; empty when there are none to read. */
export function wordsOf(message: Message, me: Me): string {
  const words = rawWords(message);
  return written(words, mentionCuts(words, me));
}

/**
 * The question in a message: what it carries, and its words, with what it replies to and where it comes from. Empty when
 * nothing is asked. What it replies to is left out when that is a message of ours with one of the ids `known`: the conversation
 * ends with it.
 */
export function questionOf(message: Message, me: Me, known: readonly number[] = []): Content {
  const about = aboutOf(message, me, known);
  // Somebody may call us below what another one wrote, without a word; a name alone below our own is no question.
  const calls = mentions(message, me) && (message.quote !== undefined || message.reply_to_message?.from?.id !== me.id);
  const asks = wordsOf(message, me) !== "" || (calls && about !== "");
  return asks || isTaken(message) || tellableAlone(message) !== "" ? contentOf(message, me, known) : [];
}

/** The same, also of a message that asks nothing by itself. */
export function contentOf(message: Message, me: Me, known: readonly number[] = []): Content {
  const words = wordsOf(message, me);
  const about = aboutOf(message, me, known);
  const carried = referenceIn(message);
  const mark = carried === undefined ? [...markOf(message), tellable(message)] : [];
  const own = joined(...provenanceOf(message), ...mark, words);
  const by = about === "" ? undefined : quotedBy(message, me);
  const ownBy = message.forward_origin === undefined ? undefined : "others";
  // Who speaks says it after what it is about, and before what is written below.
  if (carried?.type === "voice")
    return [...quotedParts(message, about), ...textParts(about, by), carried, ...textParts(own, ownBy)];
  const parts = [...quotedParts(message, about), ...(carried === undefined ? [] : [carried])];
  if (about === "" || own === "") return [...parts, ...textParts(`${about}${own}`, by ?? ownBy)];
  // A line's end stands between parts anyway.
  if (by !== ownBy) return [...parts, ...textParts(`${about}\n`, by), ...textParts(own, ownBy)];
  return [...parts, ...textParts(`${about}\n\n${own}`, by)];
}

/** Whose words are quoted, where they are not those of who asks. */
function quotedBy({ from, reply_to_message: replied, external_reply: external }: Message, me: Me) {
  if (external === undefined && replied?.from?.id === me.id) return "us";
  const isOwn = external === undefined && replied !== undefined && replied.from?.id === from?.id;
  return isOwn && replied.forward_origin === undefined ? undefined : "others";
}

/** What the message carries that is replied to, where that is brought along. */
function quotedParts(message: Message, about: string): Content {
  const target = about === "" ? undefined : targetOf(message);
  const carried = target === undefined ? undefined : referenceIn(target);
  return carried === undefined ? [] : [{ ...carried, quoted: true }];
}

/** What belongs to a question and cannot be taken in: in the message, or in the one of somebody else that it is about. */
export function unseenOf(message: Message, me: Me): Unseen | undefined {
  const about = message.reply_to_message?.from?.id === me.id ? undefined : targetOf(message);
  return [message, about ?? {}].filter((one) => !isTaken(one)).flatMap((one) => unseenIn(one) ?? [])[0];
}

/** It needs no words beside it, and the turn says itself what of it could not be read, heard or fetched. */
function isTaken(message: Carrier): boolean {
  return referenceIn(message) !== undefined;
}

/** The message that this one replies to; in a topic whatever answers nothing "replies" to the topic's own service message. */
function targetOf(message: Message): Carrier | undefined {
  const replied = message.reply_to_message as Message | undefined;
  if (replied !== undefined && hasContent(replied)) return replied;
  if (message.external_reply !== undefined) return message.external_reply as Carrier;
  return message.reply_to_story === undefined ? undefined : { story: message.reply_to_story };
}

/** What a message is about, quoted: the part that was chosen, else what it replies to. */
function aboutOf(message: Message, me: Me, known: readonly number[]): string {
  const { quote, external_reply: external, reply_to_message: replied } = message;
  const target = targetOf(message);
  const chosen = clipped(withoutStatus(quote?.text ?? ""));
  if (chosen === "" && replied?.from?.id === me.id && known.includes(replied.message_id)) return "";
  const source = external !== undefined && target === external ? madeBy("from", authorOf(external.origin)) : [];
  const marks = target === undefined ? [] : [...provenanceOf(target), ...markOf(target)];
  const said = chosen !== "" || target === undefined ? chosen : joined(clippedWords(target), tellable(target));
  const shown = joined(...marks, said);
  if (target === undefined && shown === "") return "";
  return quoted(joined(...source, shown === "" ? "[a message that you cannot see]" : shown));
}

function provenanceOf({ forward_origin: origin }: Carrier): string[] {
  return origin === undefined ? [] : madeBy("forwarded from", authorOf(origin));
}

function madeBy(how: string, author: string): string[] {
  return author === "" ? [] : [`[${how} ${author}]`];
}

function markOf(message: Carrier): string[] {
  const carried = referenceIn(message);
  if (carried !== undefined) return [wordsOfPart(carried)];
  const unseen = unseenIn(message);
  return unseen === undefined ? [] : [unseenText(unseen)];
}

function clippedWords(target: Carrier): string {
  const words = rawWords(target as Message);
  if (words.text.length <= longestQuote) return written(words);
  const text = words.text.slice(0, longestQuote);
  return `${written({ text, entities: words.entities }).toWellFormed()}…`;
}

function clipped(text: string): string {
  if (!isVisible(text)) return "";
  return text.length <= longestQuote ? text : `${text.slice(0, longestQuote).toWellFormed()}…`;
}

function written({ text, entities }: Words, cuts: Parameters<typeof writtenText>[2] = []): string {
  return isVisible(writtenText(text, [], cuts)) ? writtenText(text, entities, cuts) : "";
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n");
}

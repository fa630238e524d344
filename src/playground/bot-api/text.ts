/** What Telegram makes of a text and its entities: cleaned, checked, repaired, links and commands found. */

import type { MessageEntity } from "grammy/types";
import { splitsCharacter, wholeCharacters } from "../../base/characters.ts";
import { detectEntities } from "./detection.ts";
import { repairEntities } from "./entities.ts";
import { readEntities } from "./entity-types.ts";
import { badRequest } from "./refusal.ts";

export interface FormattedText {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

export interface TextRules {
  /** UTF-16 units. Telegram counts code points; this is on the safe side of both ways to count. */
  readonly maxLength: number;
  readonly tooLong: string;
  /** What is said about a text with nothing visible in it; undefined lets it pass. */
  readonly empty?: string;
}

export const messageRules: TextRules = {
  maxLength: 4096,
  tooLong: "message is too long",
  empty: "text must be non-empty",
};
export const draftRules: TextRules = { maxLength: 4096, tooLong: "message is too long" };
export const captionRules: TextRules = { maxLength: 1024, tooLong: "message caption is too long" };

/** Bytes of UTF-8 before anything is parsed. */
const longestSource = 32_768;
const removed = /\r|[\u2028-\u202e]|\u0333|\u033f|\u030a/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is cleaned away
const control = /[\0-\x09\x0b\x0c\x0e-\x1f]/g;

/**
 * Takes a text with the entities that a bot sent. Throws a refusal for what Telegram refuses; `onRepair` hears of what
 * Telegram would mend in silence.
 */
export function formatText(
  raw: string,
  rawEntities: unknown,
  rules: TextRules,
  onRepair: (what: string) => void,
): FormattedText {
  if (Buffer.byteLength(raw) > longestSource) throw badRequest("text is too long");
  if (!raw.isWellFormed()) throw badRequest("strings must be encoded in UTF-8");
  const given = readEntities(rawEntities, onRepair);
  checkBounds(raw, given);
  const cleaned = trimText(cleanText(raw, repairEntities(given, onRepair)));
  const visible = /[^ \n]/.test(cleaned.text);
  if (!visible && rules.empty !== undefined) throw badRequest(rules.empty);
  if (cleaned.text.length > rules.maxLength) throw badRequest(rules.tooLong);
  if (!visible) return { text: "", entities: [] };
  // What was cleaned away may have let styles touch that stood apart.
  const entities = cleaned.text === raw ? cleaned.entities : repairEntities(cleaned.entities, () => undefined);
  return { text: cleaned.text, entities: mergeDetected(entities, detectEntities(cleaned.text)) };
}

/** A text as a client sends it: cleaned and trimmed, with what the client finds in it unless entities are given. */
export function formatOwnText(raw: string, entities?: readonly MessageEntity[]): FormattedText {
  const { text } = trimText(cleanText(raw, []));
  return { text, entities: entities ?? detectEntities(text) };
}

function checkBounds(text: string, entities: readonly MessageEntity[]): void {
  for (const { offset, length } of entities) {
    const end = offset + length;
    if (offset >= text.length) {
      throw badRequest(`entity begins after the end of the text at UTF-16 offset ${offset}`);
    }
    if (splitsCharacter(text, offset)) {
      const at = Buffer.byteLength(text.slice(0, offset + 1));
      throw badRequest(`entity begins in a middle of a UTF-16 symbol at byte offset ${at}`);
    }
    if (end > text.length) {
      throw badRequest(
        `entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${end}`,
      );
    }
    if (splitsCharacter(text, end)) {
      const at = Buffer.byteLength(text.slice(0, end + 1));
      throw badRequest(
        `entity beginning at UTF-16 offset ${offset} ends in a middle of a UTF-16 symbol at byte offset ${at}`,
      );
    }
  }
}

function cleanText(raw: string, entities: readonly MessageEntity[]): FormattedText {
  const text = raw.replaceAll(control, " ").replaceAll(removed, "");
  if (text.length === raw.length || entities.length === 0) return { text, entities };
  /** How far each position moves. */
  const shifts = new Uint16Array(raw.length + 1);
  for (const { index } of raw.matchAll(removed)) shifts[index + 1] = 1;
  for (let at = 1; at <= raw.length; at += 1) shifts[at] = (shifts[at] ?? 0) + (shifts[at - 1] ?? 0);
  const moved = (position: number) => position - (shifts[position] ?? 0);
  return {
    text,
    entities: entities.flatMap((entity) => {
      const offset = moved(entity.offset);
      const length = moved(entity.offset + entity.length) - offset;
      return length > 0 ? [{ ...entity, offset, length }] : [];
    }),
  };
}

function isBlank(text: string, index: number): boolean {
  return text[index] === " " || text[index] === "\n";
}

/** Blanks at the end go, and at the beginning as far as no entity covers them. */
function trimText({ text, entities }: FormattedText): FormattedText {
  let end = text.length;
  while (end > 0 && isBlank(text, end - 1)) end -= 1;
  const firstEntity = entities[0]?.offset ?? end;
  let start = 0;
  while (start < Math.min(firstEntity, end) && isBlank(text, start)) start += 1;
  if (start === 0 && end === text.length) return { text, entities };
  return {
    text: text.slice(start, end),
    entities: entities.flatMap((entity) => {
      const length = Math.min(entity.offset + entity.length, end) - entity.offset;
      return length > 0 ? [{ ...entity, offset: entity.offset - start, length }] : [];
    }),
  };
}

/** What was found counts where the bot has set no code, link or mention of its own. */
function mergeDetected(entities: readonly MessageEntity[], found: readonly MessageEntity[]): readonly MessageEntity[] {
  if (found.length === 0) return entities;
  const firm = entities.filter(({ type }) => isFirm(type));
  const free = found.filter(
    ({ offset, length }) =>
      !firm.some((other) => other.offset < offset + length && other.offset + other.length > offset),
  );
  if (free.length === 0) return entities;
  return [...entities, ...free].sort((one, other) => one.offset - other.offset || other.length - one.length);
}

function isFirm(type: MessageEntity["type"]): boolean {
  return ["code", "pre", "text_link", "text_mention", "custom_emoji", "date_time"].includes(type);
}

/** What one message holds. */
const longestMessage = 4096;

/** A client cuts a long text at a line, else at a word, else where it must. */
export function partsOf({ text, entities }: FormattedText): FormattedText[] {
  if (text.length <= longestMessage) return [{ text, entities }];
  const head = text.slice(0, longestMessage);
  const at = [head.lastIndexOf("\n"), head.lastIndexOf(" ")].find((index) => index > longestMessage / 2);
  const cut = at ?? wholeCharacters(head).length;
  return [formatOwnText(text.slice(0, cut)), ...partsOf(formatOwnText(text.slice(cut)))];
}

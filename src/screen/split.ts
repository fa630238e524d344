/** Cuts rendered text into messages where a reader would cut: between blocks, lines, sentences, words. */

import type { MessageEntity } from "grammy/types";
import { splitsCharacter } from "../base/characters.ts";
import { isSplittable, type Rendered, tidyRendered } from "../markdown/entities.ts";

/** Telegram's limit for the text of a message, in UTF-16 units. */
export const maxMessageUnits = 4096;

/** What the entities of a message may weigh; Telegram refuses one above about 9,500 bytes. */
const maxEntityBytes = 9_000;

export interface SplitLimits {
  /** UTF-16 units of a message; left out: Telegram's limit. */
  readonly maxUnits?: number;
  /** Entities of a message; Telegram drops those beyond 100. */
  readonly maxEntities?: number;
  /** Parts; what stands behind the last is left out. */
  readonly maxParts?: number;
  /** Units that the last part of `maxParts` leaves free. */
  readonly spareUnits?: number;
}

/** Cuts an answer that grows; parts that are as they were before are the same objects. */
export type Splitter = (rendered: Rendered) => readonly Rendered[];

/**
 * Cuts greedily from the start, so parts before the last stay as they are while the text grows. Each part is trimmed and not
 * empty; only white space at the cuts is lost. Entities that a cut meets go on in the next part. The first line of a
 * part that begins within code loses its indentation (Telegram trims it): where there is a choice, code is cut before a
 * line without any.
 */
export function splitRendered(rendered: Rendered, limits: SplitLimits = {}): Rendered[] {
  return cutAll(rendered, limits, []);
}

/** A splitter for one answer: what is done with a part (to compare it, say) need not be done again at each preview. */
export function createSplitter(limits: SplitLimits = {}): Splitter {
  let former: readonly Rendered[] = [];
  return (rendered) => {
    former = cutAll(rendered, limits, former);
    return former;
  };
}

function cutAll(rendered: Rendered, limits: SplitLimits, former: readonly Rendered[]): Rendered[] {
  const maxUnits = Math.max(2, limits.maxUnits ?? maxMessageUnits);
  const maxEntities = Math.max(1, limits.maxEntities ?? 100);
  const maxParts = limits.maxParts ?? Number.POSITIVE_INFINITY;
  const whole = tidyRendered(rendered.text, rendered.entities);
  const parts: Rendered[] = [];
  let from = 0;
  let firstEntity = 0;
  while (from < whole.text.length && parts.length < maxParts) {
    from = skipSpace(whole.text, from);
    firstEntity = skipEnded(whole.entities, firstEntity, from);
    const spare = parts.length === maxParts - 1 ? (limits.spareUnits ?? 0) : 0;
    const most = { count: maxEntities, bytes: maxEntityBytes };
    const limit = Math.min(from + maxUnits - spare, entityLimit(whole.entities, firstEntity, from, most));
    const to =
      limit >= whole.text.length ? whole.text.length : cutBefore(whole, from, Math.max(limit, from + 1), firstEntity);
    const { text, entities } = slice(whole, from, to, firstEntity);
    const part = sameAs(former[parts.length], { text, entities: entities.slice(0, maxEntities) });
    if (part.text !== "") parts.push(part);
    from = to;
  }
  return parts;
}

/** The former part where it is the same. */
function sameAs(former: Rendered | undefined, part: Rendered): Rendered {
  const same =
    former?.text === part.text &&
    former.entities.length === part.entities.length &&
    former.entities.every((entity, index) => isSame(entity, part.entities[index]));
  return same ? former : part;
}

function isSame(one: MessageEntity, other: MessageEntity | undefined): boolean {
  if (one.type !== other?.type || one.offset !== other.offset || one.length !== other.length) return false;
  return detailOf(one) === detailOf(other);
}

/** What an entity says besides its range. */
function detailOf(entity: MessageEntity): string {
  return entity.type === "text_link" ? entity.url : entity.type === "pre" ? (entity.language ?? "") : "";
}

/** Bytes that an entity takes on its way, about: its address, and what every entity takes. */
function weightOf(entity: MessageEntity): number {
  return 64 + Buffer.byteLength(detailOf(entity));
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/u.test(text.charAt(at))) at += 1;
  return at;
}

/** Entities are sorted by their start, so those that ended before are skipped as long as they lead the list. */
function skipEnded(entities: readonly MessageEntity[], first: number, from: number): number {
  let index = first;
  for (let entity = entities[index]; entity !== undefined; entity = entities[index]) {
    if (entity.offset + entity.length > from) break;
    index += 1;
  }
  return index;
}

function slice(whole: Rendered, from: number, to: number, firstEntity: number): Rendered {
  const entities: MessageEntity[] = [];
  for (let index = firstEntity; index < whole.entities.length; index += 1) {
    const entity = whole.entities[index];
    if (entity === undefined || entity.offset >= to) break;
    const start = Math.max(entity.offset, from);
    const end = Math.min(entity.offset + entity.length, to);
    if (end > start) entities.push({ ...entity, offset: start - from, length: end - start });
  }
  return tidyRendered(whole.text.slice(from, to), entities);
}

/**
 * Where the entity begins that is one too many, or too heavy. Telegram counts the pieces into which bold and its like fall where
 * other entities begin and end in them: each entity within such a style may cost two more.
 */
function entityLimit(
  entities: readonly MessageEntity[],
  first: number,
  from: number,
  most: { readonly count: number; readonly bytes: number },
): number {
  const open: MessageEntity[] = [];
  let count = 0;
  let bytes = 0;
  for (let index = first; index < entities.length; index += 1) {
    const entity = entities[index];
    if (entity === undefined) break;
    const end = entity.offset + entity.length;
    if (end <= from) continue;
    while (open.length > 0 && endOf(open.at(-1)) <= entity.offset) open.pop();
    count += 1 + 2 * open.filter((outer) => isSplittable(outer.type)).length;
    bytes += weightOf(entity);
    if ((count > most.count || bytes > most.bytes) && entity.offset > from) return entity.offset;
    open.push(entity);
  }
  return Number.POSITIVE_INFINITY;
}

function endOf(entity: MessageEntity | undefined): number {
  return entity === undefined ? 0 : entity.offset + entity.length;
}

// === Where to cut ===================================================================================

/** A part is at least this full before a better cut is preferred to a later one. */
const leastForBlock = 0.4;
const leastForLine = 0.5;
const leastForWord = 0.7;

/** The best offset in `(from, limit]` at which to end a part. */
function cutBefore(whole: Rendered, from: number, limit: number, firstEntity: number): number {
  const { text } = whole;
  // One more character shows whether the text can be cut at the limit itself.
  const window = text.slice(from, limit + 1);
  const least = (share: number) => Math.floor((limit - from) * share);
  const code = codeRanges(whole, from, limit, firstEntity);
  const inCode = (at: number) => code.some((range) => range.start < from + at && from + at < range.end);

  for (const at of endsOf(window, /\n\n/g, least(leastForBlock))) {
    if (!inCode(at) && !endsInHead(whole, from, from + at, firstEntity)) return from + at;
  }
  let indented: number | undefined;
  for (const at of endsOf(window, /\n/g, least(leastForLine))) {
    if (endsInHead(whole, from, from + at, firstEntity)) continue;
    if (!inCode(at) || !/^[ \n]/.test(text.slice(from + at + 1, from + at + 2))) return from + at;
    indented ??= at;
  }
  if (indented !== undefined) return from + indented;
  for (const at of endsOf(window, /(?<=[.!?…。！？]["'”’)\]]{0,4})\s|(?<=[。！？])/gu, least(leastForLine))) {
    if (!inCode(at)) return from + at;
  }
  for (const share of [leastForWord, 0]) {
    const [at] = endsOf(window, /\s/gu, least(share));
    if (at !== undefined) return from + at;
  }
  return from + graphemeCut(window, limit - from);
}

/** Offsets of the matches in the text, the last first, from `least` on. */
function endsOf(window: string, pattern: RegExp, least: number): number[] {
  return [...window.matchAll(pattern)]
    .map((match) => match.index)
    .filter((at) => at > 0 && at >= least && at < window.length)
    .reverse();
}

function codeRanges(
  whole: Rendered,
  from: number,
  limit: number,
  firstEntity: number,
): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  for (let index = firstEntity; index < whole.entities.length; index += 1) {
    const entity = whole.entities[index];
    if (entity === undefined || entity.offset > limit) break;
    if (entity.type === "pre" && endOf(entity) > from) ranges.push({ start: entity.offset, end: endOf(entity) });
  }
  return ranges;
}

/** Whether the last line before the cut announces what comes behind it: a heading, or the mark of an empty item. */
function endsInHead(whole: Rendered, from: number, at: number, firstEntity: number): boolean {
  const before = whole.text.slice(from, at).trimEnd();
  const lineStart = from + before.lastIndexOf("\n") + 1;
  const end = from + before.length;
  if (lineStart === from) return false;
  if (/^\s*(?:[•☐☑]|\d+[.)])$/.test(whole.text.slice(lineStart, end))) return true;
  for (let index = firstEntity; index < whole.entities.length; index += 1) {
    const entity = whole.entities[index];
    if (entity === undefined || entity.offset > lineStart) break;
    if (entity.type === "bold" && entity.offset === lineStart && endOf(entity) === end) return true;
  }
  return false;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** Longer than any cluster that a reader would miss. */
const longestCluster = 64;

/** The last boundary between grapheme clusters up to `limit`, or at least one between surrogate pairs. */
function graphemeCut(window: string, limit: number): number {
  const start = Math.max(0, limit - longestCluster);
  const lead = splitsCharacter(window, start) ? start - 1 : start;
  let cut = 0;
  for (const { index } of graphemes.segment(window.slice(lead))) {
    if (lead + index <= limit && lead + index > 0) cut = Math.max(cut, lead + index);
  }
  if (cut > lead) return cut;
  return splitsCharacter(window, limit) ? Math.max(limit - 1, 1) : limit;
}

/** Text with entities, in the shape that Telegram keeps as it is: what it would trim, merge or drop is never sent. */
import type { MessageEntity } from "grammy/types";

export interface Rendered {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

export type SpanType = "bold" | "italic" | "strikethrough" | "code" | "pre" | "blockquote" | "text_link";

/** A stretch of text with one style; `start` and `end` in UTF-16 units. */
export interface Span {
  readonly type: SpanType;
  start: number;
  end: number;
  readonly url?: string;
  readonly language?: string;
}

/** Telegram splits these around code and merges them where they touch. */
export function isSplittable(type: MessageEntity["type"]): boolean {
  return type === "bold" || type === "italic" || type === "underline" || type === "strikethrough" || type === "spoiler";
}

/** Trims the text at both ends, and each entity; drops what covers only white space; sorts. */
export function tidyRendered(text: string, entities: readonly MessageEntity[]): Rendered {
  const lead = text.length - text.trimStart().length;
  const kept = text.trim();
  const moved: MessageEntity[] = [];
  for (const entity of entities) {
    const start = Math.max(0, entity.offset - lead);
    const trimmed = trimRange(kept, start, Math.min(kept.length, entity.offset + entity.length - lead), entity.type);
    if (trimmed !== undefined) moved.push({ ...entity, offset: trimmed.start, length: trimmed.end - trimmed.start });
  }
  coverIndentation(kept, moved);
  moved.sort((a, b) => a.offset - b.offset || b.length - a.length || rank(a) - rank(b));
  return { text: kept, entities: mergeTouching(moved) };
}

/** A quote that begins with indented code begins where the code does. */
function coverIndentation(text: string, entities: readonly MessageEntity[]): void {
  const indented = new Map<number, number>();
  for (const { type, offset, length } of entities) {
    if (type !== "pre" || !isSpace(text, offset)) continue;
    const code = text.slice(offset, offset + length);
    indented.set(offset + code.length - code.trimStart().length, offset);
  }
  if (indented.size === 0) return;
  for (const entity of entities) {
    const start = entity.type === "blockquote" ? indented.get(entity.offset) : undefined;
    if (start === undefined) continue;
    entity.length += entity.offset - start;
    entity.offset = start;
  }
}

/** A span as an entity. */
export function toEntity(span: Span): MessageEntity {
  const offset = span.start;
  const length = span.end - span.start;
  if (span.type === "text_link") return { type: "text_link", offset, length, url: span.url ?? "" };
  if (span.type === "pre" && span.language !== undefined) {
    return { type: "pre", offset, length, language: span.language };
  }
  return { type: span.type, offset, length } as MessageEntity;
}

/** A range without the white space at its ends; undefined when nothing is left. */
function trimRange(
  text: string,
  from: number,
  to: number,
  type: MessageEntity["type"],
): { start: number; end: number } | undefined {
  let start = from;
  let end = to;
  while (end > start && isSpace(text, end - 1)) end -= 1;
  // The first line of a code block may be indented; only the line breaks before it go.
  const keepsIndent = type === "pre";
  while (start < end && isSpace(text, start) && !keepsIndent) start += 1;
  if (keepsIndent) {
    let first = start;
    while (first < end && isSpace(text, first)) first += 1;
    const lineStart = text.lastIndexOf("\n", first - 1) + 1;
    start = Math.max(start, Math.min(first, lineStart));
  }
  return end > start ? { start, end } : undefined;
}

function isSpace(text: string, index: number): boolean {
  return /\s/u.test(text.charAt(index));
}

const ranks = ["blockquote", "expandable_blockquote", "text_link", "bold", "italic", "underline", "strikethrough"];

function rank(entity: MessageEntity): number {
  const index = ranks.indexOf(entity.type);
  return index === -1 ? ranks.length : index;
}

/** Bold that ends where bold begins is one bold, unless the merged one would cross another entity. */
function mergeTouching(sorted: MessageEntity[]): MessageEntity[] {
  const endingAt = new Map<string, MessageEntity>();
  const result: MessageEntity[] = [];
  for (const entity of sorted) {
    const before = isSplittable(entity.type) ? endingAt.get(`${entity.type} ${entity.offset}`) : undefined;
    const end = entity.offset + entity.length;
    if (before !== undefined && !crossesAny(result, before.offset, end, entity.offset)) {
      before.length = end - before.offset;
      endingAt.set(`${entity.type} ${end}`, before);
      continue;
    }
    const copy = { ...entity };
    endingAt.set(`${entity.type} ${end}`, copy);
    result.push(copy);
  }
  return result.sort((a, b) => a.offset - b.offset || b.length - a.length || rank(a) - rank(b));
}

/** Whether an entity that holds the seam ends inside the merged range, or begins in it and ends behind it. */
function crossesAny(entities: readonly MessageEntity[], start: number, end: number, seam: number): boolean {
  for (let index = entities.length - 1; index >= 0; index -= 1) {
    const other = entities[index];
    if (other === undefined) continue;
    const otherEnd = other.offset + other.length;
    if (other.offset < start && otherEnd > start && otherEnd < end) return true;
    if (other.offset > start && other.offset < end && otherEnd > end) return true;
    if (other.offset < start - 4096 && otherEnd < seam) break;
  }
  return false;
}

/**
 * A person's text as the model gets it: as written, with what only its entities hold (addresses, code, quotes) put into
 * words as Markdown does. Offsets are UTF-16 units, as in Telegram and in JavaScript. Pure.
 */

import type { MessageEntity } from "grammy/types";
import { splitsCharacter } from "../base/characters.ts";

/** A piece of a text that is left out: from the first unit to that behind the last. */
export interface Cut {
  readonly from: number;
  readonly to: number;
}

interface Mark extends Cut {
  readonly entity: MessageEntity;
  readonly rank: number;
}

/** What changes the text, by what may stand in what: a higher rank inside a lower one. */
const ranks: Readonly<Partial<Record<MessageEntity["type"], number>>> = {
  blockquote: 0,
  expandable_blockquote: 0,
  text_link: 1,
  code: 2,
  pre: 2,
};

/** Writes a text out, without the cuts, which come in their order. Entities that no text can have are passed over. */
export function writtenText(text: string, entities: readonly MessageEntity[], cuts: readonly Cut[] = []): string {
  const marks = marksOf(text, entities);
  let next = 0;
  let nextCut = 0;

  /** Called from the beginning of the text to its end. */
  function plain(from: number, to: number): string {
    let out = "";
    let at = from;
    for (let cut = cuts[nextCut]; cut !== undefined && cut.from < to; cut = cuts[nextCut]) {
      out += text.slice(at, Math.max(at, cut.from));
      at = Math.max(at, Math.min(cut.to, to));
      if (cut.to > to) break;
      nextCut += 1;
    }
    return out + text.slice(at, to);
  }

  function write(from: number, to: number, rank: number): string {
    const lines = joinLines();
    let at = from;
    for (let mark = marks[next]; mark !== undefined && mark.from < to; mark = marks[next]) {
      next += 1;
      if (mark.from < at || mark.to > to || mark.rank <= rank) continue;
      lines.add(plain(at, mark.from));
      const inner = write(mark.from, mark.to, mark.rank);
      lines.add(...formOf(mark.entity, inner));
      at = mark.to;
    }
    lines.add(plain(at, to));
    return lines.text;
  }

  return write(0, text.length, -1);
}

/** Each line behind a `>`. */
export function quoted(text: string): string {
  return text
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");
}

function marksOf(text: string, entities: readonly MessageEntity[]): Mark[] {
  const marks = entities.flatMap((entity): Mark[] => {
    const rank = ranks[entity.type];
    const { offset, length } = entity;
    if (rank === undefined || !Number.isInteger(offset) || !Number.isInteger(length)) return [];
    if (offset < 0 || length <= 0 || offset >= text.length) return [];
    const to = Math.min(offset + length, text.length);
    return splitsCharacter(text, offset) || splitsCharacter(text, to) ? [] : [{ entity, rank, from: offset, to }];
  });
  return marks.sort((one, other) => one.from - other.from || other.to - one.to || one.rank - other.rank);
}

/** Puts pieces together; one that is a block gets lines of its own. */
function joinLines() {
  let text = "";
  let lineBegins = true;
  let closed = true;
  return {
    get text() {
      return text;
    },
    add(piece: string, block = false) {
      if (piece === "") return;
      const apart = (block && !lineBegins) || (!closed && !piece.startsWith("\n"));
      text += apart ? `\n${piece}` : piece;
      lineBegins = piece.endsWith("\n");
      closed = !block;
    },
  };
}

function formOf(entity: MessageEntity, inner: string): [text: string, block?: boolean] {
  switch (entity.type) {
    case "pre":
      return [fenced(inner, entity.language), true];
    case "code":
      return inner.includes("\n") ? [fenced(inner, undefined), true] : [codeSpan(inner)];
    case "text_link":
      return [linked(inner, entity.url)];
    default:
      return [quoted(inner), true];
  }
}

/** A code block whose fence is longer than any in it. */
export function fenced(code: string, language: string | undefined): string {
  const fence = "`".repeat(Math.max(3, longestTicks(code) + 1));
  const named = language !== undefined && /^[^\s`]+$/.test(language) ? language : "";
  return `${fence}${named}\n${code}${code.endsWith("\n") ? "" : "\n"}${fence}`;
}

/** Code in a line. */
export function codeSpan(code: string): string {
  const ticks = "`".repeat(longestTicks(code) + 1);
  const apart = code.startsWith("`") || code.endsWith("`") ? " " : "";
  return `${ticks}${apart}${code}${apart}${ticks}`;
}

function longestTicks(code: string): number {
  return (code.match(/`+/g) ?? []).reduce((longest, { length }) => Math.max(longest, length), 0);
}

/** A label with its address, where that is another one. */
export function linked(label: string, url: string | undefined): string {
  if (url === undefined || url === "" || url === label) return label;
  return `[${label}](${/[\s()]/.test(url) ? `<${url}>` : url})`;
}

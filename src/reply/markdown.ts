/** Markdown as text and entities, whole or while it streams. It knows no parse mode, so no Markdown can break it. */
import { cleanMarkdown } from "./characters.ts";
import { type Rendered, tidyRendered } from "./entities.ts";
import { collectReferences, writeDocument } from "./markdown-blocks.ts";
import { parseFinal } from "./markdown-parse.ts";
import { cutPieces, pieceStarts } from "./markdown-pieces.ts";
import { settleTail } from "./markdown-stream.ts";
import { createTextBuilder, type TextBuilder } from "./text-builder.ts";

export type { Rendered } from "./entities.ts";

/** Renders Markdown as Telegram will keep it: text in UTF-16 with entities. It never throws. */
export function renderMarkdown(markdown: string): Rendered {
  const source = cleanMarkdown(markdown);
  try {
    const builder = createTextBuilder();
    writePieces(builder, source);
    return builder.finish();
  } catch {
    return tidyRendered(source.replace(/\t/g, " "), []);
  }
}

/** Writes Markdown; takes and returns the number that a list going on would have next. */
function writePieces(builder: TextBuilder, source: string, apart = true, continues?: { number: number | undefined }) {
  let next = continues?.number;
  for (const [index, piece] of cutPieces(source).entries()) {
    const goesOn = index === 0 ? continues !== undefined : piece.continues;
    builder.separate((index === 0 ? apart : piece.apart) ? 2 : 1);
    if (piece.plain) {
      builder.write(piece.source.trim());
      next = undefined;
    } else {
      const tree = parseFinal(piece.source);
      const firstNumber = goesOn ? next : undefined;
      next = writeDocument({ builder, markdown: piece.source, ...collectReferences(tree), firstNumber }, tree);
    }
  }
  return next;
}

/** Renders an answer that is still being written. */
export interface StreamRenderer {
  /**
   * Renders what is there so far: exactly `renderMarkdown(settleMarkdown(markdown))`. Text that extends the former one
   * costs the parsing of its open end; any other text starts anew.
   */
  render(markdown: string): Rendered;
}

/** A renderer for one answer's previews. */
export function createStreamRenderer(): StreamRenderer {
  let builder = createTextBuilder();
  let closed = "";
  return {
    render(markdown) {
      const source = cleanMarkdown(withoutHalfCharacter(markdown));
      try {
        const starts = pieceStarts(source);
        const tailStart = starts.at(-1) ?? 0;
        if (tailStart < closed.length || !source.startsWith(closed)) {
          builder = createTextBuilder();
          closed = "";
        }
        if (tailStart > closed.length) {
          writePieces(builder, source.slice(closed.length, tailStart));
          closed = source.slice(0, tailStart);
        }
        const mark = builder.mark();
        writePieces(builder, settleEnd(source.slice(tailStart)));
        const rendered = builder.finish();
        builder.reset(mark);
        return rendered;
      } catch {
        builder = createTextBuilder();
        closed = "";
        return tidyRendered(source.replace(/\t/g, " "), []);
      }
    },
  };
}

/**
 * Unfinished Markdown, so that what it shows is the beginning of what the finished text will show. In the last block, a
 * construct that is still open is closed (emphasis, code) or held back (a link, a formula, a tag, the first line of a
 * table, marks at the very end), the latter for at most some hundred characters. Nothing else changes: of a finished
 * answer it holds back only marks at its end. What it cannot know: a reference definition that comes later.
 */
export function settleMarkdown(markdown: string): string {
  const source = cleanMarkdown(withoutHalfCharacter(markdown));
  const tailStart = pieceStarts(source).at(-1) ?? 0;
  return source.slice(0, tailStart) + settleEnd(source.slice(tailStart));
}

/** What is too deep or too dense to parse is shown as it is while it streams, too. */
function settleEnd(tail: string): string {
  const last = cutPieces(tail).at(-1);
  if (last === undefined || last.plain) return tail;
  return tail.slice(0, tail.length - last.source.length) + settleTail(last.source);
}

function withoutHalfCharacter(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}

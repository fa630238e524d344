/** Markdown as text and entities, whole or while it streams. It knows no parse mode, so no Markdown can break it. */
import { cleanMarkdown } from "./characters.ts";
import { type Rendered, tidyRendered } from "./entities.ts";
import { collectReferences, writeDocument } from "./markdown-blocks.ts";
import { parseFinal } from "./markdown-parse.ts";
import { cutPieces, type PieceStart, pieceStarts, wholeDocument } from "./markdown-pieces.ts";
import { settleTail } from "./markdown-stream.ts";
import { createTextBuilder, type TextBuilder } from "./text-builder.ts";

export type { Rendered } from "./entities.ts";

/** Renders Markdown as Telegram will keep it: text in UTF-16 with entities. It never throws. */
export function renderMarkdown(markdown: string): Rendered {
  const source = cleanMarkdown(markdown);
  try {
    const builder = createTextBuilder();
    writePieces(builder, source, wholeDocument);
    return builder.finish();
  } catch {
    return tidyRendered(source.replace(/\t/g, " "), []);
  }
}

/** How a stretch of Markdown joins what stands before it. */
interface Seam {
  /** A blank line stands between. */
  readonly apart: boolean;
  /** The number of its first item, when it goes on with a list. */
  readonly number?: number | undefined;
}

/** Writes Markdown; returns the number that a list going on behind it would have next. */
function writePieces(builder: TextBuilder, source: string, seam: Seam): number | undefined {
  let next = seam.number;
  for (const [index, piece] of cutPieces(source).entries()) {
    const apart = index === 0 ? seam.apart : piece.apart;
    const firstNumber = index === 0 || piece.continues ? next : undefined;
    next = undefined;
    builder.separate(apart ? 2 : 1);
    if (piece.plain) builder.write(piece.source.trim());
    else {
      const tree = parseFinal(piece.source);
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
  /** How the text behind what is closed would join it, were it a list's next item. */
  let number: number | undefined;

  function forget(): void {
    builder = createTextBuilder();
    closed = "";
    number = undefined;
  }

  function seamAt(start: PieceStart): Seam {
    return { apart: start.apart, number: start.continues ? number : undefined };
  }

  return {
    render(markdown) {
      const source = cleanMarkdown(withoutHalfCharacter(markdown));
      try {
        const starts = pieceStarts(source);
        let from = starts.find((start) => start.at === closed.length);
        if (from === undefined || !source.startsWith(closed)) {
          forget();
          from = wholeDocument;
        }
        const tail = starts.at(-1) ?? wholeDocument;
        if (tail.at > closed.length) {
          number = writePieces(builder, source.slice(closed.length, tail.at), seamAt(from));
          closed = source.slice(0, tail.at);
        }
        const mark = builder.mark();
        writePieces(builder, settleEnd(source.slice(tail.at)), seamAt(tail));
        const rendered = builder.finish();
        builder.reset(mark);
        return rendered;
      } catch {
        forget();
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
  const tailStart = pieceStarts(source).at(-1)?.at ?? 0;
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

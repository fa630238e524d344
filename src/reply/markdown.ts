/** Markdown as text and entities, whole or while it streams. It knows no parse mode, so no Markdown can break it. */
import { cleanMarkdown } from "../markdown/characters.ts";
import { type Rendered, tidyRendered } from "../markdown/entities.ts";
import { createTextBuilder, type TextBuilder } from "../markdown/text-builder.ts";
import { collectReferences, writeDocument } from "./markdown-blocks.ts";
import { parseFinal } from "./markdown-parse.ts";
import { cutPieces, type PieceStart, pieceStarts, wholeDocument } from "./markdown-pieces.ts";
import { parseSimple } from "./markdown-simple.ts";
import { type Settled, settleTail } from "./markdown-stream.ts";

export type { Rendered } from "../markdown/entities.ts";

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
function writePieces(builder: TextBuilder, source: string, seam: Seam, settled?: Settled): number | undefined {
  let next = seam.number;
  for (const [index, piece] of cutPieces(source).entries()) {
    const apart = index === 0 ? seam.apart : piece.apart;
    const firstNumber = index === 0 || piece.continues ? next : undefined;
    next = undefined;
    builder.separate(apart ? 2 : 1);
    if (piece.plain) builder.write(piece.source.trim());
    else {
      const known = piece.source === settled?.source ? settled.tree : undefined;
      const tree = parseSimple(piece.source) ?? parseFinal(piece.source, known);
      next = writeDocument({ builder, markdown: piece.source, ...collectReferences(tree), firstNumber }, tree);
    }
  }
  return next;
}

/** Renders an answer while it is written, and at its end. Text that extends the former one costs only its open end. */
export interface StreamRenderer {
  /** What is there so far: exactly `renderMarkdown(settleMarkdown(markdown))`. */
  render(markdown: string): Rendered;
  /** The whole: exactly `renderMarkdown(markdown)`. */
  renderFinal(markdown: string): Rendered;
}

/** A renderer for one answer. */
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

  function renderSource(source: string, settle: (tail: string) => Settled): Rendered {
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
      const settled = settle(source.slice(tail.at));
      writePieces(builder, settled.source, seamAt(tail), settled);
      const rendered = builder.finish();
      builder.reset(mark);
      return rendered;
    } catch {
      forget();
      return tidyRendered(source.replace(/\t/g, " "), []);
    }
  }

  return {
    render: (markdown) => renderSource(cleanMarkdown(withoutHalfCharacter(markdown)), settleEnd),
    renderFinal: (markdown) => renderSource(cleanMarkdown(markdown), (source) => ({ source })),
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
  return source.slice(0, tailStart) + settleEnd(source.slice(tailStart)).source;
}

/** What is too deep or too dense to parse is shown as it is while it streams, too. */
function settleEnd(tail: string): Settled {
  const last = cutPieces(tail).at(-1);
  if (last === undefined || last.plain) return { source: tail };
  const settled = settleTail(last.source);
  if (last.source.length === tail.length) return settled;
  return { source: tail.slice(0, tail.length - last.source.length) + settled.source };
}

function withoutHalfCharacter(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}

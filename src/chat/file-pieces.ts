/** What of a long file may help with a question: its pieces by the words that they share with it (BM25). Pure. */
import type { FileText } from "../ports/files.ts";
import { labelled } from "./file-words.ts";
import { countTokens } from "./tokens.ts";

interface Piece {
  readonly text: string;
  /** How often each term stands in it. */
  readonly terms: ReadonlyMap<string, number>;
  readonly length: number;
}

/** UTF-16 units: a few paragraphs. */
const pieceUnits = 1_500;
/** What is usual for BM25: how soon a term that is repeated counts no more, and how much long pieces are held back. */
const [saturation, lengthShare] = [1.2, 0.75];
/** Words are told apart by their beginning: what follows changes with the grammar, in most languages. */
const stemUnits = 6;
/** Terms of more pieces than this tell nothing. */
const commonShare = 0.5;
const mostTerms = 64;

/**
 * Pieces of a file within so many tokens, in their order, each with the page that it stands on: those that fit the question, or,
 * where no word of it stands in the file ("sum it up"), the beginning and others from all over it.
 */
export function piecesFor(question: string, file: FileText, maxTokens: number): string {
  const pieces = piecesOf(file);
  return within(maxTokens, pieces, rankedBy(question, pieces) ?? spread(pieces.length));
}

/** The same, and empty where no word of the question stands in the file. */
export function matchingPieces(question: string, file: FileText, maxTokens: number): string {
  const pieces = piecesOf(file);
  return within(maxTokens, pieces, rankedBy(question, pieces) ?? []);
}

/** As many of these pieces as fit, in the order of the file. */
function within(maxTokens: number, pieces: readonly Piece[], places: readonly number[]): string {
  const chosen = new Set<number>();
  let left = maxTokens;
  for (const at of places) {
    const tokens = countTokens(pieces[at]?.text ?? "");
    if (tokens > left) break;
    chosen.add(at);
    left -= tokens;
  }
  return pieces
    .filter((_, at) => chosen.has(at))
    .map(({ text }) => text)
    .join("\n\n");
}

/** The places of pieces that share words with the question, the best first; undefined when none does. */
function rankedBy(question: string, pieces: readonly Piece[]): readonly number[] | undefined {
  const terms = termsOf(question).slice(0, mostTerms);
  const average = pieces.reduce((sum, { length }) => sum + length, 0) / Math.max(1, pieces.length);
  const scores = pieces.map(() => 0);
  for (const term of new Set(terms)) {
    const found = pieces.reduce((sum, piece) => sum + (piece.terms.has(term) ? 1 : 0), 0);
    if (found === 0 || found > Math.max(1, pieces.length * commonShare)) continue;
    const weight = Math.log(1 + (pieces.length - found + 0.5) / (found + 0.5));
    for (const [at, piece] of pieces.entries()) {
      const times = piece.terms.get(term) ?? 0;
      const held = saturation * (1 - lengthShare + (lengthShare * piece.length) / average);
      scores[at] = (scores[at] ?? 0) + (weight * times * (saturation + 1)) / (times + held);
    }
  }
  const matching = scores.flatMap((score, at) => (score > 0 ? [at] : []));
  if (matching.length === 0) return undefined;
  return matching.toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
}

/** All places: the first, and then ever finer steps through the rest. */
function spread(count: number): readonly number[] {
  const places = new Set<number>();
  for (let step = 1; step < 2 * count; step *= 2) {
    for (let n = 0; n < step; n++) places.add(Math.floor((n * count) / step));
  }
  return [...places];
}

function piecesOf({ unit, parts }: FileText): readonly Piece[] {
  return parts.flatMap((part) =>
    cutIntoPieces(part.text).map((piece) => {
      const terms = new Map<string, number>();
      const found = termsOf(piece);
      for (const term of found) terms.set(term, (terms.get(term) ?? 0) + 1);
      return { text: labelled({ ...part, text: piece }, unit), terms, length: found.length };
    }),
  );
}

/** At ends of lines where there are any, and in any case before it is much too long. */
function cutIntoPieces(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = at + pieceUnits;
    // Looked for in this piece alone: what stands before it may be long, without a line's end in it.
    const lineEnd = end < text.length ? at + text.slice(at, end + 1).lastIndexOf("\n") : text.length;
    const cut = lineEnd > at + pieceUnits / 2 ? lineEnd : Math.min(end, text.length);
    const piece = text.slice(at, cut).toWellFormed().trim();
    if (piece !== "") pieces.push(piece);
    at = cut;
  }
  return pieces;
}

/** Words by their beginnings; where words are not set apart, pairs of letters. */
function termsOf(text: string): readonly string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.flatMap((word) => {
    if (!/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(word))
      return word.length < 2 ? [] : [word.slice(0, stemUnits)];
    const letters = [...word];
    return letters.length === 1 ? letters : letters.slice(1).map((letter, at) => `${letters[at]}${letter}`);
  });
}

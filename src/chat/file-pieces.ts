/** What of a long file may help with a question: its pieces by the words that they share with it (BM25). Pure. */
import type { FileText } from "../ports/files.ts";
import { asksAboutFile, withoutCourtesy } from "./file-questions.ts";
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
/** A term of so many pieces, or of such a share of them, tells these from all others. */
const [fewPieces, fewShare] = [3, 0.1];
/** Of what a question asks, so much has to stand in one piece; measured by the table of the tests. */
const fittingShare = 0.2;
/** Pieces that fit less than this share of the best are not worth their tokens. */
const leastShare = 0.25;

/**
 * Pieces of a file within so many tokens, in their order, each with the page that it stands on: those that fit the question, if
 * one of them fits it well; or, where the file as such is meant ("sum it up"), the beginning and others from all over it. Empty
 * for what asks nothing of the file ("thanks").
 */
export function piecesFor(question: string, file: FileText, maxTokens: number): string {
  const terms = termsOf(question).slice(0, mostTerms);
  const isMeant = asksAboutFile(terms);
  if (!isMeant && withoutCourtesy(terms).length === 0) return "";
  const pieces = piecesOf(file);
  const ranked = fitsWell(withoutCourtesy(terms), acronymsIn(question), pieces) ? rankedBy(question, pieces) : [];
  return within(maxTokens, pieces, isMeant ? inTurn(ranked ?? [], spread(pieces.length)) : (ranked ?? []));
}

/** One of each list in turn. */
function inTurn(...lists: readonly [readonly number[], readonly number[]]): readonly number[] {
  const [first, second] = lists;
  return [...new Set(second.flatMap((place, at) => [place, first[at] ?? place]))];
}

/** What stands in capitals means something, however short it is. */
function acronymsIn(question: string): ReadonlySet<string> {
  return new Set(termsOf((question.match(/(?<![\p{L}\p{N}])\p{Lu}{2,8}(?![\p{L}\p{N}])/gu) ?? []).join(" ")));
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

/**
 * Whether a piece holds enough of what is asked: a share of its terms, each by how rare it is, one of which means something and
 * tells few pieces from all others. Terms that the file does not know at all count against it, those of nearly every piece not
 * at all.
 */
function fitsWell(asked: readonly string[], acronyms: ReadonlySet<string>, pieces: readonly Piece[]): boolean {
  const few = Math.max(fewPieces, pieces.length * fewShare);
  let known = 0;
  const held = pieces.map(() => ({ weight: 0, rare: false }));
  for (const term of new Set(asked)) {
    const holders = held.filter((_, at) => pieces[at]?.terms.has(term));
    if (isCommon(holders.length, pieces.length)) continue;
    const weight = weightOf(holders.length, pieces.length);
    known += weight;
    const tells = holders.length <= few && (acronyms.has(term) || meansSomething(term));
    for (const holder of holders) {
      holder.weight += weight;
      holder.rare ||= tells;
    }
  }
  return held.some(({ weight, rare }) => rare && weight >= known * fittingShare);
}

/** Short words are seldom more than grammar, where words are set apart. */
function meansSomething(term: string): boolean {
  return term.length >= 4 || /[\p{N}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(term);
}

function isCommon(holders: number, pieces: number): boolean {
  return holders > Math.max(1, pieces * commonShare);
}

function weightOf(holders: number, pieces: number): number {
  return Math.log(1 + (pieces - holders + 0.5) / (holders + 0.5));
}

/** The places of pieces that share words with the question, the best first; undefined when none does. */
function rankedBy(question: string, pieces: readonly Piece[]): readonly number[] | undefined {
  const terms = termsOf(question).slice(0, mostTerms);
  const average = pieces.reduce((sum, { length }) => sum + length, 0) / Math.max(1, pieces.length);
  const scores = pieces.map(() => 0);
  for (const term of new Set(terms)) {
    const found = pieces.reduce((sum, piece) => sum + (piece.terms.has(term) ? 1 : 0), 0);
    if (found === 0 || isCommon(found, pieces.length)) continue;
    const weight = weightOf(found, pieces.length);
    for (const [at, piece] of pieces.entries()) {
      const times = piece.terms.get(term) ?? 0;
      const held = saturation * (1 - lengthShare + (lengthShare * piece.length) / average);
      scores[at] = (scores[at] ?? 0) + (weight * times * (saturation + 1)) / (times + held);
    }
  }
  const best = scores.reduce((most, score) => Math.max(most, score), 0);
  const matching = scores.flatMap((score, at) => (score > 0 && score >= best * leastShare ? [at] : []));
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

/** What is a formula in a model's text: the marks around it, and what only looks like one (money, shell variables). */

/** Bounds the search for the end of a formula, so that many openers cost no quadratic time. */
const longestSingle = 300;
const longestInline = 2_000;

/** How a formula is opened; the closing mark mirrors it. */
export type FormulaMark = "$" | "$$" | "\\(" | "\\[";

export const closingMarks: Readonly<Record<FormulaMark, string>> = { $: "$", $$: "$$", "\\(": "\\)", "\\[": "\\]" };

/** Characters that text between prices or shell variables does not have. */
export const operators = /[\\^_=+{}<>|]/;

/** Whether the text between two dollars is a formula, not prices or shell variables with words in between. */
function isFormula(content: string): boolean {
  if (/^\s|\s$|^$|[_^]$|`/.test(content)) return false;
  const startsAsPrice = /^\d/.test(content);
  // Words in a formula stand in a group, as in `\\text{if}`, or are commands.
  const prose = content.replace(/\{[^{}]*\}|\\[A-Za-z]+/g, "");
  if (startsAsPrice && /(?<!\p{L})(?!(?:sin|cos|tan|log|exp|max|min|mod|gcd|lim)\b)\p{L}{3}/u.test(prose)) return false;
  if (operators.test(content)) return true;
  if (startsAsPrice) return !/[\s,]/.test(content) || /^[\d\s.,/*()-]+$/.test(content);
  return (content.match(/\p{L}{3,}/gu)?.length ?? 0) < 3;
}

/** Whether the text behind a dollar may become a formula when it goes on. */
export function mayBecomeFormula(beginning: string): boolean {
  const settled = beginning.slice(0, undecidedFrom(beginning));
  return settled === "" || isFormula(settled.trim());
}

/** Where the end begins that the next characters decide: open groups, a command's name, marks of scripts, white space. */
function undecidedFrom(text: string): number {
  const openGroup = text.indexOf("{", text.lastIndexOf("}") + 1);
  let from = openGroup === -1 ? text.length : openGroup;
  for (;;) {
    let name = from;
    while (/[A-Za-z]/.test(text.charAt(name - 1))) name -= 1;
    if (text.charAt(name - 1) === "\\") from = name - 1;
    else if (/[_^\s]/.test(text.charAt(from - 1))) from -= 1;
    else return from;
  }
}

/**
 * Where an inline formula that opens at `start` ends (behind its closing mark): a number; -1 when there is none;
 * `"open"` when the text ends before that is decided.
 */
export function formulaEnd(text: string, start: number, mark: FormulaMark): number | "open" {
  const from = start + mark.length;
  if (mark !== "$") {
    const longest = text.slice(from, from + longestInline);
    const end = longest.indexOf(closingMarks[mark]);
    if (end > 0) return from + end + mark.length;
    return end === 0 ? -1 : longest.length < longestInline ? "open" : -1;
  }
  for (let at = from; at < text.length && at - from <= longestSingle; at += 1) {
    const char = text.charAt(at);
    if (char === "\n" || (at === from && /\s/.test(char))) return -1;
    if (char === "\\") at += 1;
    else if (char === "$") {
      const content = text.slice(from, at);
      return isFormula(content) && !closesNot(content, text.charAt(at + 1)) ? at + 1 : -1;
    }
  }
  return text.length - from <= longestSingle ? "open" : -1;
}

/** `$HOME/$USER`, `$5-$10`: what follows the second dollar shows that it opens something of its own. */
function closesNot(content: string, next: string): boolean {
  return next === "$" || /\d/.test(next) || (/\p{L}/u.test(next) && content.length > 2 && !operators.test(content));
}

/** Whether a `$` behind this character may open a formula. */
export function mayOpenBehind(previous: string): boolean {
  return !/[\p{L}\p{N}$\\]/u.test(previous);
}

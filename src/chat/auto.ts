/** `auto`: which of its two models a question goes to, by rules that can be told to who asks. Pure. */
import type { Effort, Tier } from "../ports/models.ts";
import type { AutoReason } from "../ports/notes.ts";
import { countTokens } from "./tokens.ts";

export interface AutoChoice {
  readonly tier: Tier;
  readonly because: AutoReason;
}

/** Longer questions are hard ones. */
const longTokens = 250;
/** Code and mathematics are looked for this far. UTF-16 units. */
const mostUnits = 4_000;
const manyNumbers = 3;
const manyParts = 3;

/** Signs of code in whatever language the question is: each of them is enough. */
const code: readonly RegExp[] = [
  /```/,
  /`[^`\n]+`/,
  /[!=]==?|=>|&&|\|\||<\/|\/>|::\w|\{\{|\$\{|#include|#!\//,
  /[;{]\s*$/m,
  // obj.call(, call(); but no link
  /\w\.\w+\(|\w\([^()\n]{0,80}\)[;{:.]/,
  /[a-z]_[a-z]/i,
  /\.(?:py|js|ts|tsx|jsx|java|rs|cpp|cs|rb|php|sql|sh|ya?ml|json|html|css|kt|swift)\b/i,
  /\b(?:TypeError|SyntaxError|NullPointerException|Traceback|Exception|segfault|stack ?trace|undefined is not)\b/i,
  /\bSELECT\s[^;\n]{1,200}\sFROM\b/i,
  // What programmers call their tools is the same everywhere.
  /(?:^|[^a-z])(?:python|javascript|typescript|node\.?js|sql|regexp?|html|css|bash|kotlin|golang|php|json|yaml|docker|kubernetes|haskell|c\+\+|c#)(?![a-z])/i,
];

/** Signs of mathematics. Dates, hours and addresses are gone by then. */
const mathematics: readonly RegExp[] = [
  /\$\$|\\(?:frac|int|sum|sqrt|begin|cdot|times|lim)\b|\\[([]/,
  /[∑∫√≤≥≠±∞∂∇∈∀∃∝≈⊂∪∩²³]/,
  /[\d\p{L})]\s?[*×÷·^=]\s?[(-]?\d|[\d)]\s?[<>]\s?\d/u,
  /\d\s?\+\s?\d|\d\s[-/−]\s\d/,
  /\b[a-z]\s?[=^]\s?[\da-z(-]|\b[a-z]\([a-z]\)\s?=/i,
  // Words that many languages share, and the same ones where letters are others.
  /(?:^|[^\p{L}])(?:integral|deriv|matri[xzc]|logarit|polynom|polinom|theorem|teorem|equation|equa[cç]|ecuaci|gleichung|algebra|geometr|probabilit|wahrscheinlichk)/iu,
  /интеграл|производн|матриц|уравнен|теорем|вероятност|докаж|积分|導数|导数|矩阵|方程|定理|概率|概率|证明|積分|行列|確率|証明|미분|적분|방정식|확률|معادلة|احتمال|समीकरण/u,
];

/** Not counted with. */
const noNumbers = /https?:\/\/\S+|(?<!\p{Nd})\p{Nd}+(?:[.:/-]\p{Nd}+)+|(?<!\p{Nd} ?)\+\p{Nd}{2,}/gu;

/** Chooses for one question, beside whose words pictures may stand. `effort`: what the conversation has set. */
export function chooseTier(question: string, effort: Effort | undefined, pictures = false): AutoChoice {
  const because = pictures && effort !== "high" ? "picture" : reasonOf(question, effort);
  return { tier: because === "short" ? "cheap" : "strong", because };
}

function reasonOf(question: string, effort: Effort | undefined): AutoReason {
  if (effort === "high") return "think";
  const looked = question.slice(0, mostUnits);
  const plain = looked.replaceAll(noNumbers, " ");
  if (code.some((sign) => sign.test(plain))) return "code";
  if (mathematics.some((sign) => sign.test(plain)) || numbersIn(plain) >= manyNumbers) return "mathematics";
  if (question.length > mostUnits || countTokens(question) > longTokens) return "long";
  return partsIn(plain) >= manyParts ? "parts" : "short";
}

function numbersIn(text: string): number {
  return text.match(/\p{Nd}+(?:[.,]\p{Nd}+)*/gu)?.length ?? 0;
}

/** Questions asked in one, or the items of a list, whichever are more. */
function partsIn(text: string): number {
  const questions = text.match(/[?？؟\u037e]+/gu)?.length ?? 0;
  const items = text.match(/^[ \t]*(?:[-*•]|\p{Nd}{1,2}[.)、])[ \t]?\S/gmu)?.length ?? 0;
  return Math.max(questions, items);
}

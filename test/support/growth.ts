/** How the CPU time of a piece of work grows with its input: a busy machine makes it later, not longer. */
import { expect } from "vitest";

const cheapMs = 20;
/**
 * Nothing is learned from texts that cost more than this: what costs four times as much for twice the text has met a size between
 * 20 and 80 ms before.
 */
const dearMs = 100;
/** What twice the text may cost, as a multiple. */
const mostTimes = 3;

function cpuMs(work: () => unknown): number {
  const start = process.threadCpuUsage();
  work();
  const used = process.threadCpuUsage(start);
  return (used.user + used.system) / 1_000;
}

function leastMs(work: () => unknown, runs: number): number {
  return Math.min(...Array.from({ length: runs }, () => cpuMs(work)));
}

/**
 * Doubles the input up to `largest`; tells where twice the input costs more than three times as much (the least of seven
 * runs each), and once more, from the size on that costs 20 ms. Undefined when it does nowhere. `prepare` is not counted.
 */
export function fasterThanItsInput<T>(
  prepare: (size: number) => T,
  run: (input: T) => unknown,
  largest = 100_000,
): string | undefined {
  let formerMs = 0;
  for (let size = Math.ceil(largest / 2 ** 7); size <= largest; size *= 2) {
    const input = prepare(size);
    let ms = cpuMs(() => run(input));
    if (formerMs >= cheapMs && ms > mostTimes * formerMs) {
      const half = prepare(size / 2);
      const halfMs = leastMs(() => run(half), 7);
      ms = leastMs(() => run(input), 7);
      const steps = halfMs >= cheapMs && ms > mostTimes * halfMs;
      // What grows goes on growing. A step is another matter: large arrays, say, are kept where each costs calls of the system.
      const double = steps ? prepare(2 * size) : undefined;
      if (double !== undefined && leastMs(() => run(double), 2) > mostTimes * ms) {
        return `${size / 2} cost ${halfMs.toFixed()} ms of CPU, ${size} cost ${ms.toFixed()} ms`;
      }
    }
    formerMs = ms;
    if (ms > dearMs) break;
  }
  return undefined;
}

/** Expects that twice the input nowhere costs more than three times as much. */
export function expectNoGrowth<T>(prepare: (size: number) => T, run: (input: T) => unknown): void {
  expect(fasterThanItsInput(prepare, run, 200_000)).toBeUndefined();
}

/** Repeats a unit to a length. */
export function repeated(unit: string): (length: number) => string {
  return (length) => unit.repeat(Math.ceil(length / unit.length));
}

/** What has made parsers and expressions slow: openers that nothing closes, blanks, marks in a row, and words between. */
export const hostileUnits: readonly string[] = [
  ...[
    "_",
    "*",
    "**",
    "~~",
    "`",
    "~",
    "|",
    "<",
    ">",
    "&",
    "$",
    "\\",
    "!",
    "#",
    "-",
    "=",
    ":",
    "@",
    ".",
    ",",
    "/",
    "'",
    '"',
  ],
  ...["[", "![", "](", "[[", "(", "{", "}", "[^", "[a]", "[a](", "[a](b", "[a][", "[![a]", "![a](data:", "[x]: y\n"],
  ...["*a ", "**a ", "_a ", "~~a ", "`a ", "*a*", "***a** b*", "_*a_*", "**a:**b", "a*b", "2*3", "__init__ "],
  ...[
    " ",
    "\t",
    "\n",
    " \n",
    "  \n",
    "\\\n",
    "\u00a0",
    "x ",
    "a",
    "a\n",
    "0",
    "漢",
    "**漢。**a",
    "😀",
    "\u200e",
    "a\u030a",
  ],
  ...[
    "> ",
    "> > ",
    "> a\n\n",
    "- ",
    "- - ",
    "- a\n",
    "  - a\n",
    "1. a\n",
    "```\n",
    "``` `",
    "a`b``c```",
    "<!--",
    "<!--\n",
  ],
  ...["|a|b|\n", "| ", "|a|b|\n|-|-|\n", "# ", "---\n", "a\n===\n", "[^1]: a\n", "a[^b]"],
  ...[
    "<br",
    "<br ",
    "<br   \n",
    "<b>",
    "<a b='",
    '<img src="data:',
    "</",
    "<?",
    "<![CDATA[",
    "<div>\n",
    "&amp;",
    "&a",
    "&#1",
  ],
  ...[
    "\\(",
    "\\[",
    "\\(x",
    "$$",
    "$$\n",
    "$x",
    "$x$",
    "\\frac{",
    "\\begin{a}",
    "\\a",
    "\\sin ",
    "\\frac ",
    "\\sqrt",
    "{a",
    "^{",
    "$500 ",
    "a^",
  ],
  ...["http://", "http://a.b ", "(http://a.b", "https://a@b/", "://", "@abc ", "a@b", "a.", "a@b.c ", "www.", "/@"],
];

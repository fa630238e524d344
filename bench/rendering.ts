/**
 * `npm run bench:rendering -- [options]`: what rendering costs while an answer is written (CPU microseconds of a preview, and
 * at the end), and the longest preview of texts that have made parsers slow.
 *
 *   --corpus FILE    answers to measure besides the dense ones: a JSON object a line, its texts of 400 characters and more
 *   --beside MODULE  another build's renderer (a module that exports `createStreamRenderer`), measured by turns
 *   --rounds 15      measured rounds; the least of them counts
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { createStreamRenderer } from "../src/markdown/render.ts";
import { denseMarkdown } from "./answer-text.ts";
import { printTable, rounded, writeResults } from "./results.ts";

type Create = typeof createStreamRenderer;

const { values } = parseArgs({
  options: { corpus: { type: "string" }, beside: { type: "string" }, rounds: { type: "string", default: "15" } },
});
const rounds = Number(values.rounds);
const renderers: [string, Create][] = [["this", createStreamRenderer]];
if (values.beside !== undefined) {
  const other = (await import(resolve(values.beside))) as { createStreamRenderer: Create };
  renderers.unshift(["beside", other.createStreamRenderer]);
}

interface Sample {
  readonly name: string;
  readonly answers: readonly string[];
  readonly previews: number;
}

const samples: Sample[] = [
  {
    name: "dense, 1,500 characters",
    answers: Array.from({ length: 12 }, (_, seed) => denseMarkdown(1_500, seed)),
    previews: 16,
  },
  {
    name: "dense, 8,000 characters",
    answers: Array.from({ length: 4 }, (_, seed) => denseMarkdown(8_000, seed)),
    previews: 80,
  },
];
if (values.corpus !== undefined) {
  const answers = textsIn(await readFile(values.corpus, "utf8"), 56);
  samples.push({ name: `${answers.length} answers of the corpus`, answers, previews: 40 });
  samples.push({ name: "the same in one", answers: [answers.join("\n\n").slice(0, 60_000)], previews: 80 });
}

/** Texts of a file of JSON lines, spread over all of it. */
function textsIn(lines: string, most: number): string[] {
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === "string") {
      if (value.length >= 400) found.push(value);
    } else if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) visit(inner);
  };
  for (const line of lines.split("\n")) if (line.trim() !== "") visit(JSON.parse(line));
  const step = Math.max(1, Math.floor(found.length / most));
  return found.filter((_, index) => index % step === 0).slice(0, most);
}

/** CPU time is counted in steps of some milliseconds: what is short is done often. */
const measuredMs = 60;

function cpuMicroseconds(work: () => void, times: number): number {
  const start = process.threadCpuUsage();
  for (let time = 0; time < times; time += 1) work();
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / times;
}

/** The least of all rounds, by turns, so that what else the machine does meets all alike. */
function leastOf(works: readonly (() => void)[]): number[] {
  const least = works.map(() => Number.POSITIVE_INFINITY);
  const times = works.map((work) => {
    work();
    const start = performance.now();
    work();
    return Math.max(1, Math.ceil(measuredMs / (performance.now() - start)));
  });
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, work] of works.entries()) {
      least[index] = Math.min(least[index] ?? 0, cpuMicroseconds(work, times[index] ?? 1));
    }
  }
  return least;
}

const results: object[] = [];
const rows = samples.map(({ name, answers, previews }) => {
  const inPreviews = renderers.map(([, create]) => () => {
    for (const answer of answers) {
      const stream = create();
      for (let part = 1; part <= previews; part += 1) stream.render(answer.slice(0, (answer.length * part) / previews));
    }
  });
  const atEnd = renderers.map(([, create]) => () => {
    for (const answer of answers) create().renderFinal(answer);
  });
  const preview = leastOf(inPreviews).map((cost) => cost / answers.length / previews);
  const end = leastOf(atEnd).map((cost) => cost / answers.length);
  results.push({ name, previews, renderers: renderers.map(([of]) => of), preview, end });
  return [name, ...preview.map(rounded), ...end.map(rounded)];
});
const heads = (what: string) => renderers.map(([of]) => `${what}, ${of}`);
console.log("CPU microseconds of one preview, and of the whole at the end\n");
printTable(["answers", ...heads("preview"), ...heads("end")], rows);

const slow: Readonly<Record<string, string>> = {
  "10,000 blanks in text": `a${" ".repeat(10_000)}b`,
  "10,000 blanks in code": `\`\`\`\na${" ".repeat(10_000)}b\n\`\`\``,
  "10,000 tabs in code": `\`\`\`\na${"\t".repeat(10_000)}b\n\`\`\``,
  "10,000 blank lines": `a${" \n".repeat(10_000)}b`,
  "10,000 blanks in a cell": `|a|b|\n|-|-|\n|${" ".repeat(10_000)}c|d|`,
  "10,000 blanks in a link": `[a${" ".repeat(10_000)}b](http://c.de)`,
  "10,000 back-ticks": `a ${"`".repeat(10_000)}`,
  "10,000 brackets": "[".repeat(10_000),
};
const longest = Object.entries(slow).map(([name, text]) => {
  const milliseconds = renderers.map(([, create]) => {
    let most = 0;
    const stream = create();
    for (let part = 1; part <= 16; part += 1) {
      const beginning = text.slice(0, (text.length * part) / 16);
      most = Math.max(most, Math.min(...leastOf([() => stream.render(beginning)])) / 1_000);
    }
    return most;
  });
  results.push({ name, milliseconds });
  return [name, ...milliseconds.map(rounded)];
});
console.log("\nThe longest preview, milliseconds of CPU (none may take more than 50)\n");
printTable(["text", ...renderers.map(([of]) => of)], longest);
await writeResults("rendering", { results });

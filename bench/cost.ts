/**
 * `npm run bench:cost -- [options]`: what 50,000 messages cost, by how conversations are led. Recorded dialogues go through
 * the bot's own code to providers on loopback, which count tokens and keep a cache of prompts as theirs do.
 *
 *   --quick                about a minute: fewer chats
 *   --model openai/gpt-4.1 the model that is paid for
 *   --summariser openai/gpt-4.1-nano   a cheaper one that writes summaries
 *   --cheap deepseek/deepseek-v4-flash   the model that a switch would go to
 *   --turns 3,12,40,120    lengths of chats, in questions
 *   --pauses none,usual    none: each question comes within four minutes, and no cache is ever cold; usual: before a dialogue, as
 *                          often as not, somebody is away for ten minutes to an hour, or until the next day
 *   --data FILE            dialogues in the form of MT-Bench-101
 */
import { parseArgs } from "node:util";
import { countTokens } from "../src/chat/tokens.ts";
import { createPrices } from "../src/models/prices.ts";
import { chatsOf, type Pauses, readDialogues } from "./cost/dialogues.ts";
import { personas } from "./cost/personas.ts";
import { type Manner, type Replayed, replay } from "./cost/replay.ts";
import { printTable, writeResults } from "./results.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    model: { type: "string", default: "openai/gpt-4.1" },
    summariser: { type: "string", default: "openai/gpt-4.1-nano" },
    cheap: { type: "string", default: "deepseek/deepseek-v4-flash" },
    turns: { type: "string", default: "3,12,40,120" },
    pauses: { type: "string", default: "none,usual" },
    data: { type: "string" },
  },
});
const { model, summariser, cheap } = values;
/** Of a length; whole chats. */
const questions = values.quick ? 120 : 720;
const lengths = values.turns.split(",").map(Number);
const pausing = (["none", "usual"] as const).filter((one) => values.pauses.split(",").includes(one));
const priceDate = "2026-11-21";
const pricedAt = Date.parse(`${priceDate}T12:00:00Z`);
const costOf = createPrices();
const messages = 50_000;

/** Nothing of a history is ever left out. */
const everything = { HISTORY_MAX_TOKENS: "10000000", HISTORY_MAX_MESSAGES: "10000" };

interface Line extends Manner {
  readonly name: string;
  readonly uncached?: true;
  /** Compared with the first of its kind; a cheaper model is no merit of the bot. */
  readonly kind: "same model" | "model switch";
}

const base = "full history, provider's cache";
const lines: readonly Line[] = [
  { name: "full history, no cache", kind: "same model", model, env: everything, uncached: true },
  { name: base, kind: "same model", model, env: everything },
  { name: "sliding window of 20 messages", kind: "same model", model, env: everything, newestMessages: 20 },
  { name: "Parley, no summaries", kind: "same model", model },
  { name: "Parley", kind: "same model", model, summaries: model },
  { name: `Parley, summaries by ${summariser}`, kind: "same model", model, summaries: summariser },
  { name: `${cheap}, full history`, kind: "model switch", model: cheap, env: everything },
  { name: `Parley auto, ${cheap} for easy questions`, kind: "model switch", model, cheap, summaries: cheap },
  { name: `Parley, ${cheap}`, kind: "model switch", model: cheap, summaries: cheap },
];

/** What chats are alike in. */
interface Kind {
  readonly pauses: Pauses;
  readonly turns: number;
  readonly persona: string;
}

interface Row extends Kind {
  readonly name: string;
  readonly kind: Line["kind"];
  readonly dollars: number;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly facts: number;
}

const recordings = readDialogues(values.data);
console.log(
  `${recordings.source}, SHA-256 ${recordings.hash.slice(0, 16)}…; prices of ${priceDate} by @pydantic/genai-prices; ` +
    `tokens by the bot's own estimate; personas of ${countTokens(personas.short)} and ${countTokens(personas.long)} tokens.`,
);
console.log(`US dollars for ${messages.toLocaleString("en")} questions with their answers.\n`);

const rows: Row[] = [];
for (const pauses of pausing) {
  for (const turns of lengths) {
    const chats = chatsOf(recordings, turns, Math.max(1, Math.round(questions / turns)), pauses);
    for (const [persona, words] of Object.entries(personas)) {
      const replays = new Map<string, Replayed>();
      for (const line of lines) {
        const key = JSON.stringify([line.model, line.cheap, line.env, line.summaries, line.newestMessages]);
        const replayed = replays.get(key) ?? (await replay(chats, line, words));
        replays.set(key, replayed);
        rows.push(rowOf(line, { pauses, turns, persona }, replayed));
      }
      printRows(`${turns} questions a chat, ${persona} persona, pauses: ${pauses}`, rows.slice(-lines.length));
    }
  }
}
await writeResults("cost", { source: recordings.source, hash: recordings.hash, priceDate, rows });

function rowOf(line: Line, of: Kind, replayed: Replayed): Row {
  const { calls, facts, factsPresent } = replayed;
  const sums = { dollars: 0, input: 0, cached: 0, output: 0 };
  for (const { model: asked, usage } of calls) {
    const { inputTokens, outputTokens } = usage;
    const cachedTokens = line.uncached ? 0 : usage.cachedTokens;
    const dollars = costOf(asked, { inputTokens, cachedTokens, outputTokens }, pricedAt);
    if (dollars === undefined) throw new Error(`the price of ${asked} is not known`);
    sums.dollars += dollars;
    sums.input += inputTokens;
    sums.cached += cachedTokens;
    sums.output += outputTokens;
  }
  const each = 1 / replayed.questions;
  return {
    ...of,
    ...{ name: line.name, kind: line.kind },
    ...{ dollars: sums.dollars * each * messages, input: sums.input * each },
    ...{ cached: sums.cached * each, output: sums.output * each },
    facts: facts === 0 ? 1 : factsPresent / facts,
  };
}

function printRows(title: string, some: readonly Row[]): void {
  console.log(`${title}\n`);
  const compared = some.find(({ name }) => name === base)?.dollars ?? Number.NaN;
  for (const kind of ["same model", "model switch"] as const) {
    const cells = some
      .filter((row) => row.kind === kind)
      .map((row) => [
        row.name,
        `$${row.dollars.toFixed(2)}`,
        row.name === base ? "" : `${signed(100 * (row.dollars / compared - 1))} %`,
        row.input.toFixed(0),
        `${(100 * (row.cached / row.input)).toFixed(0)} %`,
        row.output.toFixed(0),
        `${(100 * row.facts).toFixed(0)} %`,
      ]);
    printTable([kind, "dollars", "to full, cached", "tokens in", "cached", "tokens out", "facts present"], cells);
    console.log();
  }
}

function signed(percent: number): string {
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)}`;
}

/** What people and a model have said to each other: recorded dialogues where they are at hand, otherwise made up ones. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createRandom, type Random } from "./random.ts";

/** A question with its recorded answer. */
export interface RecordedTurn {
  readonly asked: string;
  readonly answered: string;
  /** Milliseconds since the question before it. */
  readonly afterMs: number;
  /** Words of a fact that the question states, found nowhere else. */
  readonly fact?: string;
}

export interface Recordings {
  /** Where they come from, in words. */
  readonly source: string;
  /** SHA-256 of all of it. */
  readonly hash: string;
  /** Turns one after another, dialogue behind dialogue. */
  readonly turns: readonly (Pick<RecordedTurn, "asked" | "answered"> & {
    /** A dialogue begins with it. */
    readonly first: boolean;
  })[];
}

/** How long people wait between two questions: always little, or, before a new dialogue, often longer than any cache lives. */
export type Pauses = "none" | "usual";

const file = fileURLToPath(new URL("../../../shared/data/mtbench101.jsonl", import.meta.url));
const seed = 20_261_127;
const generatedDialogues = 800;
/** Every so many questions somebody says something about themselves. */
const turnsPerFact = 8;
const [second, minute, hour] = [1_000, 60_000, 3_600_000];
/** Between two questions of somebody who is chatting. */
const pause = { least: 20 * second, most: 240 * second };
/** Before a dialogue, one as often as the other: none that is longer, a while, or until the next day. */
const before = [pause, { least: 10 * minute, most: 60 * minute }, { least: 5 * hour, most: 20 * hour }];

/** Reads MT-Bench-101 beside the checkout (or at `path`), or makes dialogues up, always the same ones. */
export function readDialogues(path = file): Recordings {
  if (!existsSync(path)) {
    const turns = generated();
    return { source: `generated (seed ${seed})`, hash: hashOf(JSON.stringify(turns)), turns };
  }
  const text = readFileSync(path, "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  const dialogues = lines.map((line) => JSON.parse(line) as { history: { user: string; bot: string }[] });
  const turns = shuffled(dialogues, createRandom(seed)).flatMap(({ history }) =>
    history.map(({ user, bot }, place) => ({ asked: user, answered: bot, first: place === 0 })),
  );
  return { source: `MT-Bench-101, ${dialogues.length} dialogues`, hash: hashOf(text), turns };
}

/**
 * Chains dialogues to chats of so many questions each, as one goes on with one bot for weeks, and lets people state facts
 * about themselves in between. The same for the same numbers.
 */
export function chatsOf(
  { turns }: Recordings,
  length: number,
  count: number,
  pauses: Pauses = "none",
): readonly (readonly RecordedTurn[])[] {
  const random = createRandom(seed + length);
  return Array.from({ length: count }, (_, chat) =>
    Array.from({ length }, (_, place) => {
      const { first, ...recorded } = turns[(chat * length + place) % turns.length] ?? nothing;
      const { least, most } = first && pauses === "usual" ? random.pick(before) : pause;
      const afterMs = least + random.below(most - least);
      if (place % turnsPerFact !== 1) return { ...recorded, afterMs };
      const { sentence, fact } = statement(random);
      return { ...recorded, afterMs, asked: `${recorded.asked}\n\nBy the way, ${sentence}`, fact };
    }),
  );
}

const nothing = { asked: "", answered: "", first: false };

/** A sentence about whoever says it, and the words in it that nobody could guess. */
function statement(random: Random): { sentence: string; fact: string } {
  const name = `${nameOf(random)} ${nameOf(random)}`;
  const number = String(10_000 + random.below(90_000));
  const [begin, end, fact] = random.pick([
    ["my sister is called ", ".", name],
    ["I work at a company named ", ".", name],
    ["my flat is in a street called ", ".", name],
    ["the licence plate of my car ends in ", ".", number],
    ["we decided to name our boat ", ".", name],
    ["my order has the number ", ".", number],
    ["I am allergic to a plant that my doctor calls ", ".", name],
    ["our budget for the kitchen is ", " euros.", number],
  ] as const);
  return { sentence: `${begin}${fact}${end}`, fact };
}

function nameOf(random: Random): string {
  const syllables = ["ba", "dor", "vel", "mi", "tas", "lun", "ka", "rop", "sel", "ni", "gra", "hom"];
  const name = Array.from({ length: 3 }, () => random.pick(syllables)).join("");
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const result = [...list];
  for (let at = result.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}

/** Of the lengths of MT-Bench-101: 3 turns each, 71 characters a question and 335 an answer on average. */
function generated(): Recordings["turns"] {
  const random = createRandom(seed);
  const words = "the plan of a garden needs water light some shade and people who look after it every week".split(" ");
  const text = (characters: number, end: string) => {
    let result = "";
    while (result.length < characters) result += `${random.pick(words)} `;
    return `${result.charAt(0).toUpperCase()}${result.slice(1, -1)}${end}`;
  };
  return Array.from({ length: generatedDialogues }, () =>
    Array.from({ length: 3 }, (_, place) => ({
      asked: text(30 + random.below(90), "?"),
      answered: text(80 + random.below(510), "."),
      first: place === 0,
    })),
  ).flat();
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

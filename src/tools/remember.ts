/** The tools `remember` and `forget`: facts that the user wants to be known in all conversations from now on. */
import { type FactText, longestFact, mostFacts, readFact } from "../base/fact-text.ts";
import { ownerOf } from "../ports/facts.ts";
import { failedWith } from "../ports/tool-results.ts";
import type { Tool } from "../ports/tools.ts";
import { countIn, textIn } from "./arguments.ts";

const mostMs = 20_000;

const shared = {
  class: "keyed",
  // The facts of a group are the group's own.
  inGroups: true,
  ofMemory: true,
  asks: false,
  carriesOut: true,
  mostMs,
  activity: () => ({ doing: "remembering" }),
} as const satisfies Partial<Tool>;

/** Creates the tool that adds a fact, or puts it in the place of another one. `now`: milliseconds since the epoch. */
export function createRemember(now: () => number = Date.now): Tool {
  return {
    ...shared,
    name: "remember",
    description: `Keeps one fact for all later conversations: what the user asks you to remember, or something lasting that they tell you about themselves (name, language, place, work, needs, preferences). Not what matters in this conversation alone, not what you have read somewhere, and never a password, a key or the number of a card. One short sentence of at most ${longestFact} characters in the user's language. The user sees what was remembered, with a button to undo it.`,
    parameters: {
      type: "object",
      properties: {
        fact: { type: "string", description: "The fact, like: Is vegan." },
        replaces: { type: "integer", description: "The number of the fact that this one takes the place of, if any." },
      },
      required: ["fact"],
    },
    async run({ args, key, turn }, signal) {
      const given = textIn(args, "fact");
      if (given === undefined) return failedWith(`remember needs fact, a sentence of 1 to ${longestFact} characters.`);
      const fact = readFact(given);
      if (!("text" in fact)) return failedWith(refusalOf(fact));
      signal.throwIfAborted();
      const { text } = fact;
      const how = { key, atMost: mostFacts, replaces: countIn(args, "replaces") };
      const added = await turn.store.addFact(ownerOf(turn.conversation), { text, at: now() }, how);
      if (added === undefined)
        return failedWith(
          `There are ${mostFacts} facts already, and no more are kept. Ask the user which may go, or put this one in the place of another (replaces).`,
        );
      const { number } = added;
      if (added.known) return { text: `It is known already, as number ${number}.` };
      return {
        text: `Remembered as number ${number}. The user sees it below your answer.`,
        remembered: { fact: number, text },
        note: `remembered as number ${number}: ${text}`,
      };
    },
  };
}

/** Creates the tool that removes a fact. */
export function createForget(): Tool {
  return {
    ...shared,
    name: "forget",
    description:
      "Forgets one of the numbered facts that you were told to remember, for good. Only when the user asks for it, or says that it is no longer true and nothing takes its place.",
    parameters: {
      type: "object",
      properties: { number: { type: "integer", description: "The number of the fact." } },
      required: ["number"],
    },
    async run({ args, turn }, signal) {
      const number = countIn(args, "number");
      if (number === undefined) return failedWith("forget needs number, that of a fact.");
      signal.throwIfAborted();
      const found = await turn.store.removeFact(ownerOf(turn.conversation), number);
      // A delivery before this one may have removed it.
      if (!found) return { text: `There is no fact number ${number} any more.` };
      return { text: `Number ${number} is forgotten.`, note: `forgot number ${number}` };
    },
  };
}

function refusalOf(fact: Exclude<FactText, { text: string }>): string {
  if (fact.problem === "too-long")
    return `The fact has ${fact.length} characters; at most ${longestFact} are kept. Say it shorter, or as several facts.`;
  if (fact.problem === "empty") return "The fact says nothing.";
  const what = { key: "a key", card: "the number of a card", password: "a password" }[fact.problem];
  return `Not remembered: it looks like ${what}, and such things are never kept. Tell the user so, and do not try again.`;
}

/** English: what is remembered for users. */
import type { MemoryList, UnrememberedBecause } from "./facts.ts";

const hints = "/memory add and a sentence adds one, /forget 3 removes number 3, /forget all removes everything.";

function stateLine({ state, group }: MemoryList): string {
  if (state === "closed")
    return "Memory is switched off for this whole bot: nothing is added, and no model is told of it.";
  if (state === "off") return "Memory is off here: nothing is added, and no model is told of it.";
  return group
    ? "Models are told it from the start of each conversation here. It is the group's: every member may read and change it, and what I remember about a member alone is told in no group."
    : "Models are told it from the start of each conversation with you, and in no group.";
}

function memoryList(list: MemoryList): string {
  const { facts, count, most, group, state } = list;
  const about = group ? "this group" : "you";
  const head =
    count === 0 ? `📝 I remember nothing about ${about}.` : `📝 What I remember about ${about} (${count} of ${most}):`;
  const lines = facts.map(({ number, text }) => `${number}. ${text}`).join("\n");
  return [head, lines, stateLine(list), state === "on" ? hints : ""].filter((part) => part !== "").join("\n\n");
}

function notRemembered(why: UnrememberedBecause): string {
  switch (why.problem) {
    case "empty":
      return "What shall I remember? Write it after the command: /memory add I am vegan";
    case "too-long":
      return `A fact may have ${why.most} characters; yours has ${why.length}. Please say it shorter.`;
    case "full":
      return `I remember ${why.most} facts already, and that is as many as I can. /forget and a number removes one.`;
    case "key":
      return "I do not remember this: it looks like a key, and keys are safer elsewhere.";
    case "card":
      return "I do not remember this: it looks like the number of a card.";
    case "password":
      return "I do not remember this: it looks like a password, a PIN or a code.";
  }
}

/** A fact that is remembered from now on; `undone`: that was, until it was taken back. */
export function rememberedLine(text: string, undone = false): string {
  return undone ? `↩️ Not remembered: ${text}` : `📝 Remembered: ${text}`;
}

export const memoryTexts = {
  undone: "Undone.",
  undoneAlready: "There is nothing to undo any more.",
  memoryList,
  remembered: (text: string) => rememberedLine(text),
  unremembered: (text: string) => rememberedLine(text, true),
  rememberedAlready: (number: number) => `📝 I remember that already, as number ${number}.`,
  notRemembered,
  /** `off`: in this chat; `closed`: nowhere. */
  memoryIs: (state: "off" | "closed") =>
    state === "off"
      ? "Memory is off here; /memory on switches it on."
      : "Memory is switched off for this whole bot, so I cannot remember this.",
  forgetHow:
    "Which fact shall I forget? /memory lists them; /forget 3 removes number 3, /forget all removes everything.",
  forgotten: (text: string) => `📝 Forgotten: ${text}`,
  forgottenAll: (count: number) =>
    count === 0
      ? "📝 There was nothing that I remembered."
      : `📝 Forgotten: ${count === 1 ? "the only fact" : `all ${count} facts`}.`,
  noSuchFact: (number: number) => `There is no fact number ${number}. /memory lists what I remember.`,
};

/**
 * What a model writes that is asked for a summary: the notes that it was given, then each statement that somebody makes about
 * themselves (its first words), then what else was asked, briefly, as long as it fits. A real model chooses and shortens better;
 * what is measured is whether what was said reaches the summary, and the next one, and the prompt.
 */
import { countTokens } from "../../src/chat/tokens.ts";
import type { Worded } from "./provider-server.ts";

/** About three quarters of a word. */
const tokensPerWord = 1 / 0.6;
/** A real one shortens what it was told, and a question to a few words. */
const [factWords, subjectWords] = [14, 8];

/** The answer to a request of `chat/summary-words.ts`, or undefined when it is none. */
export function summaryOf(messages: readonly Worded[]): string | undefined {
  const [system, record] = messages;
  const words = /at most (\d+) words in all/.exec(system?.content ?? "")?.[1];
  if (words === undefined || record === undefined || messages.length !== 2) return undefined;
  const lines = record.content.split("\n").map((line) => JSON.parse(line) as { notes?: string; user?: string });
  const notes = lines.flatMap(({ notes = "" }) => notes.split("\n").filter((line) => line !== ""));
  const said = lines.flatMap(({ user = "" }) => user.split(/(?<=[.!?])\s+|\n+/).filter((sentence) => sentence !== ""));
  const facts = said.filter(
    (sentence) => /\b([Mm]y|[Oo]ur|I am|I'm|I have|I work|[Ww]e decided)\b/.test(sentence) && !sentence.endsWith("?"),
  );
  const subjects = lines.flatMap(({ user }) => (user === undefined ? [] : [`Asked: ${beginning(user, subjectWords)}`]));
  const isFact = (line: string) => !line.startsWith("- Asked:");
  const all = [
    ...notes.filter(isFact),
    ...facts.map((fact) => `- ${beginning(fact.replace(/^By the way, /, ""), factWords)}`),
    ...subjects.slice(-3).map((subject) => `- ${subject}`),
  ];
  return within(Number(words) * tokensPerWord, [...new Set(all)]);
}

function beginning(text: string, words: number): string {
  return text.split(/\s+/).slice(0, words).join(" ");
}

function within(maxTokens: number, lines: readonly string[]): string {
  let left = maxTokens;
  const kept = lines.filter((line) => {
    left -= countTokens(line);
    return left >= 0;
  });
  return kept.join("\n");
}

/** The languages that the bot speaks. */
import type { Note } from "../ports/notes.ts";
import { english } from "./english.ts";

/** All sentences of a language. English is the measure: a language that lacks one does not compile. */
export type Texts = typeof english;

const languages: ReadonlyMap<string, Texts> = new Map([["en", english]]);

/** The sentences for a person whose client speaks this language (an IETF tag such as `pt-br`); English where it is not known. */
export function textsFor(language: string | undefined): Texts {
  const [primary = ""] = language?.toLowerCase().split("-") ?? [];
  return languages.get(primary) ?? english;
}

/** What notes say, a line each. */
export function linesOf(texts: Texts, notes: readonly Note[]): string {
  return notes.map((note) => (note.kind === "former" ? note.words : texts.note(note))).join("\n");
}

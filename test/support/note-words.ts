/** What notes say in English, by what they are about. */
import type { ModelErrorKind } from "../../src/base/errors.ts";
import type { Note, UnseenKind } from "../../src/ports/notes.ts";
import { english } from "../../src/texts/english.ts";
import { linesOf } from "../../src/texts/texts.ts";

const { note } = english;

export const noteWords = {
  modelFailed: (failure: ModelErrorKind, retryAfterMs?: number) => note({ kind: "failed", failure, retryAfterMs }),
  stopped: note({ kind: "stopped" }),
  cutAtLength: note({ kind: "cut", by: "length" }),
  cutByFilter: note({ kind: "cut", by: "filtered" }),
  cutAsTooLong: note({ kind: "cut", by: "too-long" }),
  historyCut: note({ kind: "history-cut" }),
  answeredBy: (model: string) => note({ kind: "answered-by", model }),
  unseen: (what: UnseenKind) => note({ kind: "unseen", what }),
  picturesAlone: (count: number) => note({ kind: "pictures-alone", count }),
  picturesDropped: (count: number) => note({ kind: "pictures-dropped", count }),
  seenBy: (model: string, instead: string) => note({ kind: "seen-by", model, instead }),
  picturesLost: (count: number) => note({ kind: "pictures-lost", count }),
  storageLost: note({ kind: "storage-lost" }),
};

/** All of them, a line each. */
export function inEnglish(notes: readonly Note[]): string {
  return linesOf(english, notes);
}

/** A note that says just this. */
export function saying(words: string): Note {
  return { kind: "former", words };
}

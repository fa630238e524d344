/** How a turn's record changes: the same in every store. */
import type { Note } from "../../ports/notes.ts";
import type { Turn } from "../../ports/store.ts";

/** Exchanges and turns that a conversation keeps at least. */
export const keptPerConversation = 2_000;
/**
 * Older ones go so many at once: providers bill a repeated beginning at a fraction, and a history that lost its oldest
 * exchange with each new one would never repeat its own.
 */
export const droppedAtOnce = 500;
/** Exchanges in memory at once while a whole history is read: an answer may have 200,000 characters and more. */
export const scannedAtOnce = 10;
/** A dialog that nobody went on with for a day is over. */
export const dialogTtlMs = 24 * 3_600_000;

/** A turn as the version before may have stored it: what is notes now were sentences. */
interface FormerTurn extends Omit<Turn, "notes" | "questionNotes"> {
  readonly note?: string;
  readonly notes?: readonly (Note | string)[];
  readonly questionNotes?: readonly Note[];
}

/** A turn as it was stored, by this version or by the one before. */
export function presentTurn({ note, notes = [], questionNotes, ...turn }: FormerTurn): Turn {
  const said = notes.filter((words) => typeof words === "string").map(inWords);
  const about = said.length > 0 ? said : questionNotes;
  const below = note === undefined ? notes.filter((one) => typeof one !== "string") : note.split("\n").map(inWords);
  return {
    ...turn,
    ...(about === undefined ? {} : { questionNotes: about }),
    ...(below.length === 0 ? {} : { notes: below }),
  };
}

function inWords(words: string): Note {
  return { kind: "former", words };
}

/** The record with other messages on the screen. */
export function withMessages(turn: Turn, messages: readonly number[], file: number | undefined): Turn {
  const { file: _former, ...rest } = turn;
  return { ...rest, messages: [...messages], ...(file === undefined ? {} : { file }) };
}

/** The record at its run's end. Ids of messages are written as they come to exist, so the stored ones are the newest. */
export function answered(ended: Turn, stored: Turn): Turn {
  return { ...withMessages(ended, stored.messages, stored.file), state: "answered" };
}

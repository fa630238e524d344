/** How a turn's record changes: the same in every store. */
import type { Turn, TurnPicture } from "../../ports/turns.ts";

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

/** The record with other messages on the screen. */
export function withMessages(turn: Turn, messages: readonly number[], file: number | undefined): Turn {
  return { ...turn, messages: [...messages], file };
}

/** The record with other pictures below the answer. */
export function withPictures({ pictures: _former, ...turn }: Turn, pictures: readonly TurnPicture[]): Turn {
  return pictures.length === 0 ? turn : { ...turn, pictures: pictures.map((picture) => ({ ...picture })) };
}

/** The record with all that another one has, but for its state and what stands on the screen. */
export function renewed(turn: Turn, stored: Turn): Turn {
  return { ...withShown(turn, stored), state: stored.state };
}

/** The record at its run's end. Ids of messages are written as they come to exist, so the stored ones are the newest. */
export function answered(ended: Turn, stored: Turn): Turn {
  return { ...withShown(ended, stored), state: "answered" };
}

/** The record while it waits for a person. */
export function suspended(waiting: Turn, stored: Turn): Turn {
  return { ...withShown(waiting, stored), state: "waiting" };
}

function withShown(turn: Turn, { messages, file, pictures = [] }: Turn): Turn {
  return withPictures(withMessages(turn, messages, file), pictures);
}

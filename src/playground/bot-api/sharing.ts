/** What people share that is neither words nor a file: where they are, whom they know, what they ask, a throw of dice. */
import { randomInt } from "node:crypto";
import type { Message } from "grammy/types";
import type { WriteOptions } from "./file-side.ts";
import { impossible } from "./refusal.ts";

export type Shared =
  | (Point & { readonly kind: "location" /** Seconds that it is kept up to date. */; readonly liveSeconds?: number })
  | (Point & { readonly kind: "venue"; readonly title: string; readonly address: string })
  | { readonly kind: "contact"; readonly phoneNumber: string; readonly firstName: string }
  | { readonly kind: "poll"; readonly question: string; readonly options: readonly string[] }
  | { readonly kind: "dice"; readonly emoji: string };

/** In degrees. */
interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

export interface SharingSide {
  share(chatId: number, userId: number, shared: Shared, options?: WriteOptions): Message;
}

/** By the emoji of a throw, how many ways it can end. */
const endings: Readonly<Record<string, number>> = { "🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64 };
const liveSeconds = { least: 60, most: 86_400 };
/** A location that is kept up to date until it is stopped. */
const liveForEver = 0x7fffffff;
const poll = { longestQuestion: 300, fewest: 1, most: 12, longestOption: 100 };

type Write = (chatId: number, userId: number, options: WriteOptions, content: Partial<Message>) => Message;

/** Creates the hands by which people share things; `write` puts a message into a chat. */
export function createSharingSide(write: Write): SharingSide {
  return {
    share: (chatId, userId, shared, options = {}) => write(chatId, userId, options, contentOf(shared)),
  };
}

function contentOf(shared: Shared): Partial<Message> {
  switch (shared.kind) {
    case "location":
      return { location: { ...pointOf(shared), ...liveOf(shared.liveSeconds) } };
    case "venue": {
      const location = pointOf(shared);
      checkText("the name of a place", shared.title, 256);
      // As Telegram does it, for bots that know no places.
      return { location, venue: { location, title: shared.title, address: shared.address } };
    }
    case "contact":
      checkText("a phone number", shared.phoneNumber, 64);
      checkText("a name", shared.firstName, 64);
      return { contact: { phone_number: shared.phoneNumber, first_name: shared.firstName } };
    case "poll":
      return { poll: pollOf(shared) };
    case "dice": {
      const most = endings[shared.emoji];
      if (most === undefined) throw impossible(`${shared.emoji} cannot be thrown`);
      return { dice: { emoji: shared.emoji, value: randomInt(1, most + 1) } };
    }
  }
}

function pointOf({ latitude, longitude }: Point): Point {
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) throw impossible("there is no such place on earth");
  return { latitude, longitude };
}

function liveOf(seconds: number | undefined): { live_period?: number } {
  if (seconds === undefined) return {};
  const fits = seconds === liveForEver || (seconds >= liveSeconds.least && seconds <= liveSeconds.most);
  if (!fits) throw impossible(`a live location lasts ${liveSeconds.least} to ${liveSeconds.most} seconds`);
  return { live_period: seconds };
}

function pollOf({ question, options }: Extract<Shared, { kind: "poll" }>): NonNullable<Message["poll"]> {
  checkText("a question", question, poll.longestQuestion);
  if (options.length < poll.fewest || options.length > poll.most) {
    throw impossible(`a poll has ${poll.fewest} to ${poll.most} options`);
  }
  for (const option of options) checkText("an option", option, poll.longestOption);
  return {
    id: String(5_000_000_000_000_000_000n + BigInt(randomInt(2 ** 47))),
    question,
    options: options.map((text, index) => ({ persistent_id: String(index), text, voter_count: 0 })),
    ...{ total_voter_count: 0, is_closed: false, is_anonymous: true, type: "regular" as const },
    ...{ allows_multiple_answers: false, allows_revoting: true, members_only: false },
  };
}

function checkText(what: string, text: string, most: number): void {
  if (text.trim() === "" || text.length > most) throw impossible(`${what} has 1 to ${most} characters`);
}

/**
 * What a conversation was like when its turn lane was taken: read in the same step, so that a turn begins without asking for it
 * piece by piece. While the lane is ours nobody else writes its turns; settings may change, so all of it is soon too old.
 */
import type { ConversationId } from "../../ports/updates.ts";

/** What is kept about a conversation's summary, its exchanges, and what of facts it is told. */
export type ConversationRecords = readonly [
  summary: string | null,
  exchanges: readonly (string | null)[],
  facts: string | null,
];

/** As the script answers: settings, the time of the last activity, the newest question, two records, exchanges, summary, facts. */
export type OpeningAnswer = readonly [
  settings: readonly string[],
  active: string | null,
  newest: string | null,
  ofThisQuestion: string | null,
  ofNewest: string | null,
  /** Left out when it is long. */
  history: readonly (string | null)[] | null,
  summary: string | null,
  facts: string | null,
];

/** Each piece is given once; undefined: it has to be read. Times are milliseconds since the epoch. */
export interface Opening {
  /** Names and values in turn. */
  settings(conversation: ConversationId): readonly string[] | undefined;
  /** The record of a question's turn, of the newest one when it is empty; null when there is none since `oldest`. */
  turn(conversation: ConversationId, question: number | "", oldest: number): string | null | undefined;
  /** With the newest exchanges; none when nothing has happened since `oldest`. */
  conversation(conversation: ConversationId, atMost: number, oldest: number): ConversationRecords | undefined;
  /** Something was written: of the turns alone, or of anything. */
  spoil(what: "turns" | "all"): void;
}

/** It may be written again meanwhile, by a command. */
const validMs = 2_000;

/** Creates it. `question` is the one that is asked, `exchanges` how many the script was asked for. */
export function createOpening(
  conversation: ConversationId,
  question: number | undefined,
  exchanges: number,
  [settings, active, newest, ofThisQuestion, ofNewest, history, summary, facts]: OpeningAnswer,
): Opening {
  const until = performance.now() + validMs;
  const turns = new Map<number | "", string | null>([["", ofNewest]]);
  if (newest !== null) turns.set(Number(newest), ofNewest);
  if (question !== undefined) turns.set(question, ofThisQuestion);
  const rest = {
    settings: settings as readonly string[] | undefined,
    records: history === null ? undefined : ([summary, history, facts] as ConversationRecords | undefined),
  };
  const present = (oldest: number) => active !== null && Number(active) >= oldest;
  const fits = (asked: ConversationId) => asked === conversation && performance.now() < until;

  return {
    settings(asked) {
      const found = fits(asked) ? rest.settings : undefined;
      rest.settings = undefined;
      return found;
    },
    turn(asked, which, oldest) {
      const found = fits(asked) ? turns.get(which) : undefined;
      turns.delete(which);
      return found === undefined || present(oldest) ? found : null;
    },
    conversation(asked, atMost, oldest) {
      const found = fits(asked) && atMost === exchanges ? rest.records : undefined;
      rest.records = undefined;
      return found === undefined || present(oldest) ? found : [null, [], null];
    },
    spoil(what) {
      turns.clear();
      if (what === "turns") return;
      rest.settings = undefined;
      rest.records = undefined;
    },
  };
}

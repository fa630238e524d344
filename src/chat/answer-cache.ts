/** Which answers may be given again, and to which questions. Pure. */
import { createHash } from "node:crypto";
import { type AnswerSlot, type AnswerToKeep, everybody } from "../ports/answers.ts";
import { isText } from "../ports/content.ts";
import type { Turn } from "../ports/turns.ts";
import type { Writing } from "./turn-end.ts";
import type { TurnPrompt } from "./turn-prompt.ts";

export interface AnswerCache {
  /** Whether a chat is given the answers of others. */
  readonly shared: boolean;
  readonly keepMs: number;
  /** What the operator has set and answers depend on: whatever changes in it, nothing from before is found. */
  readonly settings: string;
}

/** Longer ones are not kept. UTF-16 units. */
const longestAnswer = 16_000;

/**
 * Where the answer to a question is kept, if it may be: the model is shown nothing but persona and question, and all of that is
 * words. Who wants to see thoughts is always answered by the model itself: they are not kept.
 */
export function slotOf(
  { shared, settings }: AnswerCache,
  { asked, conversation, continues, questionNotes = [] }: Turn,
  { history, messages, choice, model, effort, thoughts, facts }: TurnPrompt,
): AnswerSlot | undefined {
  const alone = history.size.exchanges === 0 && history.size.tokens === 0 && !history.tellsCut;
  if (!alone || !isText(asked) || continues !== undefined || questionNotes.length > 0 || thoughts) return undefined;
  // What somebody wants remembered is nobody else's, and may be in the answer.
  if (facts !== "") return undefined;
  const [chat = ""] = conversation.split(":");
  const owner = shared ? everybody : chat;
  // Of a question that is too long the messages have only beginning and end.
  const all = [owner, settings, choice.model, choice.tier ?? "", model, effort ?? "", messages, asked];
  return { owner, key: createHash("sha256").update(JSON.stringify(all)).digest("hex") };
}

/** What is kept of a turn at its end: a whole answer of the model that was to write it, of which nothing is in doubt. */
export function answerToKeep(cache: AnswerCache | undefined, writing: Writing): AnswerToKeep | undefined {
  const { slot, text, outcome, finish, pictures = 0, shown = 0, model, chosen } = writing;
  if (cache === undefined || slot === undefined || outcome !== "complete" || finish !== "stop") return undefined;
  if (pictures > 0 || shown > 0 || model !== chosen || text.length > longestAnswer) return undefined;
  return { ...slot, text, model, keepMs: cache.keepMs };
}

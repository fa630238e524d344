/**
 * Answers that are spoken as well: once their text stands there, in a voice message below it. What was spoken is kept until it
 * stands there, so that whoever comes after a crash sends it and has nothing spoken anew.
 */
import { BudgetError, ModelError, ParleyError } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import type { MediaModels, MediaRequest, Spoken } from "../ports/media-models.ts";
import type { AbortReason } from "../ports/queue.ts";
import type { Store } from "../ports/store.ts";
import type { Turn } from "../ports/turns.ts";
import { createPayment, type PaymentDeps } from "./payment.ts";

/** What a turn needs in order to speak. */
export interface Speaking extends Pick<MediaModels, "speak"> {
  /** What of an answer is said, of its Markdown. */
  wordsOf(markdown: string): string;
  /** Resolves with the id of the voice message; undefined where nobody takes any. */
  say(spoken: Spoken): Promise<number | undefined>;
}

export interface SpeakingDeps extends PaymentDeps {
  readonly store: PaymentDeps["store"] &
    Pick<Store, "readSettings" | "renewTurn" | "readDialog" | "writeDialog" | "deleteDialog">;
  /** Left out: nobody speaks. */
  readonly speaking?: Speaking | undefined;
  readonly log: NonNullable<MediaRequest["log"]>;
  readonly work: Work;
}

/** Longer answers are read, and no model of speech takes much more. UTF-16 units. */
const longestSpoken = 3_500;

/**
 * Says the answer of a turn if that is wanted. Whatever becomes of it, the text stands there: what fails is in the log alone.
 * Throws when the turn shall be delivered again.
 */
export async function speakAnswer(deps: SpeakingDeps, turn: Turn, userId: number, signal: AbortSignal): Promise<void> {
  const { speaking, store, log, work } = deps;
  if (speaking?.speak === undefined || turn.outcome !== "complete" || turn.spoken !== undefined) return;
  if (!(await isWanted(store, turn))) return;
  const kept = await readKept(store, turn);
  if (kept !== undefined) return await sayKept(speaking, store, turn, kept);
  const words = work(() => speaking.wordsOf(turn.answer ?? ""));
  if (words === "" || words.length > longestSpoken) return;
  const paid = { conversation: turn.conversation, id: turn.question, userId };
  const payment = createPayment(deps, paid, () => undefined);
  let spoken: Spoken | undefined;
  try {
    spoken = await speaking.speak(words, { payer: payment, work, log }, signal);
  } catch (error) {
    if (!(error instanceof ModelError || error instanceof BudgetError)) throw error;
  }
  if ((signal.reason as AbortReason) === "lease-lost") throw leaves();
  if ((signal.reason as AbortReason) === "shutdown" && spoken === undefined) {
    await payment.leave(false);
    throw leaves();
  }
  await payment.settle();
  if (spoken === undefined) return;
  const { bytes, seconds, model } = spoken;
  await store.writeDialog(
    keyOf(turn),
    JSON.stringify({ base64: Buffer.from(bytes).toString("base64"), seconds, model }),
  );
  await sayKept(speaking, store, turn, spoken);
}

async function sayKept(
  speaking: Speaking,
  store: Pick<SpeakingDeps["store"], "renewTurn" | "deleteDialog">,
  turn: Turn,
  spoken: Spoken,
): Promise<void> {
  const id = await speaking.say(spoken);
  if (id !== undefined) await store.renewTurn({ ...turn, spoken: id });
  await store.deleteDialog(keyOf(turn));
}

/** Kept like a dialog, for this run of the question alone. */
function keyOf({ conversation, question, run }: Turn): string {
  return `${conversation}/speech/${question}/${run}`;
}

async function readKept(store: Pick<Store, "readDialog">, turn: Turn): Promise<Spoken | undefined> {
  const text = await store.readDialog(keyOf(turn));
  if (text === undefined) return undefined;
  const { base64, ...rest } = JSON.parse(text) as Omit<Spoken, "bytes"> & { readonly base64: string };
  return { ...rest, bytes: Buffer.from(base64, "base64") };
}

function leaves(): ParleyError {
  return new ParleyError("shutdown", "the process is shutting down; the turn stays queued", { retryable: true });
}

async function isWanted(store: Pick<Store, "readSettings">, { conversation, asked }: Turn): Promise<boolean> {
  const { voice } = await store.readSettings(conversation);
  return voice === "on" || (voice === "asked" && asked.some((part) => part.type === "voice" && !part.quoted));
}

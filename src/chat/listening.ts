/**
 * What was spoken in a question is heard once, before a model is asked: the words stand in the turn's record from then on, and
 * in a message of their own above the answer.
 */
import type { ByteGate } from "../base/byte-gate.ts";
import { BudgetError, ModelError, messageOf, modelErrorFates } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import { soundKindOf } from "../base/sound-kinds.ts";
import { leastSecondsOf } from "../base/sound-length.ts";
import type { Content, ContentPart, VoicePart } from "../ports/content.ts";
import { MediaError, type MediaSource } from "../ports/media.ts";
import type { Heard, MediaModels, MediaRequest } from "../ports/media-models.ts";
import type { PayableCall, Payer } from "../ports/models.ts";
import type { Note, UnheardReason } from "../ports/notes.ts";
import type { Store } from "../ports/store.ts";
import type { Turn } from "../ports/turns.ts";
import { type Activity, tellWaiting } from "./activity.ts";
import { type HeldBytes, holdBytes } from "./held-bytes.ts";
import { madeByNote } from "./made-by.ts";
import type { Payment } from "./payment.ts";

/** Shows that something is listened to, and then what was heard. Its methods tolerate what Telegram refuses. */
export interface Ear {
  /** Shows what the call waits for. Returns at once. */
  status(activity: Activity | undefined): void;
  /** Resolves when the words stand there. */
  heard(words: string): Promise<void>;
  /** Takes away what was shown. */
  leave(): Promise<void>;
}

/** What a turn needs in order to hear. */
export interface Hearing extends Pick<MediaModels, "hear" | "hearingCall"> {
  /** Holds back what would be too much for the process at once; left out where nobody counts. */
  readonly gate?: ByteGate | undefined;
  readonly source: Pick<MediaSource, "fetch">;
  /**
   * Opens the ear of a turn, which goes on with the messages that its record names; `keep` is told the ids of all its messages
   * as soon as each exists.
   */
  openEar(turn: Turn, keep: (messages: readonly number[]) => Promise<void>): Ear;
}

export interface ListeningDeps {
  readonly store: Pick<Store, "renewTurn" | "readHistory">;
  /** Left out: nothing can be heard. */
  readonly hearing?: Hearing | undefined;
  readonly log: NonNullable<MediaRequest["log"]>;
  readonly work: Work;
}

/** A turn of which all is known that can be heard of it. */
export interface Listened {
  readonly turn: Turn;
  /** Nothing is left to be asked. */
  readonly failure?: BudgetError | UnheardError | undefined;
  /** Something of it was not heard; what else is asked can be answered. */
  readonly unheard?: UnheardReason | undefined;
  /** Who has heard it, where that is to be said. */
  readonly by?: Note | undefined;
}

/** A recording in which nothing could be heard, and why. */
export class UnheardError extends Error {
  readonly reason: UnheardReason;
  constructor(reason: UnheardReason) {
    super(reason);
    this.reason = reason;
  }
}

/** The turn's past, and who pays. */
interface Asking {
  /** The record of the same turn before this run. */
  readonly former: Turn | undefined;
  /** The same where it is that of this run: a delivery before this one has died, or was left. */
  readonly died: Turn | undefined;
  readonly payment: Pick<Payment, "open" | "lost" | "leave" | "settle">;
}

/** Nobody's models hear longer ones. */
const longestRecordingSeconds = 1_200;
/** Telegram gives bots no larger file. */
const largestRecordingBytes = 20 * 2 ** 20;
/** Twenty minutes of fast talk; what is longer is a model that repeats itself. */
const longestTranscript = 40_000;
/** As far back is looked for a recording that somebody replies to. */
const exchangesLookedAt = 50;

/** Which recordings of a question have not been heard. */
export function unheardIn(asked: Content): readonly VoicePart[] {
  return asked.filter((part) => part.type === "voice").filter(({ transcript }) => transcript === undefined);
}

/** The call that a run was in which died before all was heard; undefined where all was. */
export function hearingOf(turn: Turn, hearing: Pick<Hearing, "hearingCall"> | undefined): PayableCall | undefined {
  const [first] = unheardIn(turn.asked);
  return first && hearing?.hearingCall?.(first.seconds);
}

/**
 * Hears what has not been heard of a question. Ends early, with what it has, when the signal is aborted; throws when storage
 * fails.
 */
export async function listen(
  deps: ListeningDeps,
  begun: Turn,
  { former, died, payment }: Asking,
  signal: AbortSignal,
): Promise<Listened> {
  const lost = died && hearingOf(died, deps.hearing);
  if (lost !== undefined) await payment.lost(lost, 0);
  const shown = former?.moved === undefined ? former?.transcript : undefined;
  const known = await knownWords(deps, begun, former);
  const turn: Turn = { ...begun, asked: begun.asked.map(known), ...(shown === undefined ? {} : { transcript: shown }) };
  const missing = unheardIn(turn.asked);
  // A run that did not come to its end may have shown nothing of what it had heard.
  const unsure = former?.state === "writing" && wordsHeard(turn.asked) !== "";
  if (missing.length === 0 && !unsure) return endOf(turn);
  try {
    return await listenTo(deps, turn, missing, payment, signal);
  } catch (error) {
    await payment.leave(true);
    throw error;
  }
}

async function listenTo(
  deps: ListeningDeps,
  begun: Turn,
  missing: readonly VoicePart[],
  payment: Asking["payment"],
  signal: AbortSignal,
): Promise<Listened> {
  let turn = begun;
  // Of what cannot be heard at all nothing is shown.
  const quiet = missing.length > 0 && missing.every((part) => refusalOf(deps, part) !== undefined);
  const ear = quiet
    ? undefined
    : deps.hearing?.openEar(turn, async (messages) => {
        turn = { ...turn, transcript: [...messages] };
        await deps.store.renewTurn(turn);
      });
  let problem: UnheardReason | undefined;
  let by: Note | undefined;
  try {
    for (const part of missing) {
      const heard = await hearInTurn(deps, part, ear, payment, signal);
      if (signal.aborted) break;
      if (heard === undefined || heard instanceof UnheardError) {
        problem ??= heard?.reason;
        continue;
      }
      const words = heard.text.slice(0, longestTranscript).toWellFormed();
      by ??= madeByNote("heard", heard);
      // Killed in between, it is heard once more, and has two rows.
      await payment.settle();
      turn = { ...turn, asked: turn.asked.map((one) => (one === part ? { ...part, transcript: words } : one)) };
      await deps.store.renewTurn(turn);
    }
    const words = wordsHeard(turn.asked);
    if (!signal.aborted && words !== "") await ear?.heard(words);
    else if (!goesOn(signal)) await ear?.leave();
  } catch (error) {
    if (!(error instanceof ModelError || error instanceof BudgetError)) throw error;
    if (!goesOn(signal)) await ear?.leave();
    if (!signal.aborted) return { turn, failure: error instanceof BudgetError ? error : unheardBy(error) };
  }
  return { ...endOf(turn, problem), by };
}

/** What is said below the answer of what was not heard, and of who has heard the rest. */
export function hearingNotes({ unheard, by }: Listened): readonly Note[] {
  const notes: readonly Note[] = unheard === undefined ? [] : [{ kind: "unheard", why: unheard }];
  return by === undefined ? notes : [...notes, by];
}

function unheardBy({ kind }: ModelError): UnheardError {
  return new UnheardError(modelErrorFates[kind].passes ? "failing" : "broken");
}

/** A run that another one will take up leaves what it has shown. */
function goesOn(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason !== "stop" && signal.reason !== "new";
}

function endOf(turn: Turn, problem?: UnheardReason): Listened {
  const silent = turn.asked.some((part) => part.type === "voice" && part.transcript === "");
  const unheard = problem ?? (silent ? "no-words" : undefined);
  if (unheard === undefined) return { turn };
  return hasMore(turn.asked) ? { turn, unheard } : { turn, failure: new UnheardError(unheard) };
}

/** Whether anything is asked that can be answered without what was not heard. */
function hasMore(asked: Content): boolean {
  return asked.some((part) => part.type !== "voice" || (part.transcript ?? "") !== "");
}

function wordsHeard(asked: Content): string {
  return asked.flatMap((part) => (part.type === "voice" && part.transcript ? [part.transcript] : [])).join("\n\n");
}

/** What was heard before: in a run of the same question, or in one that this one is about. */
async function knownWords(
  { store }: Pick<ListeningDeps, "store">,
  { asked, conversation }: Turn,
  former: Turn | undefined,
): Promise<(part: ContentPart) => ContentPart> {
  const unheard = unheardIn(asked);
  if (unheard.length === 0) return (part) => part;
  const before = unheard.some(({ quoted }) => quoted) ? await store.readHistory(conversation, exchangesLookedAt) : [];
  const heard = new Map<string, string>();
  for (const part of [...before.flatMap((exchange) => exchange.asked), ...(former?.asked ?? [])]) {
    if (part.type === "voice" && part.transcript !== undefined) heard.set(part.uniqueId, part.transcript);
  }
  return (part) => {
    if (part.type !== "voice" || part.transcript !== undefined) return part;
    const transcript = heard.get(part.uniqueId);
    return transcript === undefined ? part : { ...part, transcript };
  };
}

/** Why a recording is not even fetched. */
function refusalOf(
  { hearing }: Pick<ListeningDeps, "hearing">,
  { seconds, sizeBytes = 0 }: VoicePart,
): UnheardReason | undefined {
  if (hearing?.hear === undefined) return "nobody";
  if (seconds > longestRecordingSeconds) return "too-long";
  return sizeBytes > largestRecordingBytes ? "too-big" : undefined;
}

/** The words of a recording, once there is room for it. */
async function hearInTurn(
  deps: ListeningDeps,
  part: VoicePart,
  ear: Ear | undefined,
  payer: Payer,
  signal: AbortSignal,
): Promise<Heard | UnheardError | undefined> {
  const { hearing } = deps;
  const refusal = refusalOf(deps, part);
  if (refusal !== undefined || hearing === undefined) return new UnheardError(refusal ?? "nobody");
  const held = holdBytes(hearing, part, largestRecordingBytes);
  try {
    return await hear(deps, part, held, { ear, payer }, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    if (!(error instanceof MediaError)) throw error;
    deps.log.warn({ kind: error.kind, reason: messageOf(error) }, "a recording could not be fetched");
    return new UnheardError(error.kind === "unreadable" ? "gone" : error.kind);
  } finally {
    held.release();
  }
}

/** The words of a recording, or why there are none; undefined when the signal was aborted. */
async function hear(
  { hearing, log, work }: ListeningDeps,
  part: VoicePart,
  held: HeldBytes,
  { ear, payer }: { readonly ear: Ear | undefined; readonly payer: Payer },
  signal: AbortSignal,
): Promise<Heard | UnheardError | undefined> {
  if (hearing?.hear === undefined) return new UnheardError("nobody");
  const told = await lengthOf(held, work, signal);
  if (told === undefined) return new UnheardError("no-sound");
  // What its sender's client tells may be less than it is, and is what it costs.
  const seconds = Math.max(part.seconds, told);
  if (seconds > longestRecordingSeconds) return new UnheardError("too-long");
  const show = tellWaiting((activity) => ear?.status(activity));
  const tell: typeof show = (event) => {
    if (event.type !== "attempt") held.release();
    show(event);
  };
  // Whoever waits for the money of others or for a place keeps nobody else from being heard.
  const patient: Payer = {
    open: (call, wanting, onWaiting) =>
      payer.open(call, wanting, () => {
        held.release();
        onWaiting?.();
      }),
  };
  const recording = { bytes: held.get, mime: part.mime, seconds };
  return await hearing.hear(recording, { payer: patient, work, log, tell }, signal);
}

/** In seconds, at least; undefined when it is no sound. The bytes are seen by nobody else: what waits would keep them. */
async function lengthOf(held: HeldBytes, work: Work, signal: AbortSignal): Promise<number | undefined> {
  const bytes = await held.get(signal);
  return soundKindOf(bytes) === undefined ? undefined : work(() => leastSecondsOf(bytes));
}

/** Reads an answer from an open body, all that one piece of the network holds at once. */

import type { Work } from "../base/in-hand.ts";
import type { ModelEvent } from "../ports/models.ts";
import type { Patience } from "./allowance.ts";
import { type Failure, readingFailure } from "./failures.ts";
import type { Incoming } from "./incoming.ts";
import { type AnswerReader, createAnswerReader } from "./wires/answer-reader.ts";
import type { Wire } from "./wires/wire.ts";

/** A failure that nothing has thrown. */
export class Refused extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface ReadingDeps {
  readonly incoming: Incoming;
  readonly wire: Pick<Wire, "createChunkReader">;
  /** The model's name on the wire. */
  readonly model: string;
  readonly contentType: string | undefined;
  readonly patience: Patience;
  /** Stands around each piece that is read. */
  readonly work: Work;
  /** Whether what may be shown of its thoughts is wanted. */
  readonly thoughts: boolean;
  /** Names of the tools that the model may call. */
  readonly offered: ReadonlySet<string>;
  /** It was told to call none any more; what it calls all the same is not handed on. */
  readonly noCalls: boolean;
  /** The model is known to think without opening its thoughts. */
  readonly expectUnopened: boolean;
  /** Told of each sign of life, visible or not. */
  readonly onLife: () => void;
  /** Adds the address to a failure that it may be the reason of. */
  readonly locate: (failure: Failure) => Failure;
  /** Told at the end whether its thoughts had a beginning. */
  readonly onUnopened: (unopened: boolean) => void;
}

type AnswerEnd = Extract<ModelEvent, { type: "answer-end" }>;
/** The end is without the model's whole name, which only its provider knows. */
export type ReadingEvent =
  | Exclude<ModelEvent, AnswerEnd>
  | (Omit<AnswerEnd, "model" | "native"> & { readonly native?: readonly unknown[] | undefined });

const thinkingEveryMs = 1_000;
/** So many times as long as for the usage is waited for what may follow a doubtful finish reason. */
const doubtfulWaits = 10;
/** As long as the model might go on, a little less than its silence may last. */
const silenceShare = 0.9;

/** An answer that is being read. */
export interface Reading {
  /**
   * What the next piece of the body says, from `thinking` to `answer-end`; often nothing. Not to be called after the end.
   * Rejects with a `Refused`, or with what the connection threw.
   */
  next(): Promise<readonly ReadingEvent[]>;
}

/** Begins to read an answer. */
export function createReading(deps: ReadingDeps): Reading {
  const { incoming, patience, work } = deps;
  const reader = createAnswerReader(deps);
  let shown = false;
  let toldThinkingAt = Number.NEGATIVE_INFINITY;
  /** Since when the answer may be over: its finish reason, or what came after it. */
  let finishedAt: number | undefined;
  let lived = false;
  let over = false;

  /** Takes one piece, undefined at the end of the body, and decides whether it is the last. */
  function take(chunk: string | undefined, waitedInVain: boolean): readonly ReadingEvent[] {
    if (chunk !== undefined) work(() => reader.push(chunk));
    const alive = reader.takeLife();
    if (alive) deps.onLife();
    lived ||= alive;
    over = chunk === undefined || (waitedInVain && !alive) || reader.complete || reader.failure !== undefined;
    if (over) work(() => reader.end(chunk === undefined));
    // A model that has not said anything yet has its full time to begin, whatever it says of its end.
    if (reader.finish !== undefined && lived && (alive || finishedAt === undefined)) finishedAt = performance.now();

    const events: ReadingEvent[] = [];
    if (reader.takeRetraction()) {
      shown = false;
      events.push({ type: "text-reset" });
    }
    const summary = reader.takeSummary();
    if (summary !== "" && deps.thoughts) events.push({ type: "thought-delta", text: summary });
    const text = reader.takeText();
    if (text !== "") {
      shown = true;
      events.push({ type: "text-delta", text });
    } else if (alive && !shown && performance.now() - toldThinkingAt >= thinkingEveryMs) {
      toldThinkingAt = performance.now();
      events.push({ type: "thinking" });
    }
    return events;
  }

  function conclude(): readonly ReadingEvent[] {
    if (reader.unopenedThoughts || (shown && reader.finish !== undefined)) deps.onUnopened(reader.unopenedThoughts);
    if (reader.finish !== undefined) {
      // What nobody has offered, nobody could carry out.
      const calls = deps.offered.size === 0 || deps.noCalls ? [] : reader.calls;
      const end = ending(reader, calls, shown);
      return [...calls.map((call) => ({ type: "tool-call", ...call }) as const), end];
    }
    const { failure } = reader;
    if (failure !== undefined) {
      throw new Refused(deps.locate(work(() => readingFailure(failure, deps.contentType, deps.model))));
    }
    throw new Refused({ kind: "truncated", message: "the stream ended without a finish reason" });
  }

  return {
    async next() {
      // What was read last has been shown by now, whatever comes of the rest.
      if (over) return conclude();
      const leftMs =
        finishedAt === undefined ? undefined : finishedAt + waitMs(reader.finishDoubt, patience) - performance.now();
      let chunk: string | undefined;
      try {
        chunk = await incoming.next(leftMs);
      } catch (error) {
        // An answer that has its finish reason is whole, whatever happens to the connection afterwards.
        if (finishedAt === undefined) throw error;
      }
      return take(chunk, leftMs !== undefined && (chunk === "" || leftMs <= 0));
    },
  };
}

function waitMs(doubt: AnswerReader["finishDoubt"], { usageMs, silenceMs }: Patience): number {
  const longestMs = silenceMs * silenceShare;
  if (doubt === "text") return longestMs;
  return Math.min(longestMs, doubt === "none" ? usageMs : usageMs * doubtfulWaits);
}

/** The end of an answer that has a finish reason; throws when it is the end of none. */
function ending(reader: AnswerReader, calls: AnswerReader["calls"], shown: boolean): ReadingEvent {
  const reason = `finish_reason ${reader.finishReason ?? ""}`;
  const { finish, usage, served, pictures, drawn } = reader;
  if (finish === "failed") throw new Refused({ kind: "upstream", message: reason });
  // A picture alone is an answer, and paid for, whether it can be shown or not.
  if (!shown && pictures === 0 && calls.length === 0) {
    if (/context_window/.test(reason)) throw new Refused({ kind: "context-overflow", message: reason });
    if (finish === "filtered") throw new Refused({ kind: "content-filter", message: reason });
    throw new Refused({
      kind: "empty",
      message: `nothing visible in the answer (${reason})`,
      complaint: reason.toLowerCase(),
    });
  }
  return {
    type: "answer-end",
    finish: finish ?? "stop",
    usage,
    served,
    pictures: pictures === 0 ? undefined : pictures,
    drawn: drawn.length === 0 ? undefined : drawn,
    native: calls.length === 0 ? undefined : reader.native,
  };
}

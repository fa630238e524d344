/** Reads an answer from an open body, all that one piece of the network holds at once. */

import type { Work } from "../base/in-hand.ts";
import type { ModelEvent } from "../ports/models.ts";
import type { Patience } from "./allowance.ts";
import { type Failure, readingFailure } from "./failures.ts";
import type { Incoming } from "./incoming.ts";
import { type AnswerReader, createAnswerReader } from "./wires/answer-reader.ts";

/** A failure that nothing has thrown. */
export class Refused extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface Reading {
  readonly incoming: Incoming;
  /** The model's name on the wire. */
  readonly model: string;
  readonly contentType: string | undefined;
  readonly patience: Patience;
  /** Stands around each piece that is read. */
  readonly work: Work;
  /** The model is known to think without opening its thoughts. */
  readonly expectUnopened: boolean;
  /** Told of each sign of life, visible or not. */
  readonly onLife: () => void;
  /** Adds the address to a failure that it may be the reason of. */
  readonly locate: (failure: Failure) => Failure;
  /** Told at the end whether its thoughts had a beginning. */
  readonly onUnopened: (unopened: boolean) => void;
}

/** The end is without the model's whole name, which only its provider knows. */
export type ReadingEvent =
  | Exclude<ModelEvent, { type: "answer-end" }>
  | Omit<Extract<ModelEvent, { type: "answer-end" }>, "model">;

const thinkingEveryMs = 1_000;
/** So many times as long as for the usage is waited for what may follow a doubtful finish reason. */
const doubtfulWaits = 10;
/** As long as the model might go on, a little less than its silence may last. */
const silenceShare = 0.9;

/** Yields from `thinking` to `answer-end`; throws a `Refused`, or what the connection threw. */
export async function* readAnswer(reading: Reading): AsyncGenerator<ReadingEvent, void> {
  const { incoming, patience, work } = reading;
  const reader = createAnswerReader({ expectUnopened: reading.expectUnopened });
  let shown = false;
  let toldThinkingAt = Number.NEGATIVE_INFINITY;
  /** Since when the answer may be over: its finish reason, or what came after it. */
  let finishedAt: number | undefined;
  let lived = false;

  for (;;) {
    const leftMs =
      finishedAt === undefined ? undefined : finishedAt + waitMs(reader.finishDoubt, patience) - performance.now();
    const chunk = await incoming.next(leftMs).catch((error: unknown) => {
      // An answer that has its finish reason is whole, whatever happens to the connection afterwards.
      if (finishedAt === undefined) throw error;
      return undefined;
    });
    if (chunk !== undefined) work(() => reader.push(chunk));
    const alive = reader.takeLife();
    if (alive) reading.onLife();
    lived ||= alive;
    const waitedEnough = leftMs !== undefined && !alive && (chunk === "" || leftMs <= 0);
    const over = chunk === undefined || waitedEnough || reader.complete || reader.failure !== undefined;
    if (over) work(() => reader.end(chunk === undefined));
    // A model that has not said anything yet has its full time to begin, whatever it says of its end.
    if (reader.finish !== undefined && lived && (alive || finishedAt === undefined)) finishedAt = performance.now();

    if (reader.takeRetraction()) {
      shown = false;
      yield { type: "text-reset" };
    }
    const text = reader.takeText();
    if (text !== "") {
      shown = true;
      yield { type: "text-delta", text };
    } else if (alive && !shown && performance.now() - toldThinkingAt >= thinkingEveryMs) {
      toldThinkingAt = performance.now();
      yield { type: "thinking" };
    }
    if (!over) continue;
    if (reader.unopenedThoughts || (shown && reader.finish !== undefined)) reading.onUnopened(reader.unopenedThoughts);
    if (reader.finish !== undefined) return yield ending(reader, shown);
    const { failure } = reader;
    if (failure !== undefined) {
      throw new Refused(reading.locate(work(() => readingFailure(failure, reading.contentType, reading.model))));
    }
    throw new Refused({ kind: "truncated", message: "the stream ended without a finish reason" });
  }
}

function waitMs(doubt: AnswerReader["finishDoubt"], { usageMs, silenceMs }: Patience): number {
  const longestMs = silenceMs * silenceShare;
  if (doubt === "text") return longestMs;
  return Math.min(longestMs, doubt === "none" ? usageMs : usageMs * doubtfulWaits);
}

/** The end of an answer that has a finish reason; throws when it is the end of none. */
function ending(reader: AnswerReader, shown: boolean): ReadingEvent {
  const reason = `finish_reason ${reader.finishReason ?? ""}`;
  const { finish, usage, pictures } = reader;
  if (finish === "failed") throw new Refused({ kind: "upstream", message: reason });
  // A picture alone is an answer that was paid for, though nothing of it can be shown.
  if (!shown && pictures === 0) {
    if (finish === "filtered") throw new Refused({ kind: "content-filter", message: reason });
    throw new Refused({ kind: "empty", message: `nothing visible in the answer (${reason})` });
  }
  return {
    type: "answer-end",
    finish: finish ?? "stop",
    ...(usage === undefined ? {} : { usage }),
    ...(pictures === 0 ? {} : { pictures }),
  };
}

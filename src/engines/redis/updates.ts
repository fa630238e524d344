/** How an update is written in its Redis hash. */
import type { AbortReason, ActiveUpdate } from "../../ports/queue.ts";
import type { Interrupt, InterruptOutcome, LaneKind, Refusal } from "../../ports/updates.ts";

/** A lane as the scripts name it. */
export function laneName(kind: LaneKind, conversation: string): string {
  return `${kind}:${conversation}`;
}

/** Reads the name of a lane. */
export function laneOf(name: string): { readonly kind: LaneKind; readonly conversation: string } {
  const colon = name.indexOf(":");
  return { kind: name.slice(0, colon) === "quick" ? "quick" : "turn", conversation: name.slice(colon + 1) };
}

/** The fields, as texts. */
export interface Hash {
  readonly conversation: string;
  readonly lane: LaneKind;
  readonly at: string;
  readonly body: string;
  readonly question?: string;
  readonly interrupt?: string;
  readonly refusal?: string;
  readonly outcome?: string;
  readonly attempts?: string;
  readonly failures?: string;
  readonly cancelled?: AbortReason;
  readonly doom?: string;
  /** Of its own message. */
  readonly message?: string;
  /** What has joined it: number, id, body, a line each. */
  readonly [part: `part:${string}`]: string;
}

/** Reads Redis' answer to HGETALL: names and values in turn. */
export function fieldsOf(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) fields[flat[at] ?? ""] = flat[at + 1] ?? "";
  return fields;
}

/** The same, of an update. */
export function hashOf(flat: readonly string[]): Hash {
  return fieldsOf(flat) as unknown as Hash;
}

/** The update as a handler gets it, save for its signal and lease. */
export function updateOf(updateId: number, hash: Hash): Omit<ActiveUpdate, "signal" | "lease"> {
  const { question, interrupt, refusal, outcome } = hash;
  return {
    updateId,
    conversation: hash.conversation,
    lane: hash.lane,
    receivedAt: Number(hash.at),
    body: hash.body,
    attempt: Number(hash.attempts ?? 1),
    question: question === undefined ? undefined : Number(question),
    interrupt: read<Interrupt>(interrupt),
    refusal: read<Refusal>(refusal),
    outcome: read<InterruptOutcome>(outcome),
    ...partsOf(updateId, hash),
  };
}

/** All messages of a question that has several. */
function partsOf(updateId: number, hash: Hash): Pick<ActiveUpdate, "parts"> {
  const others = Object.entries(hash).flatMap(([name, value]) => {
    if (!name.startsWith("part:")) return [];
    const [, id, ...body] = String(value).split("\n");
    return [{ updateId: Number(id), message: Number(name.slice("part:".length)), body: body.join("\n") }];
  });
  if (others.length === 0) return {};
  const own = { updateId, message: Number(hash.message), body: hash.body };
  return { parts: [own, ...others].sort((a, b) => a.message - b.message) };
}

function read<T>(json: string | undefined): T | undefined {
  return json === undefined ? undefined : (JSON.parse(json) as T);
}

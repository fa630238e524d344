/** How a worker takes the head of a lane of the shared queue. */
import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { beginScript, runStep } from "./lane-scripts.ts";
import type { RedisLink } from "./link.ts";
import { type Hash, hashOf } from "./updates.ts";

export type Begun =
  | { readonly state: "nothing" }
  /** To be asked for again when nothing else runs here. */
  | { readonly state: "suspect" }
  | { readonly state: "later"; readonly afterMs: number }
  | {
      readonly state: "run" | "doomed";
      readonly fence: number;
      /** Nothing may run beside it. */
      readonly alone: boolean;
      /** Of `performance.now()`, before it was asked for. */
      readonly takenAt: number;
      readonly updateId: number;
      readonly hash: Hash;
    };

export interface BeginningDeps {
  readonly link: RedisLink;
  readonly leaseMs: number;
  readonly graceMs: number;
  /** Names this process to those that find it dead. */
  readonly process: string;
  readonly maxCrashes: number;
  /** The process is leaving: a Redis that fails is not waited for. */
  leaving(): boolean;
  onTrouble(error: unknown): void;
}

/** Between attempts of a step that Redis did not carry out. Milliseconds. */
export const repeatMs = 300;

/**
 * Returns the function that takes the next update of a lane. It asks until Redis has answered: what Redis gave us unheard
 * would wait for a lease, and count a crash. A suspect is taken `alone`, when nothing else runs here, or `beside` others.
 */
export function createBeginning(
  deps: BeginningDeps,
): (lane: string, company: "shared" | "alone" | "beside") => Promise<Begun> {
  const { link, leaseMs, graceMs } = deps;
  return async (lane, company) => {
    const fence = randomInt(2 ** 48 - 1);
    const takenAt = performance.now();
    const script = [lane, leaseMs, graceMs, deps.maxCrashes, fence, deps.process, company];
    for (let attempts = 0; ; attempts++) {
      try {
        const answer = (await runStep(link, beginScript, ...script)) as [string, number | string, string[]];
        const [state, value, hash] = answer;
        if (state === "wait" || state === "delayed") return { state: "later", afterMs: Number(value) + 5 };
        if (state === "suspect") return { state };
        if (state !== "run" && state !== "doomed") return { state: "nothing" };
        return { state, fence, alone: company === "alone", takenAt, updateId: Number(value), hash: hashOf(hash) };
      } catch (error) {
        if (deps.leaving() && attempts > 3) throw error;
        deps.onTrouble(error);
        await pause(repeatMs);
      }
    }
  };
}

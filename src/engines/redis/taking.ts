/** How a worker takes the heads of lanes of the shared queue. */
import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { LaneKind } from "../../ports/updates.ts";
import { runStep, takeScript } from "./lane-scripts.ts";
import type { RedisLink } from "./link.ts";
import type { OpeningAnswer } from "./opening.ts";
import type { Presence } from "./presence.ts";
import { type Hash, hashOf } from "./updates.ts";

export type Taken = { readonly lane: string } & (
  | { readonly state: "nothing" }
  /** To be asked for again when nothing else runs here. */
  | { readonly state: "suspect" }
  | { readonly state: "later"; readonly afterMs: number }
  | {
      readonly state: "run" | "doomed";
      readonly fence: number;
      /** The name of this process under which Redis has it. */
      readonly name: number;
      /** Nothing may run beside it. */
      readonly alone: boolean;
      readonly updateId: number;
      readonly hash: Hash;
      /** Of a turn. */
      readonly opening: OpeningAnswer | undefined;
    }
);

export interface TakingDeps {
  readonly link: RedisLink;
  readonly presence: Presence;
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly maxCrashes: number;
  /** Exchanges of its conversation that come with a turn. */
  readonly exchanges: number;
  /** Redis does not know that this process lives. Never rejects. */
  beat(): Promise<void>;
  /** The process is leaving: a Redis that fails is not waited for. */
  leaving(): boolean;
  onTrouble(error: unknown): void;
}

export interface Taking {
  /** Takes so many lanes that are ready. */
  ready(kind: LaneKind, most: number): Promise<readonly Taken[]>;
  /** Takes one lane. A suspect is taken `alone`, when nothing else runs here, or `beside` others. */
  one(lane: string, company: "shared" | "alone" | "beside"): Promise<Taken>;
}

/** Between attempts of a step that Redis did not carry out. Milliseconds. */
export const repeatMs = 300;

type Answer = [lane: string, state: string, value: number | string, hash: string[], opening?: OpeningAnswer | null];

/**
 * Creates it. Both ask until Redis has answered: what Redis gave us unheard would be ours, and nobody would know of it. They
 * reject when the process is leaving and Redis fails.
 */
export function createTaking(deps: TakingDeps): Taking {
  const { link, presence, leaseMs, graceMs } = deps;

  async function take(company: string, ...what: (string | number)[]): Promise<readonly Taken[]> {
    const fence = randomInt(2 ** 48 - 1);
    for (let failures = 0; ; ) {
      const { name } = presence;
      try {
        const asked = [leaseMs, graceMs, deps.maxCrashes, fence, name, company, deps.exchanges, ...what];
        const answers = (await runStep(link, takeScript, ...asked)) as Answer[] | null;
        if (answers !== null) return answers.map((answer) => takenOf(answer, fence, name, company === "alone"));
        await deps.beat();
      } catch (error) {
        if (deps.leaving() && failures++ > 3) throw error;
        deps.onTrouble(error);
      }
      await pause(repeatMs);
    }
  }

  return {
    ready: (kind, most) => take("shared", kind, most),
    async one(lane, company) {
      const [taken] = await take(company, lane);
      return taken ?? { lane, state: "nothing" };
    },
  };
}

function takenOf([lane, state, value, hash, opening]: Answer, fence: number, name: number, alone: boolean): Taken {
  if (state === "wait" || state === "delayed") return { lane, state: "later", afterMs: Number(value) + 5 };
  if (state === "suspect") return { lane, state };
  if (state !== "run" && state !== "doomed") return { lane, state: "nothing" };
  return {
    lane,
    state,
    fence,
    name,
    alone,
    updateId: Number(value),
    hash: hashOf(hash),
    opening: opening ?? undefined,
  };
}

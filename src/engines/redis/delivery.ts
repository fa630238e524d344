/** What a worker of the shared queue does with an update that it has taken, until its end stands in Redis. */
import { messageOf } from "../../base/errors.ts";
import { insist } from "../../base/insist.ts";
import type { AbortReason, ActiveUpdate, ConsumeOptions } from "../../ports/queue.ts";
import { deadOf, deliver } from "../lanes/worker.ts";
import { endScript, runStep } from "./lane-scripts.ts";
import type { Held } from "./leases.ts";
import type { RedisLink } from "./link.ts";
import { repeatMs } from "./taking.ts";
import { type Hash, updateOf } from "./updates.ts";

export interface DeliveryDeps {
  readonly link: RedisLink;
  readonly handler: (update: ActiveUpdate) => Promise<void>;
  readonly options: ConsumeOptions;
  readonly now: () => number;
  /** The process is leaving: a Redis that fails is not waited for. */
  leaving(): boolean;
  onTrouble(error: unknown): void;
}

type Extras = Required<Pick<ActiveUpdate, "lease" | "stepAside">>;

export interface Delivery {
  /** Delivers an update and writes its end; true when it stays queued because the process is leaving. Never rejects. */
  handle(held: Held, hash: Hash, extras: Extras): Promise<boolean>;
  /** Buries an update of which is known why it is not to be tried again. Never rejects. */
  bury(held: Held, hash: Hash, reason: string, stepAside: () => void): Promise<void>;
}

/** Creates it. */
export function createDelivery(deps: DeliveryDeps): Delivery {
  const { link, options, now, onTrouble } = deps;

  async function handle(held: Held, hash: Hash, extras: Extras): Promise<boolean> {
    const showing = () => {
      held.shown = true;
    };
    const stored = updateOf(held.updateId, hash);
    let handled = stored.parts?.length ?? 1;
    const handlesOnly = (messages: number) => {
      handled = messages;
    };
    const update = { ...stored, signal: held.abort.signal, showing, handlesOnly, ...extras };
    void held.gone.promise.then(() => options.onLeaseLost?.(update));
    // Taken in the very moment in which the process began to leave.
    if (deps.leaving()) return await giveBack(held);
    if (hash.cancelled !== undefined) held.abort.abort(hash.cancelled);
    const verdict = await deliver(deps.handler, update, options.onFailure);
    if (verdict.kind === "stays") {
      if (!held.lost) await giveBack(held);
      return !held.lost && held.abort.signal.reason !== ("joined" satisfies AbortReason);
    }
    if (verdict.kind === "finished") await end(held, "finished", 0, "", handled);
    else {
      const failures = Number(hash.failures ?? 0) + 1;
      if (failures >= options.maxFailures || options.isHopeless?.(verdict.error))
        await bury(held, hash, messageOf(verdict.error), extras.stepAside);
      else await end(held, "failed", options.backoffMs(failures));
    }
    return false;
  }

  async function giveBack(held: Held): Promise<boolean> {
    await end(held, "stays");
    return true;
  }

  async function bury(held: Held, hash: Hash, reason: string, stepAside: () => void): Promise<void> {
    // A crash in between forgets no notice.
    if ((await end(held, "doomed", 0, reason)) === "lost") return;
    // A notice that cannot be given does not hold up the lane, and one that waits no other.
    stepAside();
    await options.onDead(deadOf(updateOf(held.updateId, hash), reason)).catch(onTrouble);
    await end(held, "dead", 0, reason);
  }

  /** Writes until Redis has answered: a lane must not move on past an end that is not there. */
  async function end(held: Held, how: string, backoffMs = 0, reason = "", handled = 1): Promise<string> {
    const { lane, fence, updateId } = held;
    held.ending = how !== "doomed";
    let attempts = 0;
    async function attempt(): Promise<string> {
      attempts++;
      const script = [lane, fence, updateId, how, now(), backoffMs, reason, handled, ...(held.closing ?? [])];
      return String(await runStep(link, endScript, ...script));
    }
    function afterMs(error: unknown, failures: number): number {
      onTrouble(error);
      if (held.lost || (deps.leaving() && failures > 3)) throw error;
      return repeatMs;
    }
    const answer = await insist(attempt, { afterMs }).catch(() => undefined);
    // The first attempt was carried out, and its answer lost on the way.
    return answer === "lost" && attempts > 1 && !held.lost ? "ended" : (answer ?? "lost");
  }

  return { handle, bury };
}

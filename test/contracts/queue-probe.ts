/** What the queue's contract is tested with: updates, a handler under the test's control, and waiting for it. */
import { expect, vi } from "vitest";
import { ParleyError } from "../../src/base/errors.ts";
import type { ActiveUpdate, ConsumeOptions, DeadUpdate, UpdateQueue } from "../../src/ports/queue.ts";
import type { IncomingUpdate } from "../../src/ports/updates.ts";
import { patienceMs } from "../support/patience.ts";

/** A turn-lane update of conversation `a`; a question unless the change says otherwise. */
export function update(updateId: number, change: Partial<IncomingUpdate> = {}): IncomingUpdate {
  return {
    updateId,
    conversation: "a",
    lane: "turn",
    receivedAt: Date.now(),
    body: JSON.stringify({ update_id: updateId }),
    ...change,
  };
}

/** A question whose message id is 1000 + its update id. */
export function question(updateId: number, change: Partial<IncomingUpdate> = {}): IncomingUpdate {
  return update(updateId, { question: 1000 + updateId, ...change });
}

/** Waits until `check` no longer throws. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, { timeout: patienceMs, interval: 5 });
}

/** Time enough for a wrong delivery to happen. */
export async function pause(milliseconds = 40): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A handler that holds the updates it is told to hold until they are let go, failed or aborted. */
export function createProbe() {
  const deliveries: ActiveUpdate[] = [];
  const finished: number[] = [];
  const failures: [updateId: number, message: string][] = [];
  const dead: DeadUpdate[] = [];
  const held = new Set<number>();
  const stubborn = new Set<number>();
  const aside = new Set<number>();
  const failing = new Map<number, number>();
  const gates = new Map<number, PromiseWithResolvers<void>>();

  return {
    deliveries,
    finished,
    failures,
    dead,
    /** Ids in the order of their deliveries. */
    started: () => deliveries.map(({ updateId }) => updateId),
    last: (updateId: number) => deliveries.findLast((delivery) => delivery.updateId === updateId)!,
    hold(...ids: number[]) {
      for (const id of ids) held.add(id);
    },
    /** Held, and beside the slots. */
    holdAside(...ids: number[]) {
      for (const id of ids) held.add(id) && aside.add(id);
    },
    /** Held, and deaf to its signal. */
    holdDeaf(id: number) {
      held.add(id);
      stubborn.add(id);
    },
    letGo(id: number) {
      held.delete(id);
      gates.get(id)?.resolve();
    },
    /** As a handler does that ends with the process before it is aborted. */
    leave(id: number) {
      gates.get(id)?.reject(new ParleyError("shutdown", "the process is shutting down"));
    },
    fail(id: number, message: string) {
      gates.get(id)?.reject(new Error(message));
    },
    /** Throws on its next deliveries. */
    failNext: (id: number, times: number) => failing.set(id, times),
    async handler(delivery: ActiveUpdate): Promise<void> {
      const { updateId, signal } = delivery;
      deliveries.push(delivery);
      const left = failing.get(updateId) ?? 0;
      if (left > 0) {
        failing.set(updateId, left - 1);
        throw new Error(`failure of ${updateId}`);
      }
      if (held.has(updateId)) {
        const gate = Promise.withResolvers<void>();
        gates.set(updateId, gate);
        const abort = () => gate.reject(new Error(`aborted: ${signal.reason}`));
        // Twice is as good as once.
        if (aside.has(updateId)) for (const _time of [1, 2]) delivery.stepAside?.();
        if (!stubborn.has(updateId)) {
          if (signal.aborted) abort();
          signal.addEventListener("abort", abort);
        }
        await gate.promise;
      }
      finished.push(updateId);
    },
    consume(queue: UpdateQueue, change: Partial<ConsumeOptions> = {}) {
      return queue.consume(this.handler, {
        turnSlots: 100,
        quickSlots: 20,
        maxFailures: 3,
        maxCrashes: 3,
        backoffMs: () => 5,
        onDead: async (update) => void dead.push(update),
        onFailure: (delivery, error) => failures.push([delivery.updateId, (error as Error).message]),
        ...change,
      });
    },
    /** Waits until this update is in the handler's hands. */
    async running(updateId: number): Promise<void> {
      await eventually(() => expect(deliveries.map((delivery) => delivery.updateId)).toContain(updateId));
    },
  };
}

/** Waits until nothing waits and nothing runs. */
export async function idle(queue: UpdateQueue): Promise<void> {
  await eventually(async () => expect(await queue.stats()).toMatchObject({ waiting: 0, active: 0 }));
}

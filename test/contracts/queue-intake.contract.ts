/** What a worker does while its loop is late: run over every engine. */
import { afterEach, describe, expect, it } from "vitest";
import { createScriptedLoop } from "../support/loop.ts";
import type { OpenNewQueue, OpenQueue } from "./queue.contract.ts";
import { createProbe, eventually, idle, pause, question, update } from "./queue-probe.ts";

const lanes = 400;
/** So many run beside each other however late the loop is. */
const begun = 64;

/** `openNew` gives an empty queue each time. */
export function queueIntakeContract(name: string, openNew: OpenNewQueue): void {
  describe(`a worker of ${name} whose loop is late`, () => {
    const opened: OpenQueue[] = [];
    async function open() {
      const one = await openNew();
      opened.push(one);
      return one;
    }
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    it("begins no further conversation, goes on with those it has, and takes the rest on time", async () => {
      const { queue } = await open();
      const { loop, measure } = createScriptedLoop();
      const probe = createProbe();
      const ids = Array.from({ length: lanes }, (_, at) => at + 1);
      probe.hold(...ids);
      measure(10_000);
      await Promise.all(ids.map((id) => queue.enqueue(question(id, { conversation: `c${id}` }))));
      probe.consume(queue, { turnSlots: 2 * lanes, loop });
      await eventually(() => expect(probe.started().length).toBe(begun));
      for (let n = 0; n < 2; n++) {
        measure(10_000);
        await pause(200);
        expect(probe.started().length).toBe(begun);
      }

      // What is over makes room for no more than itself.
      const [first = 0] = probe.started();
      probe.letGo(first);
      await eventually(() => expect(probe.started().length).toBe(begun + 1));
      await eventually(() => {
        measure(0);
        expect(probe.started().length).toBe(lanes);
      });
      expect(new Set(probe.started()).size).toBe(lanes);
      for (const id of ids) probe.letGo(id);
      await idle(queue);
    });

    it("carries out commands and interrupts all the same", async () => {
      const { queue } = await open();
      const { loop, measure } = createScriptedLoop();
      const probe = createProbe();
      const ids = Array.from({ length: lanes }, (_, at) => at + 1);
      probe.hold(...ids);
      measure(10_000);
      await Promise.all(ids.map((id) => queue.enqueue(question(id, { conversation: `c${id}` }))));
      probe.consume(queue, { turnSlots: 2 * lanes, loop });
      await eventually(() => expect(probe.started().length).toBeGreaterThan(0));
      const [first = 0] = probe.started();
      const conversation = `c${first}`;
      await queue.enqueue(update(1_001, { conversation, lane: "quick", interrupt: { kind: "stop" } }));
      await probe.running(1_001);
      await eventually(() => expect(probe.last(first).signal.reason).toBe("stop"));
      for (const id of ids) probe.letGo(id);
      await eventually(() => {
        measure(0);
        expect(probe.finished.length).toBe(lanes);
      });
      await idle(queue);
    });
  });
}

/** Bytes of files while questions wait: they are in memory only while they are used. */
import { describe, expect, it } from "vitest";
import { createByteGate } from "../../src/base/byte-gate.ts";
import { holdBytes } from "../../src/chat/held-bytes.ts";
import type { MediaReference } from "../../src/ports/content.ts";
import { MediaError } from "../../src/ports/media.ts";

const { signal } = new AbortController();
const file = (uniqueId: string): MediaReference => ({ fileId: uniqueId, uniqueId, sizeBytes: 800 });

function scene(failure?: Error) {
  const gate = createByteGate(1_000);
  const fetched: string[] = [];
  const source = {
    async fetch({ uniqueId }: MediaReference) {
      fetched.push(uniqueId);
      if (failure !== undefined) throw failure;
      return Buffer.from(uniqueId);
    },
  };
  return { fetched, hold: (uniqueId: string) => holdBytes({ gate, source }, file(uniqueId), 1_000) };
}

describe("the bytes of a file", () => {
  it("are fetched once while they are held, and again after they were given up", async () => {
    const { fetched, hold } = scene();
    const held = hold("a");
    expect([await held.get(signal), await held.get(signal)]).toEqual([Buffer.from("a"), Buffer.from("a")]);
    expect(fetched).toEqual(["a"]);
    held.release();
    held.release();
    expect(Buffer.from(await held.get(signal)).toString()).toBe("a");
    expect(fetched).toEqual(["a", "a"]);
  });

  it("keep others waiting only while they are held", async () => {
    const { fetched, hold } = scene();
    const [first, second] = [hold("a"), hold("b")];
    await first.get(signal);
    const waiting = second.get(signal);
    await new Promise(setImmediate);
    expect(fetched).toEqual(["a"]);
    first.release();
    expect(Buffer.from(await waiting).toString()).toBe("b");
    const again = first.get(signal);
    second.release();
    expect(Buffer.from(await again).toString()).toBe("a");
  });

  it("leave their room when they cannot be had, or nobody waits for them", async () => {
    const { hold } = scene(new MediaError("gone", "the file is gone"));
    const [first, second] = [hold("a"), hold("b")];
    await expect(first.get(signal)).rejects.toMatchObject({ kind: "gone" });
    await expect(second.get(signal)).rejects.toMatchObject({ kind: "gone" });
    const stop = new AbortController();
    stop.abort();
    await expect(first.get(stop.signal)).rejects.toMatchObject({ kind: "unreachable" });
    await expect(second.get(signal)).rejects.toMatchObject({ kind: "gone" });
  });
});

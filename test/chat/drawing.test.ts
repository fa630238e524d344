/** Pictures that are to be changed: their bytes have room with all others before they are fetched, and give it back. */
import { describe, expect, it } from "vitest";
import { createByteGate } from "../../src/base/byte-gate.ts";
import { drawPicture } from "../../src/chat/drawing.ts";
import { createTokenFactors } from "../../src/chat/token-factors.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import { MediaError } from "../../src/ports/media.ts";
import type { DrawingOrder, MediaRequest } from "../../src/ports/media-models.ts";

const png = Buffer.from("\x89PNG\r\n\x1a\nIHDR", "latin1");
const mebibytes = 2 ** 20;

function scene() {
  const store = createMemoryStore({ historyTtlSeconds: 3600, now: () => 0 });
  const fetching: { resolve(bytes: Uint8Array): void; reject(error: Error): void }[] = [];
  const deps = {
    ...{ store, models: { cost: () => 0 }, tokenFactors: createTokenFactors(), now: () => 0 },
    ...{ spending: { budgets: {} }, observer: { usage: () => undefined } },
    ...{ log: { info: () => undefined, warn: () => undefined }, work: <T>(work: () => T) => work() },
    brush: {
      gate: createByteGate(32 * mebibytes),
      source: {
        fetch: () => {
          const fetched = Promise.withResolvers<Uint8Array>();
          fetching.push(fetched);
          return fetched.promise;
        },
      },
      async draw({ from }: DrawingOrder, _request: MediaRequest, signal: AbortSignal) {
        await from?.bytes(signal);
        return { bytes: png, mime: "image/png", model: "a/brush" } as const;
      },
    },
  };
  const easel = {
    begin: () => ({ status: () => undefined, leave: async () => undefined }),
    show: async () => undefined,
  };
  return {
    fetching,
    change(id: number, sizeBytes?: number, signal = new AbortController().signal) {
      const from = { fileId: "f", uniqueId: "u", sizeBytes };
      return drawPicture(deps, { conversation: "7", id, userId: 7, run: id, prompt: "a hat", from }, easel, signal);
    },
  };
}

describe("a picture that is to be changed", () => {
  it("is not fetched before there is room for it, whatever has become of those before it", async () => {
    const { fetching, change } = scene();
    const large = [change(1), change(2, 20 * mebibytes)];
    await expect.poll(() => fetching.length).toBe(1);
    const small = change(3, mebibytes);
    await expect.poll(() => fetching.length).toBe(2);
    fetching[0]?.reject(new MediaError("gone", "it is gone"));
    expect(await large[0]).toEqual({ kind: "undrawn", why: "unfetched" });
    await expect.poll(() => fetching.length).toBe(3);
    for (const one of fetching.slice(1)) one.resolve(png);
    expect(await Promise.all([...large.slice(1), small])).toEqual([undefined, undefined]);
  });

  it("is not waited for by whoever does not want it any more", async () => {
    const { fetching, change } = scene();
    const first = change(1);
    await expect.poll(() => fetching.length).toBe(1);
    const stop = new AbortController();
    const stopped = change(2, undefined, stop.signal);
    stop.abort("stop");
    expect(await stopped).toEqual({ kind: "stopped" });
    expect(fetching).toHaveLength(1);
    fetching[0]?.resolve(png);
    expect(await first).toBeUndefined();
  });
});

import { expect, it } from "vitest";
import { cacheKeyOf } from "../../src/chat/cache-key.ts";
import { conversation, createTurnScene } from "../support/turn-scene.ts";

const scene = createTurnScene();

it("is the same for all questions of a conversation, another for each, and tells nothing of it", async () => {
  await scene.asked("Because.");
  await scene.asked("Because.", { id: 51, root: 51, run: 2 });
  await scene.asked("Because.", { id: 50, root: 50, run: 3, conversation: "-100777:7" });
  const own = cacheKeyOf(conversation);
  expect(scene.cacheKeys).toEqual([own, own, cacheKeyOf("-100777:7")]);
  expect(new Set(scene.cacheKeys).size).toBe(2);
  for (const key of scene.cacheKeys) expect(key).toMatch(/^[0-9a-f]{32}$/);
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createChatGate } from "../../src/screen/chat-gate.ts";
import { createScriptedLoop } from "../support/loop.ts";
import { spacing } from "../support/outbox-scene.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the gate", () => {
  it("is free until somebody enters, and again when they have left", async () => {
    const gate = createChatGate(spacing, 10);
    expect(gate.free(7)).toBe(true);
    await gate.enter(7, "now");
    expect(gate.free(7)).toBe(false);
    expect([gate.free(8), gate.held(7)]).toEqual([true, false]);
    gate.leave(7, "now");
    expect(gate.free(7)).toBe(true);
    gate.hold(7, 50);
    expect([gate.free(7), gate.held(7), gate.held(8)]).toEqual([false, true, false]);
    await vi.advanceTimersByTimeAsync(50);
    expect([gate.free(7), gate.held(7)]).toEqual([true, false]);
  });

  it("forgets no hold when it holds many chats", async () => {
    const gate = createChatGate(spacing, 10);
    gate.hold(1, 60_000);
    for (let chatId = 2; chatId < 2_500; chatId++) {
      await gate.enter(chatId, "now");
      gate.leave(chatId, "now");
      if (chatId % 500 === 0) await vi.advanceTimersByTimeAsync(4_000);
    }
    expect(gate.free(1)).toBe(false);
  });

  it("never shortens a hold", () => {
    const gate = createChatGate(spacing, 10);
    gate.hold(7, 5_000);
    gate.hold(7, 10);
    vi.advanceTimersByTime(1_000);
    expect(gate.free(7)).toBe(false);
  });

  it("lets fewer previews go while the loop is late, all others as ever, and as many as before when it is on time again", async () => {
    const { loop, measure } = createScriptedLoop();
    const gate = createChatGate(spacing, 100, loop);
    let first = 1_000;
    async function enter(pace: "edit" | "now") {
      const entered: number[] = [];
      for (let chatId = first; chatId < first + 100; chatId++)
        gate.enter(chatId, pace).then(
          () => entered.push(chatId),
          () => undefined,
        );
      first += 100;
      await vi.advanceTimersByTimeAsync(5_000);
      for (const chatId of entered) gate.leave(chatId, pace);
      return entered.length;
    }
    expect(await enter("edit")).toBe(100);
    for (let look = 0; look < 20; look++) measure(500);
    expect(gate.overloaded).toBe(true);
    const few = await enter("edit");
    expect(few).toBeGreaterThan(0);
    expect(few).toBeLessThan(20);
    expect(await enter("now")).toBe(100);
    for (let look = 0; look < 100; look++) measure(0);
    expect(gate.overloaded).toBe(false);
    gate.stop();
  });
});

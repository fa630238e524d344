import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createChatGate } from "../../src/screen/chat-gate.ts";
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
});

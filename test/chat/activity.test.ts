import { describe, expect, it } from "vitest";
import { type Activity, activityOf, withActivity } from "../../src/chat/activity.ts";

const thinking = { kind: "thinking", seconds: 0 } as const;
const trying = { kind: "trying-again", reason: "rate-limit" } as const;
const waiting = { kind: "waiting-for-place", provider: "ollama" } as const;
const tool = (name: string) => ({ kind: "tool", tool: { doing: "calling", name } }) as const;

/** What goes on when these have begun, one after another. */
const going = (...begun: readonly Activity[]) => begun.reduce<readonly Activity[]>(withActivity, []);

describe("what a turn is at", () => {
  it.each<[string, readonly Activity[], readonly Activity[]]>([
    ["a model that waits for its place is not thinking", [thinking, waiting], [waiting]],
    ["nor does it wait when it is asked", [waiting, thinking], [thinking]],
    ["that it is tried again stays while the next one is asked", [thinking, trying, waiting], [trying, waiting]],
    ["and is said anew, without the rest, when that one fails, too", [trying, waiting, trying], [trying]],
    ["tools may work side by side", [thinking, tool("a"), tool("b")], [tool("a"), tool("b")]],
    ["a model that reads what they found is thinking", [tool("a"), tool("b"), thinking], [thinking]],
    ["the newest of many tools", [tool("a"), tool("b"), tool("c"), tool("d")], [tool("b"), tool("c"), tool("d")]],
    ["at most three in all", [trying, tool("a"), tool("b"), tool("c")], [trying, tool("b"), tool("c")]],
  ])("%s", (_what, begun, left) => {
    expect(going(...begun)).toEqual(left);
  });

  it("goes on thinking where it thinks already", () => {
    const first = going({ ...thinking, seconds: 7 });
    expect(withActivity(first, thinking)).toBe(first);
  });

  it("is told by the events of a model", () => {
    expect(activityOf({ type: "waiting", provider: "ollama" })).toEqual(waiting);
    expect(activityOf({ type: "trying-again", reason: "rate-limit" })).toEqual(trying);
    expect(activityOf({ type: "attempt", model: "a/one" })).toEqual(thinking);
    expect(activityOf({ type: "thinking" })).toEqual(thinking);
    expect(activityOf({ type: "text-delta", text: "x" })).toBeUndefined();
  });
});

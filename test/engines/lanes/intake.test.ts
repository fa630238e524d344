import { describe, expect, it, vi } from "vitest";
import { createIntake } from "../../../src/engines/lanes/intake.ts";
import { createScriptedLoop } from "../../support/loop.ts";

function createScene() {
  const { loop, measure } = createScriptedLoop();
  const onRoom = vi.fn();
  const intake = createIntake(loop, onRoom);
  let running = 0;
  return {
    measure,
    onRoom,
    intake,
    end: (lanes: number) => (running -= lanes),
    /** Begins as many lanes as there is room for, and says how many. */
    fill(most = 100_000) {
      const before = running;
      while (running - before < most && intake.hasRoom(running)) {
        running++;
        intake.began();
      }
      return running - before;
    },
  };
}

describe("the intake", () => {
  it("takes on a portion at once, and more with each look at a loop that has stayed on time", () => {
    const { fill, measure } = createScene();
    const portions = [fill()];
    for (let look = 0; look < 3; look++) {
      measure(0);
      portions.push(fill());
    }
    for (const [at, portion] of portions.slice(1).entries()) expect(portion).toBeGreaterThan(portions[at] ?? 0);
  });

  it("does not grow by being asked for little", () => {
    const { fill, measure } = createScene();
    const first = fill();
    for (let look = 0; look < 20; look++) {
      measure(0);
      fill(1);
    }
    measure(0);
    expect(fill()).toBeLessThanOrEqual(2 * first);
  });

  it("takes nothing new while the loop is late, and little at first afterwards", () => {
    const { fill, measure } = createScene();
    const first = fill();
    for (let look = 0; look < 10; look++) {
      measure(5_000);
      expect(fill()).toBe(0);
    }
    measure(0);
    const afterwards = fill();
    expect(afterwards).toBeGreaterThan(0);
    expect(afterwards).toBeLessThan(first / 4);
  });

  it("does not wait for the next look to see that the loop stands still", () => {
    const { loop, measure } = createScriptedLoop();
    const intake = createIntake(loop, () => undefined);
    measure(0);
    expect(intake.hasRoom(500)).toBe(true);
    const late = createIntake({ ...loop, lateMs: 3_000 }, () => undefined);
    expect(late.hasRoom(500)).toBe(false);
  });

  it("always has room beside a few, however late the loop is", () => {
    const { fill, measure, end } = createScene();
    const first = fill();
    measure(60_000);
    expect(fill()).toBe(0);
    end(first);
    const few = fill();
    expect(few).toBeGreaterThan(0);
    end(1);
    expect(fill()).toBe(1);
  });

  it("says when there is room again for who was sent away, once, and is quiet when nobody was", () => {
    const { fill, measure, onRoom, intake } = createScene();
    measure(0);
    expect(onRoom).not.toHaveBeenCalled();
    fill();
    measure(900);
    expect(onRoom).not.toHaveBeenCalled();
    measure(0);
    measure(0);
    expect(onRoom).toHaveBeenCalledOnce();
    fill();
    intake.stop();
    measure(0);
    expect(onRoom).toHaveBeenCalledOnce();
  });
});

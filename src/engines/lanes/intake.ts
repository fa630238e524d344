/** How many new lanes a worker takes on: what runs comes first, so none while the loop is late, and not all at once. */
import type { LoopDelay } from "../../base/loop-delay.ts";

/** A loop that is so late takes nothing new: previews have given way long before. Milliseconds. */
const lateMs = 200;
/** So few lanes are not what makes a loop late: beside busy processes they begin all the same. */
const alwaysBeside = 64;
const firstAllowance = 64;
const leastAllowance = 8;
const mostAllowance = 4_096;

export interface Intake {
  /** How many lanes may begin beside so many that run. When none, `onRoom` is called as soon as it is worth asking again. */
  room(running: number): number;
  hasRoom(running: number): boolean;
  /** A lane has begun. */
  began(): void;
  stop(): void;
}

/**
 * Lanes begin in portions, one for each measurement of the loop that finds it on time: a portion is doubled when the loop has
 * stayed on time with a whole one, and halved when it is late.
 */
export function createIntake(loop: LoopDelay, onRoom: () => void): Intake {
  let allowance = firstAllowance;
  /** What may begin, and what has begun, since the last measurement. */
  let portion = allowance;
  let begun = 0;
  let refused = false;

  const end = loop.onMeasured((measuredMs) => {
    const late = measuredMs > lateMs;
    if (late) allowance = Math.max(leastAllowance, Math.floor(allowance / 2));
    else if (begun >= allowance) allowance = Math.min(mostAllowance, allowance * 2);
    portion = late ? 0 : allowance;
    begun = 0;
    if (late || !refused) return;
    refused = false;
    onRoom();
  });

  function room(running: number): number {
    const most = Math.max(0, alwaysBeside - running, loop.lateMs <= lateMs ? portion - begun : 0);
    refused ||= most === 0;
    return most;
  }

  return {
    room,
    hasRoom: (running) => room(running) > 0,
    began() {
      begun++;
    },
    stop: end,
  };
}

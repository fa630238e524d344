/** How many new lanes a worker takes on: what runs comes first, so none while the loop is late, and not all at once. */
import type { LoopDelay } from "../../base/loop-delay.ts";

/** A loop that is so late takes nothing new: previews have given way long before. Milliseconds. */
const lateMs = 200;
/** So few lanes are not what makes a loop late: beside busy processes they begin all the same. */
const alwaysBeside = 16;
const firstAllowance = 64;
const mostAllowance = 4_096;

export interface Intake {
  /** Whether a lane may begin beside so many that run. When not, `onRoom` is called as soon as it is worth asking again. */
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
    if (late) allowance = Math.max(1, Math.floor(allowance / 2));
    else if (begun >= allowance) allowance = Math.min(mostAllowance, allowance * 2);
    portion = late ? 0 : allowance;
    begun = 0;
    if (late || !refused) return;
    refused = false;
    onRoom();
  });

  return {
    hasRoom(running) {
      const room = running < alwaysBeside || (begun < portion && loop.lateMs <= lateMs);
      refused ||= !room;
      return room;
    },
    began() {
      begun++;
    },
    stop: end,
  };
}

/** Buttons that were pressed and wait for the bot's answer. */
import { randomInt } from "node:crypto";
import type { PressAnswer } from "./types.ts";

export interface Presses {
  /** Opens a press: its id, and a promise of the answer, undefined when there is none within `waitMs`. */
  open(
    place: { readonly chatId: number; readonly messageId: number },
    waitMs: number,
  ): { readonly id: string; readonly answer: Promise<PressAnswer | undefined> };
  /** False when there is no such press, or it was answered, or it is too old. */
  answer(id: string, answer: PressAnswer): boolean;
  stop(): void;
}

interface OpenPress {
  readonly chatId: number;
  readonly messageId: number;
  settle(answer: PressAnswer | undefined): void;
  readonly timers: readonly NodeJS.Timeout[];
}

/** `lifeMs`: how long a press can be answered. */
export function createPresses(
  lifeMs: number,
  onAnswer: (press: { chatId: number; messageId: number }, answer: PressAnswer) => void,
): Presses {
  const open = new Map<string, OpenPress>();

  function close(id: string, press: OpenPress, answer: PressAnswer | undefined): void {
    open.delete(id);
    for (const timer of press.timers) clearTimeout(timer);
    press.settle(answer);
  }

  return {
    open({ chatId, messageId }, waitMs) {
      const id = `${Date.now()}${randomInt(1e5, 1e6)}`;
      const { promise, resolve } = Promise.withResolvers<PressAnswer | undefined>();
      const press: OpenPress = {
        chatId,
        messageId,
        settle: resolve,
        timers: [
          setTimeout(() => resolve(undefined), waitMs).unref(),
          setTimeout(() => close(id, press, undefined), lifeMs).unref(),
        ],
      };
      open.set(id, press);
      return { id, answer: promise };
    },
    answer(id, answer) {
      const press = open.get(id);
      if (press === undefined) return false;
      close(id, press, answer);
      onAnswer(press, answer);
      return true;
    },
    stop() {
      for (const [id, press] of open) close(id, press, undefined);
    },
  };
}

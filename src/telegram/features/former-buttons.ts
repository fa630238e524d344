/** Only the newest answer has buttons: those of the answer before go when the first text of the next one stands. */
import type { Question } from "../../chat/turn.ts";
import type { Turn } from "../../ports/turns.ts";
import { type BotContext, buttonsOf, retire } from "../context.ts";

/** The message whose buttons go with the answer to a question. One that is written anew changes its own. */
export function retiredBy(ctx: BotContext, id: number, newest: Turn | undefined): Turn["retires"] {
  const anew = newest?.question === id || newest?.continues?.question === id;
  if (!anew) return buttonsOf(ctx, newest);
  // The run before may not have come to it: it crashed, or its question was edited before anything was shown.
  const begun = newest.state === "writing" && newest.messages.length === 0;
  return begun || newest.run === ctx.job.updateId ? newest.retires : undefined;
}

export interface FormerButtons {
  /** The first text stands. */
  take(): void;
  /** The answer stands. */
  ended(): Promise<void>;
  /** The answer will be delivered again. */
  left(): Promise<void>;
}

/** Takes them away, in one run of a turn. */
export function createFormerButtons(ctx: BotContext, { id, retires }: Pick<Question, "id" | "retires">): FormerButtons {
  const { store } = ctx.deps;
  const { conversation, updateId, attempt } = ctx.job;
  let taking: Promise<void> | undefined;
  let taken = false;
  async function take(): Promise<void> {
    taken = await retire(ctx, retires);
  }
  return {
    take() {
      taking = take();
    },
    async ended() {
      // A delivery that was cut short may have shown all of the answer, so that nothing had to be shown now.
      if (attempt > 1) await (taking ?? take());
    },
    async left() {
      if (!taken) return;
      // Telegram would refuse to take them once more.
      const turn = await store.readTurn(conversation, id);
      if (turn?.run === updateId) await store.beginTurn({ ...turn, retires: undefined });
    },
  };
}

/** Answers that may be given again, in Redis: a key each, which expires. */
import type { AnswerSlot, AnswerToKeep } from "../../ports/answers.ts";
import type { Store } from "../../ports/store.ts";
import type { RedisLink } from "./link.ts";
import type { ScriptArgument } from "./script.ts";

export interface Answers extends Pick<Store, "readAnswer"> {
  /** The key, and behind it the arguments, with which the script of a turn's end writes one; or none. */
  argumentsFor(answer: AnswerToKeep | undefined): { readonly key: string; readonly args: readonly ScriptArgument[] };
}

/** Creates the store's part for them; `now` in milliseconds since the epoch. */
export function createAnswers({ commands: redis, prefix }: RedisLink, now: () => number): Answers {
  const keyOf = ({ owner, key }: AnswerSlot) => `${prefix}answer:${owner}:${key}`;
  return {
    async readAnswer(slot) {
      const record = await redis.get(keyOf(slot));
      if (record === null) return undefined;
      const { text, model, until } = JSON.parse(record);
      return until > now() ? { text, model } : undefined;
    },
    argumentsFor(answer) {
      if (answer === undefined) return { key: prefix, args: ["", 0] };
      const { text, model, keepMs } = answer;
      return { key: keyOf(answer), args: [JSON.stringify({ text, model, until: now() + keepMs }), keepMs] };
    },
  };
}

/** Which model is asked next, and with what: the chosen one, with shorter messages, the fallbacks, the last of them again. */
import type { ModelError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { ModelRequest } from "../ports/models.ts";
import type { Allowance } from "./allowance.ts";

export interface Route {
  /** `provider/model`, to be asked now. */
  readonly model: string;
  readonly messages: ModelRequest["messages"];
  /** The messages are the shorter ones. */
  readonly shortened: boolean;
  /** How many models are left behind it. */
  readonly left: number;
  /**
   * Goes on after a failure, in the middle of a text that was `shown`, perhaps. Milliseconds to wait before; throws the failure
   * when nobody is to be asked any more.
   */
  after(failed: ModelError, shown: boolean): number;
}

/** Creates the route of one question along these models, each `provider/model` once, the chosen one first. */
export function createRoute(
  request: ModelRequest,
  chain: readonly string[],
  allowance: Allowance,
  log: Pick<Logger, "info">,
): Route {
  const ahead = [...chain];
  let model = ahead.shift() ?? request.model;
  let shorter: ModelRequest["messages"] | undefined;
  let repeats = 0;

  return {
    get model() {
      return model;
    },
    get messages() {
      return shorter ?? request.messages;
    },
    get shortened() {
      return shorter !== undefined;
    },
    get left() {
      return ahead.length;
    },
    after(failed, shown) {
      // Who asks shall not find out which model says it all the same.
      if (failed.kind === "content-filter") throw failed;
      if (failed.kind === "context-overflow" && shorter === undefined && allowance.mayGoOn()) {
        // Before others are asked: the model that was chosen answers, if it can. Those after it may read more.
        shorter = request.shorter?.();
        if (shorter !== undefined) {
          repeats += 1;
          return 0;
        }
      }
      if (ahead.length === 0 && shown) throw failed;
      if (ahead.length === 0) {
        const delayMs = allowance.repeatAfter(failed, repeats);
        if (delayMs === undefined) throw failed;
        repeats += 1;
        return delayMs;
      }
      if (!allowance.mayGoOn()) throw failed;
      model = ahead.shift() ?? model;
      shorter = undefined;
      repeats = 0;
      log.info({ from: failed.model, to: model, kind: failed.kind }, "asking a fallback");
      return 0;
    },
  };
}

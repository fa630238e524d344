/** Which model is asked next, and with what: the chosen one, with shorter messages, those behind it, one of them again. */
import { type BudgetError, ModelError, modelErrorFates } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { ModelRequest } from "../ports/models.ts";
import type { Allowance } from "./allowance.ts";
import type { Breakers, Choice } from "./breakers.ts";

export interface Route {
  /** What is to be asked now. */
  readonly choice: Choice;
  readonly messages: ModelRequest["messages"];
  /** The messages are the shorter ones. */
  readonly shortened: boolean;
  /** How many models are left behind it. */
  readonly left: number;
  /**
   * Goes on after a failure, in the middle of a text that was `shown`, perhaps. Milliseconds to wait before; throws what the user
   * is to be told when nobody is to be asked any more.
   */
  after(failed: ModelError, shown: boolean): Promise<number>;
  /**
   * Goes on to the next model, since the budget does not pay for this one: a cheaper one may fit, and one's own costs nothing.
   * Throws when nobody is to be asked any more.
   */
  passOver(refusal: BudgetError): Promise<void>;
}

/** How a model has failed last. */
interface Tried {
  readonly error: ModelError;
  readonly shown: boolean;
  /** How often it was asked again. */
  readonly repeats: number;
}

export interface RouteDeps {
  readonly allowance: Allowance;
  readonly breakers: Pick<Breakers, "choose" | "openForMs" | "waitsForOperator">;
  readonly log: Pick<Logger, "info">;
}

/** Creates the route of one question along these models, each `provider/model` once, in the order in which they are wanted. */
export async function createRoute(
  request: Pick<ModelRequest, "messages" | "shorter">,
  chain: readonly [string, ...string[]],
  { allowance, breakers, log }: RouteDeps,
): Promise<Route> {
  const { openForMs, waitsForOperator } = breakers;
  const ahead = new Set<string>(chain);
  const tried = new Map<string, Tried>();
  let shorter: ModelRequest["messages"] | undefined;
  let unpaid: BudgetError | undefined;
  let choice = await next();

  async function next(): Promise<Choice> {
    const chosen = (await breakers.choose([...ahead])) ?? { model: chain[0], probe: false };
    ahead.delete(chosen.model);
    return chosen;
  }

  /** Who failed last of those that may do better when they are asked once more. */
  function again(): { readonly model: string; readonly delayMs: number } | undefined {
    for (const [model, { error, shown, repeats }] of [...tried].reverse()) {
      const delayMs = shown ? undefined : allowance.repeatAfter(error, repeats);
      if (delayMs !== undefined) return { model, delayMs };
    }
    return undefined;
  }

  /** Of all failures the one that says most: the last that may pass, with the time until one of the models can be asked again. */
  function outcome(): ModelError | BudgetError {
    // With more to spend the model that was wanted would have been asked.
    if (unpaid !== undefined) return unpaid;
    const errors = [...tried.values()].map(({ error }) => error);
    const said = errors.findLast(({ kind }) => modelErrorFates[kind].passes) ?? errors.at(-1);
    if (said === undefined) throw new Error("nothing has failed");
    if (!modelErrorFates[said.kind].passes) return said;
    const waitsMs = errors.flatMap(({ kind, model, retryAfterMs }) =>
      modelErrorFates[kind].passes ? [retryAfterMs || (waitsForOperator(model) ? 0 : openForMs(model))] : [],
    );
    // No time heals what an operator has to mend.
    const others = [...ahead].filter((model) => !waitsForOperator(model));
    const soonestMs = Math.min(...waitsMs, ...others.map(openForMs));
    const { status } = said;
    return new ModelError(said.kind, said.model, said.message, { status, retryAfterMs: soonestMs || undefined });
  }

  async function goOn(kind: string): Promise<void> {
    const from = choice.model;
    choice = await next();
    shorter = undefined;
    log.info({ from, to: choice.model, kind }, "asking another model");
  }

  return {
    get choice() {
      return choice;
    },
    get messages() {
      return shorter ?? request.messages;
    },
    get shortened() {
      return shorter !== undefined;
    },
    get left() {
      return ahead.size;
    },
    async after(failed, shown) {
      const { model } = choice;
      // Who asks shall not find out which model says it all the same.
      if (failed.kind === "content-filter") throw failed;
      if (failed.kind === "context-overflow" && !shown && shorter === undefined && allowance.mayGoOn()) {
        // Before others are asked: the model that was chosen answers, if it can. Those after it may read more.
        shorter = request.shorter?.();
        if (shorter !== undefined) {
          choice = { model, probe: false };
          return 0;
        }
      }
      const repeats = tried.get(model)?.repeats ?? 0;
      // The last one that was asked stands at the end.
      tried.delete(model);
      tried.set(model, { error: failed, shown, repeats });
      if (ahead.size > 0) {
        if (!allowance.mayGoOn()) throw outcome();
        await goOn(failed.kind);
        return 0;
      }
      const repeated = again();
      const former = repeated && tried.get(repeated.model);
      if (repeated === undefined || former === undefined) throw outcome();
      tried.set(repeated.model, { ...former, repeats: former.repeats + 1 });
      if (repeated.model !== model) shorter = undefined;
      choice = { model: repeated.model, probe: false };
      return repeated.delayMs;
    },
    async passOver(refusal) {
      unpaid ??= refusal;
      // Calls of others were waited for as long as anybody waits: with the next one that would begin anew.
      if (refusal.why === "reserved" || ahead.size === 0 || !allowance.mayGoOn()) throw unpaid;
      await goOn(refusal.code);
    },
  };
}

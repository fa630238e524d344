/** One attempt at one model: its place at the provider, its breaker, its metrics and its line in the log. */
import type { ModelError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { CallEnd, ModelEvent, OpenCall } from "../ports/models.ts";
import type { Allowance, Patience, Timers } from "./allowance.ts";
import type { Breakers } from "./breakers.ts";
import { modelError } from "./failures.ts";
import type { Places } from "./places.ts";
import type { Provider } from "./provider.ts";
import type { Route } from "./route.ts";
import { troubleOf } from "./trouble.ts";

export interface Attempt {
  readonly provider: string;
  /** Queues for a place. Resolves soon: whether all are taken. */
  queue(signal: AbortSignal): Promise<boolean>;
  /**
   * Takes the place, and pays: the provider may be asked now. `again` when the place was given away while the call could not be
   * paid: it can now, and queues anew. Undefined when the signal was aborted before. Rejects with a `ModelError` when there is
   * no such provider, or no place in time.
   */
  enter(signal: AbortSignal): Promise<Entered | "again" | undefined>;
  /** The answer is whole, and paid. */
  completed(end: AnswerEnd): void;
  /** Whether more of it can be paid, now that this has come. */
  affords(text: string): boolean;
  /** It came to nothing. */
  failed(error: ModelError): void;
  /** Leaves the place. */
  end(): void;
}

/** Who is to be asked, and how much of the user's patience is left for it. */
export interface Entered {
  readonly provider: Provider;
  /** The model's name on the wire. */
  readonly model: string;
  readonly patience: Patience;
  readonly mayCall: () => boolean;
  readonly onLife: () => void;
}

/** What is known of a whole answer. */
type AnswerEnd = Pick<Extract<ModelEvent, { type: "answer-end" }>, "finish" | "usage" | "served">;

/** A provider with its places. */
export interface AskedProvider extends Provider {
  readonly places: Places;
  /** It has the models of others loaded, and answers or refuses without delay. */
  readonly hosted: boolean;
}

/** See `Payer.open`. `model`: `provider/model`. */
export type Pay = (model: string, signal: AbortSignal, onWaiting: () => void) => Promise<OpenCall | undefined>;

export type Attempts = (
  route: Pick<Route, "choice" | "left">,
  /** Left out where nobody counts. */
  pay: Pay | undefined,
  allowance: Allowance,
  log: Pick<Logger, "warn">,
  /** See `Allowance.patience`. */
  thinksLong?: boolean,
) => Attempt;

export interface AttemptsDeps {
  readonly providers: ReadonlyMap<string, AskedProvider>;
  readonly breakers: Breakers;
  readonly timers: Pick<Timers, "placeMs" | "lastPlaceMs">;
  readonly metrics?: Pick<Metrics, "modelCalled" | "modelFirstToken"> | undefined;
  readonly alerts?: Alerts | undefined;
  /** A clock that never goes back. Milliseconds. */
  readonly now: () => number;
}

/** A server of one's own that has said nothing for so long may have put its model away. */
const loadedMs = 240_000;

/** Creates what begins an attempt at the model that a route has come to. */
export function createAttempts({ providers, breakers, timers, metrics, alerts, now }: AttemptsDeps): Attempts {
  /** When a model was heard of last. */
  const heard = new Map<string, number>();

  return (route, pay, allowance, log, thinksLong) => {
    const { model } = route.choice;
    const slash = Math.max(0, model.indexOf("/"));
    const provider = providers.get(model.slice(0, slash));
    const passage = breakers.enter(route.choice);
    let place: ReturnType<Places["enter"]> | undefined;
    let leave: (() => void) | undefined;
    let patience: Patience | undefined;
    let startedMs = now();
    let lifeMs: number | undefined;
    let firstMs: number | undefined;
    let call: OpenCall | undefined;
    let outcome = "aborted";

    function onLife(): void {
      if (lifeMs === undefined) metrics?.modelFirstToken(model, now() - startedMs);
      lifeMs = now();
      heard.set(model, lifeMs);
      passage.alive();
      firstMs ??= lifeMs;
    }

    function close(end: Pick<CallEnd, "outcome" | "usage" | "served">): void {
      const firstTokenMs = firstMs === undefined ? undefined : firstMs - startedMs;
      call?.close({ ...end, firstTokenMs, durationMs: now() - startedMs });
    }

    function giveAway(): void {
      leave?.();
      leave = undefined;
    }

    return {
      provider: model.slice(0, slash),
      async queue(signal) {
        place = provider?.places.enter(route.left > 0 ? timers.placeMs : timers.lastPlaceMs, signal);
        return place !== undefined && !(await place.atOnce);
      },
      async enter(signal) {
        if (provider === undefined) {
          throw modelError(model, { kind: "not-found", message: "no provider of this name is configured" });
        }
        const entry = await place?.entry;
        allowance.waited(now() - startedMs);
        startedMs = now();
        if (entry === "late") throw modelError(model, { kind: "busy", message: "no place came free in time" });
        if (entry === undefined || entry === "aborted") return undefined;
        leave = entry;
        if (pay !== undefined && call === undefined) {
          // Those who are waited for may need the place. Whoever has a place waits for nobody, so that all come to an end.
          call = await pay(model, signal, giveAway);
          if (call === undefined) return undefined;
          // However long that took: whoever waits knows.
          allowance.waited(now() - startedMs);
          startedMs = now();
          if (leave === undefined) return "again";
        }
        const mayLoad = !provider.hosted && now() - (heard.get(model) ?? Number.NEGATIVE_INFINITY) > loadedMs;
        patience = allowance.patience(route.left, mayLoad, thinksLong);
        return { provider, model: model.slice(slash + 1), patience, mayCall: allowance.call, onLife };
      },
      completed({ finish, usage, served }) {
        close({ outcome: finish === "budget" ? "over-budget" : "complete", usage, served });
        outcome = "complete";
        passage.completed();
      },
      affords: (text) => call?.wrote(text) ?? true,
      failed(error) {
        const { kind, status, message } = error;
        // A model that was thinking kept nobody waiting in silence.
        if (lifeMs !== undefined) allowance.thought(lifeMs - startedMs);
        allowance.failed(error, now() - (lifeMs ?? startedMs));
        if (status !== undefined) heard.set(model, now());
        // One that had to hurry might have answered.
        if (kind === "timeout" && lifeMs === undefined && patience?.hurried === true) passage.left();
        else passage.failed(error);
        outcome = kind;
        close({ outcome: kind });
        const tookMs = Math.round(now() - startedMs);
        log.warn({ model, kind, status, reason: message, tookMs }, "a model call failed");
        if (leave === undefined) return;
        const trouble = troubleOf(error);
        if (trouble !== undefined) alerts?.raise(trouble);
      },
      end() {
        passage.left();
        // Whatever has not told its end was stopped.
        close({ outcome: "stopped" });
        if (leave === undefined) {
          // A place that came free in the very moment in which nobody wanted it any more.
          void place?.entry.then((entry) => typeof entry === "function" && entry());
          return;
        }
        metrics?.modelCalled(model, outcome);
        leave();
      },
    };
  };
}

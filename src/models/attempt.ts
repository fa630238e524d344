/** One attempt at one model: its place at the provider, its metrics and its line in the log. */
import type { ModelError } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { ModelEvent, ModelRequest } from "../ports/models.ts";
import type { Allowance } from "./allowance.ts";
import { modelError } from "./failures.ts";
import type { Provider } from "./provider.ts";
import type { Route } from "./route.ts";
import { troubleOf } from "./trouble.ts";

export interface Attempt {
  readonly provider: string;
  /** All places at the provider are taken. */
  readonly mustWait: boolean;
  /**
   * Takes a place: the provider is asked as soon as its events, from `thinking` to `answer-end`, are read. Undefined when the
   * signal was aborted before. Rejects with a `ModelError` when there is no such provider.
   */
  enter(signal: AbortSignal): Promise<AsyncIterable<ModelEvent> | undefined>;
  /** The answer was whole. */
  completed(): void;
  /** It came to nothing. */
  failed(error: ModelError): void;
  /** Leaves the place. */
  end(): void;
}

export type Attempts = (
  route: Route,
  request: ModelRequest,
  allowance: Allowance,
  log: Pick<Logger, "warn">,
) => Attempt;

export interface AttemptsDeps {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly metrics?: Pick<Metrics, "modelCalled" | "modelFirstToken"> | undefined;
  readonly alerts?: Alerts | undefined;
  /** A clock that never goes back. Milliseconds. */
  readonly now: () => number;
}

/** Creates what begins an attempt at the model that a route has come to. */
export function createAttempts({ providers, metrics, alerts, now }: AttemptsDeps): Attempts {
  return (route, request, allowance, log) => {
    const { model } = route;
    const slash = Math.max(0, model.indexOf("/"));
    const provider = providers.get(model.slice(0, slash));
    let leave = provider?.places.tryTake();
    let startedMs = now();
    let lifeMs: number | undefined;
    let outcome = "aborted";

    function onLife(): void {
      if (lifeMs === undefined) metrics?.modelFirstToken(model, now() - startedMs);
      lifeMs = now();
    }

    return {
      provider: model.slice(0, slash),
      mustWait: provider !== undefined && leave === undefined,
      async enter(signal) {
        if (provider === undefined) {
          throw modelError(model, { kind: "not-found", message: "no provider of this name is configured" });
        }
        if (leave === undefined) {
          leave = await provider.places.take(signal);
          allowance.waited(now() - startedMs);
          startedMs = now();
        }
        if (leave === undefined) return undefined;
        const { messages, left } = route;
        const patience = allowance.patience(left);
        const work: Work = request.work ?? ((piece) => piece());
        const { effort, thoughts, cacheKey } = request;
        const how = { effort, thoughts, cacheKey, work, patience, mayCall: allowance.call, onLife };
        const ask = { ...how, model: model.slice(slash + 1), messages };
        return provider.ask(ask, signal);
      },
      completed() {
        outcome = "complete";
      },
      failed(error) {
        // A model that was thinking kept nobody waiting in silence.
        if (lifeMs !== undefined) allowance.thought(lifeMs - startedMs);
        allowance.failed(error, now() - (lifeMs ?? startedMs));
        if (leave === undefined) return;
        const { kind, status, message } = error;
        outcome = kind;
        const tookMs = Math.round(now() - startedMs);
        log.warn({ model, kind, status, reason: message, tookMs }, "a model call failed");
        const trouble = troubleOf(error);
        if (trouble !== undefined) alerts?.raise(trouble);
      },
      end() {
        if (leave === undefined) return;
        metrics?.modelCalled(model, outcome);
        leave();
      },
    };
  };
}

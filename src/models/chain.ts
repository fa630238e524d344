/** The models of this process: the chosen one, then the fallbacks, within what a user can be asked to wait. */

import { BudgetError, ModelError, type ModelErrorKind } from "../base/errors.ts";
import { inNobodysName } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import { waitFor } from "../base/long-wait.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Proxies } from "../base/proxies.ts";
import { linkedSignal } from "../base/signals.ts";
import type { Config, ModelTarget } from "../config/config.ts";
import { autoName } from "../config/model-list.ts";
import { isHosted } from "../config/providers.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { SharedBreakers } from "../ports/breakers.ts";
import type { ConvertSound, MediaModels } from "../ports/media-models.ts";
import type { Effort, ModelEvent, ModelRequest, Models, Tier } from "../ports/models.ts";
import type { SharedPlaces } from "../ports/places.ts";
import { createAllowance, defaultTimers, type Timers } from "./allowance.ts";
import { createAttempts, type Pay } from "./attempt.ts";
import { createBreakers } from "./breakers.ts";
import { createCapabilities } from "./capabilities.ts";
import { modelError, stoppingError } from "./failures.ts";
import { createMediaModels } from "./media-chain.ts";
import { createPlaces } from "./places.ts";
import { createPrices } from "./prices.ts";
import { createProvider } from "./provider.ts";
import { createRoute } from "./route.ts";
import { createTransport } from "./transport.ts";
import { withNearestNames } from "./trouble.ts";

export interface ModelsDeps {
  readonly models: Config["models"];
  readonly proxies?: Proxies | undefined;
  readonly log: Pick<Logger, "info" | "warn">;
  readonly metrics?: Pick<Metrics, "modelCalled" | "modelFirstToken" | "modelLeftAlone" | "modelPutBehind">;
  /** Only where several processes serve one bot. */
  readonly shared?: { readonly places: SharedPlaces; readonly breakers: SharedBreakers } | undefined;
  /** Told of failures that an operator has to mend. */
  readonly alerts?: Alerts;
  /** Converts a recording whose format its model refuses. */
  readonly convertSound?: ConvertSound | undefined;
  /** Milliseconds; those left out have the values of DESIGN's promises. */
  readonly timers?: Partial<Timers>;
  /** A clock that never goes back. Milliseconds. */
  readonly now?: () => number;
}

export interface AllModels extends Models {
  /** Those of sound and pictures; left out where none is configured. */
  readonly media?: MediaModels | undefined;
  /** Ends every answer that is still being written, and every other call. */
  stop(): Promise<void>;
}

type Asking = Pick<ModelRequest, "model" | "tier" | "pictures">;

/** Creates the models that the configuration names. */
export function createModels(deps: ModelsDeps): AllModels {
  const { models, log } = deps;
  const now = deps.now ?? (() => performance.now());
  const timers: Timers = { ...defaultTimers, ...deps.timers };
  const transport = createTransport(deps.proxies);
  const capabilities = createCapabilities(models.capabilities);
  const stopping = new AbortController();
  const { metrics, shared } = deps;
  const providers = new Map(
    models.providers.map((config) => {
      const { name, concurrency: limit } = config;
      const { maxTokens, temperature } = models;
      const places = createPlaces({ provider: name, limit, shared: shared?.places });
      const provider = createProvider({ config, maxTokens, temperature, capabilities, transport, log });
      return [name, { ...provider, places, hosted: isHosted(name) }];
    }),
  );
  const alerts = withNearestNames({
    alerts: deps.alerts,
    list: async (name, signal) => (await providers.get(name)?.list(signal))?.names,
    log,
    signal: stopping.signal,
    now,
  });
  shared?.places.listen((name) => {
    for (const [known, { places }] of providers) if (name === undefined || name === known) places.stir();
  });
  const breakers = createBreakers({ shared: shared?.breakers, log, metrics, now });
  const begin = createAttempts({ providers, breakers, timers, metrics, alerts, now });

  /** What is asked for this choice, in order; what comes again is left out later. */
  function targetsOf({ model, tier = "cheap", pictures }: Asking): readonly ModelTarget[] {
    const own = (model === autoName ? models.auto?.[tier] : models.chains[model]) ?? [{ model }];
    if (!pictures) return [...own, ...models.fallbacks];
    const others = seesSurely(own[0]?.model ?? model) ? [] : othersInList(model);
    return [...own, ...others, ...models.fallbacks].filter((target) => capabilities.of(target.model).sees);
  }

  function seesSurely(model: string): boolean {
    const { sees, known } = capabilities.of(model);
    return sees && known;
  }

  /** The other choices of `MODELS`, from the one behind this on, and round to it again. */
  function othersInList(name: string): readonly ModelTarget[] {
    const place = models.names.indexOf(name);
    const others = [...models.names.slice(place + 1), ...models.names.slice(0, Math.max(0, place))];
    return others.flatMap((other) => models.chains[other]?.slice(0, 1) ?? []);
  }

  /** How much the configuration wants this model to think, where it is asked for this choice. */
  function effortOf(targets: readonly ModelTarget[], model: string): Effort | undefined {
    return targets.find((target) => target.model === model)?.effort;
  }

  /** The model that stands for `auto`, where one of its two has to. */
  function standingFor(model: string, tier: Tier): string {
    return targetsOf({ model, tier })[0]?.model ?? model;
  }

  async function* answer(request: ModelRequest, asked: AbortSignal): AsyncGenerator<ModelEvent, void> {
    if (asked.aborted) return;
    const linked = linkedSignal(asked, stopping.signal);
    const { signal } = linked;
    const log = request.log ?? deps.log;
    const allowance = createAllowance(timers, now);
    const { payer, thoughts, cacheKey, pictures, tools: all, noCalls, work = inNobodysName } = request;
    const how = { thoughts, cacheKey, pictures, work, noCalls };
    let shown: boolean;
    try {
      const targets = targetsOf(request);
      const [first = request.model, ...behind] = new Set(targets.map(({ model }) => model));
      if (targets.length === 0) throw modelError(first, { kind: "blind", message: "no model that could answer sees" });
      const route = await createRoute(request, [first, ...behind], { allowance, breakers, log });
      for (;;) {
        shown = false;
        let delayMs: number;
        let reason: ModelErrorKind;
        const { model } = route.choice;
        const effort = request.effort ?? effortOf(targets, model);
        const { messages, tools } = request.tailored?.(model, route.messages) ?? {
          messages: route.messages,
          tools: all,
        };
        const pay: Pay | undefined =
          payer && ((name, ...waiting) => payer.open({ model: name, messages, tools }, ...waiting));
        const attempt = begin(route, pay, allowance, log, effort === "high");
        try {
          let entered: Awaited<ReturnType<typeof attempt.enter>>;
          do {
            if (await attempt.queue(signal)) yield { type: "waiting", provider: attempt.provider };
            entered = await attempt.enter(signal);
          } while (entered === "again");
          if (entered !== undefined) {
            yield { type: "attempt", model, shorter: route.shortened || undefined };
            const { provider, ...within } = entered;
            for await (const event of provider.ask({ ...how, ...within, messages, tools, effort }, signal)) {
              shown = event.type === "text-delta" || (shown && event.type !== "text-reset");
              if (event.type === "answer-end") attempt.completed(event);
              yield event;
              if (event.type === "answer-end" || asked.aborted) return;
              if (event.type !== "text-delta" || attempt.affords(event.text)) continue;
              const end = { type: "answer-end", model: route.choice.model, finish: "budget" } as const;
              attempt.completed(end);
              yield end;
              return;
            }
          }
          // Only an abort ends an attempt without an end.
          throw stoppingError(model);
        } catch (error) {
          if (asked.aborted) return;
          if (error instanceof BudgetError) {
            await route.passOver(error);
            yield { type: "passed-over" };
            continue;
          }
          if (!(error instanceof ModelError) || stopping.signal.aborted) throw error;
          attempt.failed(error);
          delayMs = await route.after(error, shown);
          reason = error.kind;
        } finally {
          attempt.end();
        }
        if (shown) yield { type: "restart" };
        yield { type: "trying-again", reason, quiet: (!shown && route.choice.model !== model) || undefined };
        if (delayMs > 0 && !(await waitFor(delayMs, signal))) {
          if (asked.aborted) return;
          throw stoppingError(route.choice.model);
        }
      }
    } finally {
      linked.unlink();
    }
  }

  const { media } = models;
  const chained = { begin, breakers, timers, log, now, stopping: stopping.signal, convert: deps.convertSound };
  return {
    names: models.names,
    media: media && createMediaModels({ media, ...chained }),
    behind: (name) => (models.chains[name] ?? []).slice(1).map(({ model }) => model),
    auto: models.auto && {
      name: autoName,
      models: { cheap: standingFor(autoName, "cheap"), strong: standingFor(autoName, "strong") },
    },
    answer,
    seeing: (request) => targetsOf({ ...request, pictures: true })[0]?.model,
    cost: createPrices(models.prices),
    capabilities: (model) => capabilities.of(standingFor(model, "strong")),
    async stop() {
      stopping.abort();
      transport.stop();
    },
  };
}

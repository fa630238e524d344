/** The models of this process: the chosen one, then the fallbacks, within what a user can be asked to wait. */

import { ModelError } from "../base/errors.ts";
import { waitFor } from "../base/long-wait.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Proxies } from "../base/proxies.ts";
import { linkedSignal } from "../base/signals.ts";
import type { Config } from "../config/config.ts";
import type { ModelEvent, ModelRequest, Models } from "../ports/models.ts";
import { createAllowance, defaultTimers, type Timers } from "./allowance.ts";
import { modelError } from "./failures.ts";
import { costOf } from "./prices.ts";
import { createProvider, type Provider } from "./provider.ts";
import { createTransport } from "./transport.ts";

export interface ModelsDeps {
  readonly models: Config["models"];
  readonly proxies?: Proxies | undefined;
  readonly log: {
    info(details: object, message: string): void;
    warn(details: object, message: string): void;
  };
  readonly metrics?: Pick<Metrics, "modelCalled" | "modelFirstToken">;
  /** Milliseconds; those left out have the values of DESIGN's promises. */
  readonly timers?: Partial<Timers>;
  /** A clock that never goes back. Milliseconds. */
  readonly now?: () => number;
}

/** Creates the models that the configuration names. `stop` ends every answer that is still being written. */
export function createModels(deps: ModelsDeps): Models & { stop(): Promise<void> } {
  const { models, log, metrics } = deps;
  const now = deps.now ?? (() => performance.now());
  const timers: Timers = { ...defaultTimers, ...deps.timers };
  const transport = createTransport(deps.proxies);
  const stopping = new AbortController();
  const providers = new Map<string, Provider>(
    models.providers.map((config) => [
      config.name,
      createProvider({ config, maxTokens: models.maxTokens, temperature: models.temperature, transport, log }),
    ]),
  );

  async function* answer(request: ModelRequest, asked: AbortSignal): AsyncGenerator<ModelEvent, void> {
    if (asked.aborted) return;
    const signal = linkedSignal(asked, stopping.signal);
    const targets = [...new Set([request.model, ...models.fallbacks])];
    const allowance = createAllowance(timers, now);
    const log = request.log ?? deps.log;
    let failed: ModelError | undefined;
    try {
      for (const [index, model] of targets.entries()) {
        const after = targets.length - index - 1;
        if (failed !== undefined) log.info({ from: failed.model, to: model, kind: failed.kind }, "asking a fallback");
        let shorter: ModelRequest["messages"] | undefined;
        for (let repeats = 0; ; repeats++) {
          let shown = false;
          try {
            const asking = shorter === undefined ? request : { ...request, messages: shorter };
            for await (const event of attempt(model, asking, allowance, after, signal.signal)) {
              if (event.type === "attempt" && shorter !== undefined) {
                yield { ...event, shorter: true };
                continue;
              }
              shown = event.type === "text-delta" || (shown && event.type !== "text-reset");
              yield event;
              if (event.type === "answer-end" || asked.aborted) return;
            }
            // Only an abort ends an attempt without an end.
            if (asked.aborted) return;
            throw stopped(model);
          } catch (error) {
            if (asked.aborted) return;
            if (!(error instanceof ModelError)) throw error;
            failed = error;
            if (shown || stopping.signal.aborted) throw error;
          }
          if (failed.kind === "context-overflow" && shorter === undefined && allowance.mayGoOn()) {
            // Before others are asked: the model that was chosen answers, if it can. Those after it may read more.
            shorter = request.shorter?.();
            if (shorter !== undefined) continue;
          }
          if (after > 0) break;
          const delayMs = allowance.repeatAfter(failed, repeats);
          if (delayMs === undefined) throw failed;
          if (!(await pause(delayMs, signal.signal))) {
            if (asked.aborted) return;
            throw stopped(model);
          }
        }
        if (!allowance.mayGoOn()) throw failed;
      }
    } finally {
      signal.unlink();
    }
  }

  /** One call of one model, with its place at the provider, its metrics and its line in the log. */
  async function* attempt(
    model: string,
    request: ModelRequest,
    allowance: ReturnType<typeof createAllowance>,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<ModelEvent, void> {
    const slash = model.indexOf("/");
    const provider = providers.get(model.slice(0, slash));
    if (provider === undefined || slash < 1) {
      const error = modelError(model, { kind: "not-found", message: "no provider of this name is configured" });
      allowance.failed(error, 0);
      throw error;
    }
    let release = provider.places.tryTake();
    if (release === undefined) {
      yield { type: "waiting", provider: model.slice(0, slash) };
      const sinceMs = now();
      release = await provider.places.take(signal);
      allowance.waited(now() - sinceMs);
      if (release === undefined) return;
    }
    const startedMs = now();
    let lifeMs: number | undefined;
    let outcome = "aborted";
    const onLife = (): void => {
      if (lifeMs === undefined) metrics?.modelFirstToken(model, now() - startedMs);
      lifeMs = now();
    };
    try {
      yield { type: "attempt", model };
      const patience = allowance.patience(after);
      const ask = {
        model: model.slice(slash + 1),
        messages: request.messages,
        work: request.work ?? ((piece) => piece()),
        patience,
        mayCall: allowance.call,
        onLife,
      };
      for await (const event of provider.ask(ask, signal)) {
        if (event.type === "answer-end") outcome = "complete";
        yield event;
      }
    } catch (error) {
      if (error instanceof ModelError) {
        outcome = error.kind;
        // A model that was thinking kept nobody waiting in silence.
        if (lifeMs !== undefined) allowance.thought(lifeMs - startedMs);
        allowance.failed(error, now() - (lifeMs ?? startedMs));
        const { kind, status, message } = error;
        (request.log ?? log).warn(
          { model, kind, status, reason: message, tookMs: Math.round(now() - startedMs) },
          "a model call failed",
        );
      }
      throw error;
    } finally {
      metrics?.modelCalled(model, outcome);
      release();
    }
  }

  return {
    names: models.names,
    answer,
    cost: costOf,
    async stop() {
      stopping.abort();
      transport.stop();
    },
  };
}

function stopped(model: string): ModelError {
  return modelError(model, { kind: "connection", message: "the process is stopping" });
}

/** Waits; false when the signal was aborted meanwhile. */
function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return waitFor(milliseconds, signal).then(
    () => !signal.aborted,
    () => false,
  );
}

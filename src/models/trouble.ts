/** Failures of models that do not pass until an operator has mended something. */
import type { ModelError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Alert, Alerts } from "../ports/alerts.ts";
import { nearestName } from "./catalogue.ts";

export interface NearestNamesDeps {
  /** Left out: only the log says it. */
  readonly alerts?: Alerts | undefined;
  /** A provider's own list of models, if it has one. Never rejects. */
  list(provider: string, signal: AbortSignal): Promise<readonly string[] | undefined>;
  readonly log: Pick<Logger, "warn">;
  /** Ends the asking. */
  readonly signal: AbortSignal;
  /** A clock that never goes back. Milliseconds. */
  readonly now: () => number;
}

/** A provider is not asked for its list more often for the same model. */
const askEveryMs = 3_600_000;
const listWithinMs = 10_000;

/** What an operator should hear of a failure; undefined when there is nothing for them to do. */
export function troubleOf({ kind, model }: Pick<ModelError, "kind" | "model">): Alert | undefined {
  const provider = model.slice(0, model.indexOf("/"));
  switch (kind) {
    case "auth":
      return { kind: "key-refused", provider };
    case "quota":
      return { kind: "credit-empty", provider };
    case "misconfigured":
      return { kind: "settings-missing", provider };
    case "no-endpoint":
      return { kind: "address-wrong", provider };
    case "not-found":
      return { kind: "model-gone", model };
    default:
      return undefined;
  }
}

/**
 * Alerts, of which that of a model which is gone says what the provider has instead, and the log says it too. The provider's
 * list is asked for beside the answer, which waits for nothing of it.
 */
export function withNearestNames({ alerts, list, log, signal, now }: NearestNamesDeps): Alerts {
  const found = new Map<string, { readonly at: number; readonly nearest: Promise<string | undefined> }>();

  async function find(model: string): Promise<string | undefined> {
    const slash = model.indexOf("/");
    const names = await list(model.slice(0, slash), AbortSignal.any([signal, AbortSignal.timeout(listWithinMs)]));
    const nearest = names === undefined ? undefined : nearestName(names, model.slice(slash + 1));
    if (nearest !== undefined)
      log.warn({ model, nearest }, "the provider does not know this model; it lists one of nearly this name");
    return nearest;
  }

  return {
    raise(alert) {
      if (alert.kind !== "model-gone") {
        alerts?.raise(alert);
        return;
      }
      if (signal.aborted) return;
      const { model } = alert;
      const known = found.get(model);
      const { nearest } = known !== undefined && now() - known.at < askEveryMs ? known : { nearest: find(model) };
      if (nearest !== known?.nearest) found.set(model, { at: now(), nearest });
      void nearest.then((name) => alerts?.raise({ ...alert, nearest: name }));
    },
  };
}

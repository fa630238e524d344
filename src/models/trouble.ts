/** Failures of models that do not pass until an operator has mended something. */
import type { ModelError } from "../base/errors.ts";
import type { Alert } from "../ports/alerts.ts";

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

/** Whether facts are remembered for users, and who is told of them: `MEMORY`, `MEMORY_PROVIDERS`. */
import type { Environment } from "./environment.ts";
import type { Remarks } from "./provider-settings.ts";

export interface MemoryConfig {
  /** Names of the providers whose models are told; left out: all. */
  readonly providers?: readonly string[] | undefined;
}

/** What the variables mean together; undefined when nothing is remembered. `known`: the providers that may be asked. */
export function memoryOf(
  { MEMORY: memory, MEMORY_PROVIDERS: providers }: Environment,
  known: readonly { readonly name: string }[],
  { warnings }: Pick<Remarks, "warnings">,
): MemoryConfig | undefined {
  if (memory === "off") {
    if (providers !== undefined) warnings.push("MEMORY_PROVIDERS does nothing: MEMORY is off");
    return undefined;
  }
  // A value may be a secret in the wrong place.
  const places = (providers ?? []).flatMap((name, at) => (known.some((one) => one.name === name) ? [] : [at + 1]));
  if (places.length > 0)
    warnings.push(
      `MEMORY_PROVIDERS does nothing in place ${places.join(", ")}: no variable names a model of that provider`,
    );
  return { providers };
}

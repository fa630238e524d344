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
  for (const name of providers ?? [])
    if (known.every((provider) => provider.name !== name))
      warnings.push(`MEMORY_PROVIDERS names ${name}, of which no variable names a model`);
  return { providers };
}

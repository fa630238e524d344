/** Settings of a provider of which no model is asked: a name in `MODELS` was probably changed, or never written. */
import { prefixOf } from "./provider-settings.ts";
import { providerPresets } from "./providers.ts";

/** Other programs read keys and addresses under the same names; these are ours. */
const ours = /^([A-Z][A-Z0-9_]*_)(?:WIRE|HEADERS|CONCURRENCY)$/;

/** A line for each such provider, with the variables that do nothing. `inUse`: how those begin that are read. */
export function unusedSettings(given: readonly string[], inUse: readonly string[]): string[] {
  const set = new Set(given);
  const unused = Map.groupBy(given, (name) => ours.exec(name)?.[1]);
  return [...unused].flatMap(([prefix, names]) => {
    if (prefix === undefined || inUse.includes(prefix)) return [];
    const preset = providerPresets.find(({ name }) => prefixOf(name) === prefix);
    // WEB_CONCURRENCY and the like are others'.
    const isProvider = preset !== undefined || set.has(`${prefix}BASE_URL`) || names.includes(`${prefix}WIRE`);
    if (!isProvider) return [];
    const provider = preset?.name ?? prefix.slice(0, -1).toLowerCase();
    const does = names.length === 1 ? "does" : "do";
    return [`${names.join(", ")} ${does} nothing: no variable names a model of ${provider} (MODELS=${provider}/…)`];
  });
}

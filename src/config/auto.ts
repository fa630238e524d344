/** `auto` in `MODELS`: the two models that it chooses from. */
import type { Environment } from "./environment.ts";
import { autoName, type NamedChain } from "./model-list.ts";
import type { Remarks } from "./provider-settings.ts";

const purposes = {
  AUTO_CHEAP: "a model for easy questions (openai/gpt-6-luna, say)",
  AUTO_STRONG: "a model for hard questions (openai/gpt-6-sol, say)",
} as const;
const variables = ["AUTO_CHEAP", "AUTO_STRONG"] as const;

/** What easy and hard questions are asked, where `auto` is offered; adds to `remarks`. */
export function autoOf(
  offered: readonly string[],
  values: Environment,
  wrong: ReadonlySet<string>,
  { mistakes, warnings }: Remarks,
): { readonly cheap?: NamedChain | undefined; readonly strong?: NamedChain | undefined } {
  const given = variables.filter((name) => values[name] !== undefined || wrong.has(name));
  if (!offered.includes(autoName)) {
    for (const name of given) warnings.push(`${name} does nothing: MODELS does not name ${autoName}`);
    return {};
  }
  const missing = variables.filter((name) => !given.includes(name));
  if (missing.length > 0) {
    const are = missing.length === 1 ? "is" : "are";
    const needed = missing.map((name) => purposes[name]).join(", and ");
    mistakes.push(`${missing.join(" and ")} ${are} missing; MODELS names ${autoName}, which needs ${needed}`);
  }
  return { cheap: values.AUTO_CHEAP, strong: values.AUTO_STRONG };
}

/** Which models a configuration can come to ask. */
import type { Config } from "./config.ts";

/** `provider/model` of all that may be asked, each once. */
export function modelsAsked({
  models: { chains, auto, fallbacks },
  summaryModel = "off",
}: Pick<Config, "models" | "summaryModel">): readonly string[] {
  const targets = [...Object.values(chains), ...Object.values(auto ?? {}), fallbacks].flat();
  const summariser = summaryModel === "off" ? [] : [summaryModel];
  return [...new Set([...targets.map(({ model }) => model), ...summariser])];
}

/** The same of those that hear, speak and draw. */
export function mediaAsked({ models: { media } }: Pick<Config, "models">): readonly string[] {
  return media === undefined ? [] : [...new Set([...media.hears, ...media.speaks, ...media.draws])];
}

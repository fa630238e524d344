/** What differs among the models of Claude, by their names, as Claude's documentation has it in November 2026. */

/** Its fifth generation and those after it. */
const newer = /\bclaude-[a-z]+-(?:[5-9]|\d\d)(?!\d)/;

/** From how many tokens on a prefix is kept. The first that fits the model's name. */
const minimums: readonly (readonly [model: RegExp, tokens: number])[] = [
  // One digit behind `5-` is a version, several are a date.
  [/(?:opus|sonnet|haiku|fable|mythos)-5[-.]\d(?!\d)|(?:opus|fable|mythos)-5/, 512],
  [/opus-4[-.](?:5|6)|haiku-4[-.]5/, 4_096],
  [/opus-4[-.]7|haiku-3|3[-.]5-haiku|3-haiku/, 2_048],
];
const usual = 1_024;

/** The shortest prefix in tokens that a model keeps in its cache. Whatever is shorter is not kept, and nobody says so. */
export function cacheMinimum(model: string): number {
  return minimums.find(([name]) => name.test(model))?.[1] ?? usual;
}

/** Whether a model thinks where nobody says that it shall. */
export function thinksUnasked(model: string): boolean {
  return newer.test(model);
}

/** The highest temperature that a model takes; 0: it refuses every one but its own. */
export function highestTemperature(model: string): number {
  return newer.test(model) || /\bclaude-opus-4[-.][7-9](?!\d)/.test(model) ? 0 : 1;
}

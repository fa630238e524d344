/** From how many tokens on Claude keeps a prefix in its cache. Whatever is shorter is not kept, and nobody says so. */

/** The first that fits a model's name. As of November 2026. */
const minimums: readonly (readonly [model: RegExp, tokens: number])[] = [
  // Not a date.
  [/(?:opus|sonnet|haiku|fable|mythos)-5[-.]\d(?!\d)|(?:opus|fable|mythos)-5/, 512],
  [/opus-4[-.](?:5|6)|haiku-4[-.]5/, 4_096],
  [/opus-4[-.]7|haiku-3|3[-.]5-haiku|3-haiku/, 2_048],
];
const usual = 1_024;

/** The shortest prefix in tokens that a model of Claude keeps. */
export function cacheMinimum(model: string): number {
  return minimums.find(([name]) => name.test(model))?.[1] ?? usual;
}

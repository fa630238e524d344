/**
 * The models that `MODELS`, `FALLBACK_MODELS` and `AUTO_…` name: `a/x>b/y,c/z` offers x, with y behind it when it fails, and z.
 */

/** The choice in `MODELS` that leaves it to rules which of two models is asked. */
export const autoName = "auto";

/** How much a model shall think. */
export type Effort = "off" | "low" | "high";

/** A model as a list names it. */
export interface ModelName {
  readonly provider: string;
  /** `provider/model`, without what stands behind it. */
  readonly name: string;
  /** `provider/model@low`: how much it shall think. Never on the wire. */
  readonly effort?: Effort | undefined;
}

/** One choice: the model that it is known by, and those that are asked in its place when it fails. */
export type NamedChain = readonly [ModelName, ...ModelName[]];

export interface ModelList {
  /** The choices in their order: what each chain begins with, and `auto`. */
  readonly names: readonly string[];
  /** Each choice but `auto` once, without the entries that are mistakes. */
  readonly chains: readonly NamedChain[];
  /** What is wrong, to stand behind the name of the variable. */
  readonly mistakes: readonly string[];
}

const arrow = ">";
/** Where a word stands behind an @, it was meant to be one of these. */
const efforts: readonly string[] = ["off", "low", "high"] satisfies Effort[];
/** Usual names of versions, which are words. Others have digits: `@2024`, `@q8_0`, `@cf/…`. */
const versions: readonly string[] = ["latest", "default"];

/** Reads `MODELS`. */
export function readModelChains(list: string): ModelList {
  const chains = new Map<string, { readonly chain: NamedChain; readonly place: number }>();
  const names = new Set<string>();
  const entangled: string[] = [];
  const misplaced: string[] = [];
  const misspelled: string[] = [];
  const differing: string[] = [];
  for (const [index, entry] of entriesOf(list).entries()) {
    const place = index + 1;
    if (entry === autoName) {
      names.add(autoName);
      continue;
    }
    if (entry.startsWith(`${autoName}@`) || entry.split(arrow).some((part) => part.trim() === autoName)) {
      entangled.push(`${place}`);
      continue;
    }
    const parts = entry.split(arrow).map(readModelName);
    for (const [at, part] of parts.entries()) {
      const where = at === 0 ? `${place}` : `${place} (behind its ${arrow})`;
      if (part === undefined) misplaced.push(where);
      else if (hasOtherWord(part)) misspelled.push(where);
    }
    const [first, ...behind] = withoutRepeats(parts);
    if (first === undefined || parts.includes(undefined)) continue;
    const chain: NamedChain = [first, ...behind];
    names.add(first.name);
    const known = chains.get(first.name);
    if (known === undefined) chains.set(first.name, { chain, place });
    else if (namesOf(known.chain) !== namesOf(chain)) differing.push(`${known.place} and ${place}`);
  }
  const mistakes = [
    ...(entangled.length === 0
      ? []
      : [
          `has ${autoName} with another word in place ${entangled.join(", ")}; it stands alone, @ and ${arrow} go into AUTO_CHEAP and AUTO_STRONG`,
        ]),
    ...(misplaced.length === 0 ? [] : [noModel(misplaced)]),
    ...(misspelled.length === 0 ? [] : [noEffort(misspelled)]),
    ...differing.map((places) => `has the same model in places ${places}, but not the same behind it; write it once`),
  ];
  return { names: [...names], chains: [...chains.values()].map(({ chain }) => chain), mistakes };
}

/** Reads `AUTO_CHEAP` or `AUTO_STRONG`, which is one chain of `MODELS`. */
export function readAutoChain(list: string): { chain: NamedChain | undefined; mistakes: readonly string[] } {
  const { names, chains, mistakes } = readModelChains(list);
  const [chain] = chains;
  if (mistakes.length > 0) return { chain, mistakes };
  if (chain !== undefined && names.length === 1) return { chain, mistakes: [] };
  return {
    chain,
    mistakes: ["must be one provider/model, like openai/gpt-6-luna; others may stand behind a >"],
  };
}

/** Reads `FALLBACK_MODELS`, which is one chain. */
export function readFallbacks(list: string): { models: readonly ModelName[]; mistakes: readonly string[] } {
  const entries = entriesOf(list);
  const models = entries.map((entry) => (entry.includes(arrow) ? undefined : readModelName(entry)));
  const placesOf = (wrong: (entry: string, at: number) => boolean) =>
    entries.flatMap((entry, at) => (wrong(entry, at) ? [`${at + 1}`] : []));
  const arrows = placesOf((entry) => entry.includes(arrow));
  const misplaced = placesOf((entry, at) => !entry.includes(arrow) && models[at] === undefined);
  const misspelled = placesOf((_, at) => {
    const model = models[at];
    return model !== undefined && hasOtherWord(model);
  });
  return {
    models: withoutRepeats(models),
    mistakes: [
      ...(misplaced.length === 0 ? [] : [noModel(misplaced)]),
      ...(misspelled.length === 0 ? [] : [noEffort(misspelled)]),
      ...(arrows.length === 0
        ? []
        : [`has a ${arrow} in place ${arrows.join(", ")}, where all are tried in order anyway; write a comma instead`]),
    ],
  };
}

function noModel(places: readonly string[]): string {
  return `has no provider/model in place ${places.join(", ")}; write it like openai/gpt-6-luna,ollama/llama3.2`;
}

function noEffort(places: readonly string[]): string {
  const right = efforts.map((effort) => `@${effort}`).join(", ");
  return `has a word behind an @ in place ${places.join(", ")} that is no effort; write one of ${right}, or leave it out`;
}

/** Whether a name ends with a word behind an @ that can hardly be a part of it. */
function hasOtherWord({ name }: ModelName): boolean {
  const word = /@([a-z]+)$/i.exec(name)?.[1];
  return word !== undefined && !versions.includes(word);
}

function readModelName(entry: string): ModelName | undefined {
  const [, name = entry, effort] = /^(.+)@(off|low|high)$/.exec(entry) ?? [];
  const provider = /^([A-Za-z0-9][A-Za-z0-9._-]*)\/./.exec(name)?.[1];
  if (provider === undefined) return undefined;
  // Any other @ is a part of the name, or a mistake.
  return effort === undefined ? { provider, name } : { provider, name, effort: effort as Effort };
}

/** Each model once, as it is written where it stands first: there it is asked. */
function withoutRepeats(models: readonly (ModelName | undefined)[]): ModelName[] {
  const known = new Map<string, ModelName>();
  for (const model of models) if (model !== undefined && !known.has(model.name)) known.set(model.name, model);
  return [...known.values()];
}

function namesOf(chain: NamedChain): string {
  return chain.map(({ name, effort = "" }) => `${name}@${effort}`).join(arrow);
}

/** What stands between commas or spaces; around an arrow spaces separate nothing. */
function entriesOf(list: string): string[] {
  const joined = list
    .split(arrow)
    .map((part) => part.trim())
    .join(arrow);
  return joined.split(/[\s,]+/).filter((entry) => entry !== "");
}

/** What the environment says of models: which are offered, what stands behind them, and who provides them. */
import { autoOf } from "./auto.ts";
import type { Environment } from "./environment.ts";
import { type MediaConfig, mediaOf, namedMedia } from "./media.ts";
import type { StatedCapabilities } from "./model-capabilities.ts";
import { type Effort, type ModelName, type NamedChain, readFallbacks, readModelChains } from "./model-list.ts";
import { type OwnPrices, readPricesFile } from "./prices-file.ts";
import {
  defaultModels,
  noModels,
  type ProviderConfig,
  type Remarks,
  readProviders,
  type Variables,
} from "./provider-settings.ts";
import { answersIn, type RunMode } from "./run-mode.ts";

/** What is asked of a model, wherever it stands in a chain. */
export interface ModelTarget {
  /** `provider/model`. */
  readonly model: string;
  /** How much it shall think, where nobody has chosen. */
  readonly effort?: Effort | undefined;
}

export interface ModelsConfig {
  /** `provider/model` or `auto`, the first is the default; empty in the playground without a key, and where nobody is answered. */
  readonly names: readonly string[];
  /** By each of these names but `auto` what is asked: the model itself, then those that stand behind it in `MODELS`. */
  readonly chains: Readonly<Record<string, readonly ModelTarget[]>>;
  /** What `auto` asks for easy and hard questions; left out where it is not offered. */
  readonly auto?: { readonly cheap: readonly ModelTarget[]; readonly strong: readonly ModelTarget[] } | undefined;
  /** Tried in order when a whole chain has failed. */
  readonly fallbacks: readonly ModelTarget[];
  readonly providers: readonly ProviderConfig[];
  /** By `provider/model`, what the operator says that it can do. */
  readonly capabilities?: Readonly<Record<string, StatedCapabilities>> | undefined;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  /** Those of sound and pictures; left out where there are none. */
  readonly media?: MediaConfig | undefined;
  /** Prices of one's own, by `provider/model`. */
  readonly prices?: OwnPrices | undefined;
}

/** Reads it, and the model of summaries; adds to `remarks`. Of a list with a mistake in it the other entries are still checked. */
export function readModels(
  mode: RunMode,
  given: Variables,
  { values, wrong }: { readonly values: Environment; readonly wrong: ReadonlySet<string> },
  remarks: Remarks,
): { readonly models: ModelsConfig; readonly summaryModel: string | undefined } {
  const answers = answersIn(mode);
  const { names, chains } =
    (wrong.has("MODELS") ? readModelChains(given["MODELS"] ?? "") : values.MODELS) ??
    offersOf(answers ? defaultModels(given) : []);
  const fallbacks =
    (wrong.has("FALLBACK_MODELS") ? readFallbacks(given["FALLBACK_MODELS"] ?? "").models : values.FALLBACK_MODELS) ??
    [];
  if (names.length === 0 && answers && mode !== "playground" && !wrong.has("MODELS")) remarks.mistakes.push(noModels());
  const { cheap, strong } = autoOf(names, values, wrong, remarks);
  const { SUMMARY_MODEL: summariser } = values;
  const media = namedMedia(values, given);
  const named = {
    MODELS: chains.flat(),
    AUTO_CHEAP: cheap ?? [],
    AUTO_STRONG: strong ?? [],
    FALLBACK_MODELS: fallbacks,
    SUMMARY_MODEL: summariser === undefined || summariser === "off" || !answers ? [] : [summariser],
    ...(answers ? media : {}),
  };
  const asked = new Set(Object.values(named).flatMap((one) => one.map(({ name }) => name)));
  const { MODEL_CAPABILITIES: stated, VISION_MODELS: seeing = [] } = values;
  if (wrong.size === 0) {
    remarks.warnings.push(...unasked("MODEL_CAPABILITIES", Object.keys(stated ?? {}), asked));
    remarks.warnings.push(...unasked("VISION_MODELS", seeing, asked));
  }
  const models = {
    names,
    chains: Object.fromEntries(chains.map((chain) => [chain[0].name, chain.map(targetOf)])),
    auto: cheap && strong ? { cheap: cheap.map(targetOf), strong: strong.map(targetOf) } : undefined,
    fallbacks: fallbacks.map(targetOf),
    providers: readProviders(named, given, remarks),
    media: answers ? mediaOf(media, values) : undefined,
    capabilities: withSight(stated, seeing),
    maxTokens: values.MODEL_MAX_TOKENS,
    temperature: values.MODEL_TEMPERATURE,
    prices: values.PRICES_FILE === undefined ? undefined : readPricesFile(values.PRICES_FILE, remarks.mistakes),
  };
  return { models, summaryModel: typeof summariser === "object" ? summariser.name : summariser };
}

/** What is said of models that nothing asks: an effort stands behind the name, perhaps, or a slip in it. */
function unasked(variable: string, models: readonly string[], asked: ReadonlySet<string>): string[] {
  const places = models.flatMap((model, at) => (asked.has(model) ? [] : [at + 1]));
  return places.length === 0
    ? []
    : [
        `${variable} does nothing in place ${places.join(", ")}: no variable names that model (without @low and the like)`,
      ];
}

/** `VISION_MODELS` is said of pictures alone. */
function withSight(stated: ModelsConfig["capabilities"], seeing: readonly string[]): ModelsConfig["capabilities"] {
  if (seeing.length === 0) return stated;
  return { ...stated, ...Object.fromEntries(seeing.map((model) => [model, { ...stated?.[model], sees: true }])) };
}

function offersOf(chains: readonly NamedChain[]) {
  return { names: chains.map(([first]) => first.name), chains };
}

function targetOf({ name, effort }: ModelName): ModelTarget {
  return effort === undefined ? { model: name } : { model: name, effort };
}

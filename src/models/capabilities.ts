/**
 * What models can do: what the operator says of one, else a table of public data (`capability-data.json`, by
 * `npm run capabilities`), mended by what providers refuse while the process lives. Loaded with the models.
 */
import type { StatedCapabilities } from "../config/model-capabilities.ts";
import type { Capabilities, Effort } from "../ports/models.ts";
import data from "./capability-data.json" with { type: "json" };
import { dialectOf } from "./wires/dialects.ts";
import type { Thinking, ThinkingLevel } from "./wires/thinking.ts";

/** What a refusal has told of a model. */
export interface Lesson {
  readonly contextTokens?: number | undefined;
  /** It cannot be told to think in this way; `all`: in none. */
  readonly refuses?: ThinkingLevel | "all";
  readonly sees?: false;
  readonly tools?: false;
}

export interface CapabilityTable {
  /** Of `provider/model`. */
  of(model: string): Capabilities;
  /** How it is to be told; undefined when it cannot be told at all. */
  thinking(model: string, effort: Effort): Thinking | undefined;
  learn(model: string, lesson: Lesson): void;
}

interface Entry {
  readonly context?: number;
  readonly answer?: number;
  readonly sees?: boolean;
  readonly tools?: boolean;
  readonly efforts?: string;
}

/** Of a model that nobody knows anything about: what it is asked beyond words may be refused. */
const unknown: Entry = { context: 32_768, sees: true, efforts: "off low high" };
/** Where thinking is switched, an unknown model has no levels to be refused. */
const switched: ReadonlySet<string> = new Set(["deepseek", "moonshot", "qwen", "zai", "together"]);
/** They pass on models of others, under the name that these have at their makers. */
const relays: ReadonlySet<string> = new Set(["holysheep"]);
/** What is tried, in this order, where a level is wanted that a model does not have. */
const instead: Readonly<Record<Effort, readonly ThinkingLevel[]>> = {
  off: ["off", "minimal", "low", "medium", "on", "budget", "high", "xhigh", "max"],
  low: ["low", "minimal", "medium", "on", "budget", "high", "xhigh", "max"],
  high: ["high", "xhigh", "max", "medium", "on", "budget", "low", "minimal"],
};

const tables: Readonly<Record<string, Readonly<Record<string, Entry>>>> = data.models;

/** Creates the table of a process. `stated`: by `provider/model`. */
export function createCapabilities(stated: Readonly<Record<string, StatedCapabilities>> = {}): CapabilityTable {
  const lessons = new Map<string, { context?: number; efforts?: string; sees?: false; tools?: false }>();

  function entryOf(model: string): { readonly entry: Entry; readonly known: boolean } {
    const listed = listedAs(model);
    const said = Object.hasOwn(stated, model) ? stated[model] : undefined;
    const efforts = switched.has(model.slice(0, model.indexOf("/"))) ? { efforts: "off on" } : {};
    const table = listed === undefined ? efforts : { efforts: "", sees: false, ...listed };
    const entry = { ...unknown, ...table, ...said, ...lessons.get(model) };
    return { entry, known: listed !== undefined || said !== undefined };
  }

  function levelsOf(model: string): ReadonlyMap<ThinkingLevel, string> {
    const names = (entryOf(model).entry.efforts ?? "").split(" ").filter((name) => name !== "");
    return new Map(
      names.map((name) => {
        const [level = "", word = level] = name.split("=");
        return [level as ThinkingLevel, word] as const;
      }),
    );
  }

  function thinking(model: string, effort: Effort): Thinking | undefined {
    const levels = levelsOf(model);
    const level = instead[effort].find((one) => levels.has(one));
    return level === undefined ? undefined : { level, word: levels.get(level) ?? level, effort };
  }

  return {
    of(model) {
      const { entry, known } = entryOf(model);
      const { context, answer, sees = false, tools = true } = entry;
      return {
        known,
        sees,
        mostPictures: dialectOf(model.slice(0, Math.max(0, model.indexOf("/")))).mostPictures,
        tools,
        efforts: effortsWith((effort) => thinking(model, effort)),
        contextTokens: context ?? unknown.context ?? 0,
        answerTokens: answer,
      };
    },
    thinking,
    learn(model, { contextTokens, refuses, sees, tools }) {
      const levels = refuses === undefined ? undefined : [...levelsOf(model)].filter(([level]) => level !== refuses);
      lessons.set(model, {
        ...lessons.get(model),
        ...(contextTokens === undefined ? {} : { context: contextTokens }),
        ...(sees === undefined ? {} : { sees }),
        ...(tools === undefined ? {} : { tools }),
        ...(levels === undefined
          ? {}
          : { efforts: refuses === "all" ? "" : levels.map(([level, word]) => `${level}=${word}`).join(" ") }),
      });
    },
  };
}

/** Those that differ for the model: asking for one that it does not have would only be another's name. */
function effortsWith(told: (effort: Effort) => Thinking | undefined): Effort[] {
  const [off, low, high] = [told("off"), told("low"), told("high")];
  if (high === undefined) return [];
  const differ = low?.level !== high.level || high.level === "budget";
  return [...(off?.level === "off" ? (["off"] as const) : []), ...(differ ? (["low"] as const) : []), "high"];
}

/** The model's line in the table: by its name, or by the one that it is a dated or cheaper version of. */
function listedAs(model: string): Entry | undefined {
  const slash = model.indexOf("/");
  const provider = model.slice(0, slash);
  const names = [model.slice(slash + 1)];
  // gpt-6-luna-2026-09-01, deepseek-v3.2:free
  names.push((names[0] ?? "").replace(/(?:-\d{4}-?\d\d-?\d\d|-latest)$|:[a-z]+$/, ""));
  const own = find(provider, names);
  if (own !== undefined || !relays.has(provider)) return own;
  return Object.keys(tables)
    .map((other) => find(other, names))
    .find((entry) => entry !== undefined);
}

function find(provider: string, names: readonly string[]): Entry | undefined {
  const table = Object.hasOwn(tables, provider) ? tables[provider] : undefined;
  if (table === undefined) return undefined;
  const name = names.find((one) => Object.hasOwn(table, one));
  return name === undefined ? undefined : table[name];
}

/**
 * Writes `src/models/capability-data.json`: what models can do, from the catalogue that @earendil-works/pi-ai (MIT) publishes.
 * `npm run capabilities` takes the newest, `npm run capabilities -- 1.5.2` that version. Nothing of the package runs.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const packageName = "@earendil-works/pi-ai";
const target = new URL("../src/models/capability-data.json", import.meta.url);

/** Our name of a provider, and the file that has its models. */
const files: Readonly<Record<string, string>> = {
  openai: "openai",
  anthropic: "anthropic",
  gemini: "google",
  deepseek: "deepseek",
  mistral: "mistral",
  groq: "groq",
  xai: "xai",
  together: "together",
  openrouter: "openrouter",
  moonshot: "moonshotai",
  qwen: "qwen-token-plan",
  zai: "zai",
  cerebras: "cerebras",
  azure: "azure",
};
/** What a provider's own file lacks, from how OpenRouter calls the maker. */
const makers: Readonly<Record<string, string>> = {
  deepseek: "deepseek/",
  qwen: "qwen/",
  zai: "z-ai/",
  moonshot: "moonshotai/",
};
/** What their documentation says and the catalogue does not. */
const corrections: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  qwen: { "qwen-plus": { efforts: "off on" }, "qwen-flash": { efforts: "off on" } },
  // They search by themselves, and call no tools of others.
  perplexity: {
    sonar: { context: 128_000, tools: false },
    "sonar-pro": { context: 200_000, tools: false },
    "sonar-reasoning-pro": { context: 128_000, tools: false, efforts: "low medium high" },
  },
};
const levels = ["off", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
/** Those who switch thinking on and off by a field of its own. */
const switches = new Set(["deepseek", "zai", "qwen", "together"]);

/** A model as the catalogue describes it, as far as it matters here. */
interface Listed {
  readonly id: string;
  readonly type?: string;
  readonly reasoning?: boolean;
  readonly input?: readonly string[];
  readonly contextWindow?: number;
  readonly maxTokens?: number;
  readonly thinkingLevelMap?: Readonly<Partial<Record<(typeof levels)[number], string | null>>>;
  readonly compat?: {
    readonly thinkingFormat?: string;
    readonly supportsReasoningEffort?: boolean;
    readonly forceAdaptiveThinking?: boolean;
  };
}

interface Entry {
  context?: number;
  answer?: number;
  sees?: true;
  tools?: false;
  efforts?: string;
}

const folder = mkdtempSync(join(tmpdir(), "capabilities-"));
try {
  const wanted = process.argv[2] === undefined ? packageName : `${packageName}@${process.argv[2]}`;
  execFileSync("npm", ["pack", "--silent", wanted], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const [archive = ""] = readdirSync(folder);
  execFileSync("tar", ["xzf", archive], { cwd: folder });
  write(join(folder, "package"));
} finally {
  rmSync(folder, { recursive: true });
}

function write(unpacked: string): void {
  const { version } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8")) as { version: string };
  const data = join(unpacked, "dist/providers/data");
  const { generatedAt } = JSON.parse(readFileSync(join(data, ".manifest.json"), "utf8")) as { generatedAt: string };
  const read = (file: string) => Object.values(JSON.parse(readFileSync(join(data, `${file}.json`), "utf8")) as object);
  const listed = (file: string) =>
    read(file)
      .flatMap((models) => Object.values(models as Record<string, Listed>))
      .filter(({ type }) => type === "chat");
  const models: Record<string, Record<string, Entry>> = {};
  for (const [provider, file] of Object.entries(files)) {
    models[provider] = Object.fromEntries(listed(file).map((model) => [model.id, entryOf(provider, model)]));
  }
  for (const [provider, maker] of Object.entries(makers)) {
    const others = Object.entries(models["openrouter"] ?? {}).flatMap(([id, entry]) =>
      id.startsWith(maker) && !id.includes(":") ? [[id.slice(maker.length), toldDirectly(entry)] as const] : [],
    );
    models[provider] = { ...Object.fromEntries(others), ...models[provider] };
  }
  for (const [provider, corrected] of Object.entries(corrections)) {
    const known = models[provider] ?? {};
    for (const [id, entry] of Object.entries(corrected)) known[id] = { ...known[id], ...entry };
    models[provider] = known;
  }
  const about = {
    source: `${packageName} ${version} (MIT), by npm run capabilities`,
    date: generatedAt.slice(0, 10),
    form: "context and answer: most tokens; efforts: in which ways it can be told to think, each =word where it is called otherwise. Each of them can call tools but those that say otherwise.",
  };
  writeFileSync(target, asJson(about, models));
  const count = Object.values(models).reduce((sum, of) => sum + Object.keys(of).length, 0);
  console.log(`${count} models of ${about.date} in ${target.pathname}`);
}

/** OpenRouter has efforts for whoever can think; the maker's own interface has a switch. */
function toldDirectly(entry: Entry): Entry {
  return entry.efforts === undefined ? { ...entry } : { ...entry, efforts: "off on" };
}

function entryOf(provider: string, model: Listed): Entry {
  const efforts = effortsOf(provider, model).join(" ");
  return {
    ...(model.contextWindow === undefined ? {} : { context: model.contextWindow }),
    ...(model.maxTokens === undefined ? {} : { answer: model.maxTokens }),
    ...(model.input?.includes("image") ? { sees: true } : {}),
    ...(efforts === "" ? {} : { efforts }),
  };
}

/** Lowest first; `on` where there is nothing between off and on, `budget` where thinking is measured in tokens. */
function effortsOf(provider: string, { id, reasoning, thinkingLevelMap: map = {}, compat = {} }: Listed): string[] {
  if (reasoning !== true) return [];
  const isSwitch = switches.has(compat.thinkingFormat ?? "");
  const off = offOf(provider, id, map.off, isSwitch);
  if (provider === "anthropic" && compat.forceAdaptiveThinking !== true) return [...off, "budget"];
  // Whoever has no levels of its own takes none.
  if (isSwitch && compat.supportsReasoningEffort !== true && Object.keys(map).every((level) => level === "off")) {
    return [...off, "on"];
  }
  const others = levels.slice(1).flatMap((level) => {
    const word = map[level];
    const isUsual = level !== "xhigh" && level !== "max" && !(level === "minimal" && provider === "anthropic");
    if (word === null || (word === undefined && !isUsual)) return [];
    return word === undefined || word.toLowerCase() === level ? [level] : [`${level}=${word}`];
  });
  return [...off, ...others];
}

function offOf(provider: string, id: string, word: string | null | undefined, isSwitch: boolean): string[] {
  if (word === null || id.startsWith("gemini-2.5-pro")) return [];
  const byItself = isSwitch || ["anthropic", "gemini", "openrouter"].includes(provider);
  return word !== undefined || byItself ? ["off"] : [];
}

/** A line for each model, so that what a new version changes can be read. */
function asJson(about: object, models: Readonly<Record<string, Readonly<Record<string, Entry>>>>): string {
  const providers = Object.entries(models).map(([provider, of]) => {
    const lines = Object.entries(of)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, entry]) => `      ${JSON.stringify(id)}: ${spaced(entry)}`);
    return `    ${JSON.stringify(provider)}: {\n${lines.join(",\n")}\n    }`;
  });
  const head = Object.entries(about).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`);
  return `{\n${head.join("")}  "models": {\n${providers.join(",\n")}\n  }\n}\n`;
}

function spaced(entry: Entry): string {
  const fields = Object.entries(entry).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

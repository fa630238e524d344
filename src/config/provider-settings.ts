/** Which providers the models of a configuration need, and what the environment says of each. */
import { linesOf, providerFields } from "./environment.ts";
import { readFields } from "./fields.ts";
import type { ModelName, NamedChain } from "./model-list.ts";
import { carryKey, readHeaders } from "./provider-headers.ts";
import { type ProviderPreset, providerPresets, type WireName } from "./providers.ts";

/** A provider of models that the configuration names. */
export interface ProviderConfig {
  /** As written before the slash in `MODELS`: `openai`, `llama.cpp`, any name of one's own. */
  readonly name: string;
  readonly baseUrl: string;
  /** How it is spoken to; left out: by Chat Completions. */
  readonly wire?: WireName | undefined;
  /** Left out for local providers that need none. */
  readonly apiKey?: string | undefined;
  /** The header that carries the key as it is; left out: `authorization`, as a bearer. */
  readonly keyHeader?: string | undefined;
  /** Calls at once, over all processes that share a Redis; left out: no cap. */
  readonly concurrency?: number | undefined;
  /** Sent with each request, in the place of what we would send under the same name; by their names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The environment, without what is empty. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The default model of every provider that has a key. */
export function defaultModels(env: Variables): NamedChain[] {
  return providerPresets.flatMap(({ name, defaultModel }): NamedChain[] =>
    defaultModel !== undefined && env[`${prefixOf(name)}API_KEY`] !== undefined
      ? [[{ provider: name, name: `${name}/${defaultModel}` }]]
      : [],
  );
}

/** The mistake of a configuration without any model. */
export function noModels(): string {
  const keys = providerPresets.flatMap(({ name, defaultModel }) =>
    defaultModel === undefined ? [] : [`${prefixOf(name)}API_KEY`],
  );
  return `MODELS is missing and no provider has a key; set one of ${keys.join(", ")}, or MODELS=ollama/… for a model of your own`;
}

/** How the variables of all known providers begin, and of those in use. */
export function providerPrefixes(inUse: readonly ProviderConfig[]): string[] {
  return [...new Set([...providerPresets, ...inUse].map(({ name }) => prefixOf(name)))];
}

/** What begins the names of a provider's variables: `llama.cpp` → `LLAMA_CPP_`. */
export function prefixOf(provider: string): string {
  return `${provider.toUpperCase().replace(/[^A-Z0-9]/g, "_")}_`;
}

/** Lines for the log or the person who starts. */
export interface Remarks {
  readonly mistakes: string[];
  /** What was mended, or is probably not meant so. */
  readonly warnings: string[];
}

/** The settings of every provider that the variables name, in their order; adds to `remarks`. */
export function readProviders(
  names: Readonly<Record<string, readonly ModelName[]>>,
  env: Variables,
  remarks: Remarks,
): ProviderConfig[] {
  const namedIn = new Map<string, string>();
  for (const [variable, models] of Object.entries(names)) {
    for (const { provider } of models) if (!namedIn.has(provider)) namedIn.set(provider, variable);
  }
  return [...namedIn].flatMap(([provider, variable]) => readProvider(provider, variable, env, remarks) ?? []);
}

function readProvider(name: string, variable: string, env: Variables, remarks: Remarks): ProviderConfig | undefined {
  const { mistakes, warnings } = remarks;
  const preset = providerPresets.find((one) => one.name === name);
  const meant = providerPresets.find((one) => one.name === name.toLowerCase());
  if (preset === undefined && meant !== undefined) {
    mistakes.push(`${variable} names the provider ${name}; write it ${meant.name}`);
    return undefined;
  }
  const prefix = prefixOf(name);
  const given = Object.fromEntries(
    Object.keys(providerFields).map((field) => [field, env[prefix + field]?.trim()] as const),
  );
  const headers = readHeaders(`${prefix}HEADERS`, given["HEADERS"] ?? "", mistakes);
  if (given["BASE_URL"] === undefined && preset?.baseUrl === undefined) {
    const why =
      preset === undefined
        ? `is none of ${knownNames()}, so its OpenAI-compatible URL is needed`
        : "has an address of its own for each account, like https://your-name.openai.azure.com/openai/v1";
    mistakes.push(`${prefix}BASE_URL is missing; ${variable} names ${name}, which ${why}`);
  }
  if (given["API_KEY"] === undefined && preset?.local === false && !carryKey(headers)) {
    mistakes.push(`${prefix}API_KEY is missing; ${variable} names ${name}, which needs its key`);
  }
  const { values, wrong } = readFields(providerFields, given);
  mistakes.push(...linesOf(wrong, prefix));
  if (wrong.size > 0) return undefined;
  const { BASE_URL } = values;
  if (BASE_URL === undefined) return combine(name, preset, { ...values, headers });
  const mended = mendedBaseUrl(BASE_URL, preset);
  if (mended !== undefined) warnings.push(`${prefix}BASE_URL ${mended.why}`);
  return combine(name, preset, { ...values, headers, BASE_URL: mended?.baseUrl ?? BASE_URL });
}

/** A base URL as it was probably meant; undefined when there is nothing to mend. */
function mendedBaseUrl(
  given: string,
  preset: ProviderPreset | undefined,
): { readonly baseUrl: string; readonly why: string } | undefined {
  const { hostname, origin, pathname } = new URL(given);
  // The address of the account, or of a deployment as it was before there was a v1.
  if (preset?.name === "azure" && azureHost.test(hostname) && !/\/v1(\/|$)/.test(pathname)) {
    return {
      baseUrl: `${origin}/openai/v1`,
      why: "lacks the version; /openai/v1 is asked, with the deployment as the model",
    };
  }
  const base = given
    .replace(/(?:(?:\/chat)?\/completions|\/chat|\/models|\/responses|\/messages)$/i, "")
    .replace(/(\/v\d+)\1+$/i, "$1");
  if (base !== given) {
    return { baseUrl: base, why: "ends with the path of a request, or twice with a version; that is left out now" };
  }
  // All local presets answer at /v1 alone; others are asked, since some do not.
  if (preset?.local === true && pathname === "/") {
    return { baseUrl: `${given}/v1`, why: "has no path; /v1 is put behind it, where such a server answers" };
  }
  return undefined;
}

const azureHost = /\.(?:openai\.azure|services\.ai\.azure|cognitiveservices\.azure)\.(?:com|us|cn)$/;

function combine(
  name: string,
  preset: ProviderPreset | undefined,
  own: {
    readonly API_KEY?: string | undefined;
    readonly BASE_URL?: string | undefined;
    readonly CONCURRENCY?: number | undefined;
    readonly WIRE?: WireName | undefined;
    readonly headers: Readonly<Record<string, string>>;
  },
): ProviderConfig | undefined {
  const baseUrl = own.BASE_URL ?? preset?.baseUrl;
  const concurrency = own.CONCURRENCY ?? preset?.defaultConcurrency;
  if (baseUrl === undefined) return undefined;
  return {
    name,
    baseUrl,
    // Nobody is asked what they speak: whoever stands behind another address speaks what everybody does.
    wire: own.WIRE ?? (baseUrl === preset?.baseUrl ? preset.wire : undefined),
    apiKey: own.API_KEY,
    concurrency,
    keyHeader: preset?.keyHeader,
    headers: Object.keys(own.headers).length === 0 ? undefined : own.headers,
  };
}

function knownNames(): string {
  return providerPresets.map(({ name }) => name).join(", ");
}

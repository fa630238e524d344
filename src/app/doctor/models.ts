/** Asks each provider and each model that the configuration names. */
import type { ModelError } from "../../base/errors.ts";
import type { Config, ProviderConfig } from "../../config/config.ts";
import { mediaAsked, modelsAsked } from "../../config/models-asked.ts";
import { prefixOf } from "../../config/provider-settings.ts";
import { providerPresets, type WireName } from "../../config/providers.ts";
import { type Listing, lists, nearestName } from "../../models/catalogue.ts";
import { createExamination, type Examination, type ModelTrial, type ToolTrial } from "../../models/examination.ts";
import type { Models } from "../../ports/models.ts";
import type { Finding } from "../../ports/operators.ts";
import { bad, ok, warn } from "./findings.ts";
import { type ToolRemark, toolRemark } from "./tool-calls.ts";

export interface ModelsExamination {
  readonly config: Config;
  /** One model of each provider is asked; the others are only looked up in its list. */
  readonly sparing: boolean;
  readonly signal: AbortSignal;
}

/** Models of one provider that are asked at once. */
const sideBySide = 4;
const someTokens = 1_000;
const wires = { chat: "Chat Completions", responses: "Responses", messages: "Messages" } as const;

/** Checks all of them at once: a line for each provider, then one for each of its models. */
export async function examineModels({ config, sparing, signal }: ModelsExamination): Promise<readonly Finding[]> {
  const { models, proxies } = config;
  const examination = createExamination({ models, proxies, log: { info: () => undefined, warn: () => undefined } });
  const byProvider = (names: readonly string[]) => Map.groupBy(names, (model) => model.slice(0, model.indexOf("/")));
  const [named, media] = [byProvider(modelsAsked(config)), byProvider(mediaAsked(config))];
  try {
    const found = models.providers.map((provider) => {
      const ofProvider = { models: named.get(provider.name) ?? [], media: media.get(provider.name) ?? [] };
      const tools = sparing || config.tools === undefined ? undefined : toolUse(config, examination);
      return examineProvider(examination, provider, { ...ofProvider, tools }, sparing, signal);
    });
    return (await Promise.all(found)).flat();
  } finally {
    examination.stop();
  }
}

/** What is asked of a provider. */
interface Named {
  readonly models: readonly string[];
  readonly media: readonly string[];
  /** Left out: nobody is told to call a tool. */
  readonly tools?: ToolUse | undefined;
}

interface ToolUse {
  /** Whether a model is told to call a tool. */
  isTried(model: string): boolean;
  /** What is said of one that answers; undefined where tools do not matter. */
  remark(model: string, wasTried: boolean, trial: ToolTrial | undefined): ToolRemark | undefined;
}

function toolUse(config: Config, { capabilities }: Examination): ToolUse {
  // Whoever only summarises is offered none.
  const answering = new Set(modelsAsked({ models: config.models }));
  const forUnknown = config.tools?.only !== undefined;
  return {
    isTried: (model) => answering.has(model) && capabilities(model).tools,
    remark(model, wasTried, trial) {
      if (wasTried) return toolRemark(trial, { model, known: capabilities(model).known, forUnknown });
      return answering.has(model) ? { says: "calls no tools, and is offered none" } : undefined;
    },
  };
}

async function examineProvider(
  examination: Examination,
  { name, wire = "chat" }: ProviderConfig,
  { models, media, tools }: Named,
  sparing: boolean,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const startedMs = performance.now();
  const listing = examination.list(name, signal).then((list) => ({ ...list, ms: performance.now() - startedMs }));
  const asked = sparing ? models.slice(0, 1) : models;
  const trials = new Map<string, ModelTrial | "begun">();
  // A model that was not asked in time has no trial, or one that has not ended.
  await eachOf(asked, async (model) => {
    trials.set(model, "begun");
    trials.set(model, await examination.tryOut(model, signal));
  });
  const answers = (model: string): boolean => {
    const trial = trials.get(model);
    return trial !== undefined && trial !== "begun" && trial.ok;
  };
  const tried = asked.filter((model) => answers(model) && tools?.isTried(model));
  const calls = new Map<string, ToolTrial>();
  await eachOf(tried, async (model) => void calls.set(model, await examination.tryTool(model, signal)));
  const list = await listing;
  const ended = [...trials.values()].filter((trial) => trial !== "begun");
  // A key that nothing was asked with may be limited to what it is there for.
  const works = ended.length === 0 ? list.status === 403 : ended.some(({ ok: answers }) => answers);
  const { names } = list;
  return [
    providerFinding(name, wire, list, works),
    ...models.map((model) => {
      const remark = answers(model) ? tools?.remark(model, tried.includes(model), calls.get(model)) : undefined;
      if (!asked.includes(model)) return listed(model, names, examination.cost);
      return findingOf(model, { trial: trials.get(model), names, remark }, examination.cost);
    }),
    ...media.map((model) => mediaFinding(model, names)),
  ];
}

/** Does this for each, a few of them at once; ends with the last, or with the time that there is. */
async function eachOf(models: readonly string[], look: (model: string) => Promise<void>): Promise<void> {
  const waiting = [...models];
  async function lookAtNext(): Promise<void> {
    for (let model = waiting.shift(); model !== undefined; model = waiting.shift()) await look(model);
  }
  await Promise.all(Array.from({ length: sideBySide }, () => lookAtNext().catch(() => undefined)));
}

/** `works`: the key is good for something. */
function providerFinding(
  name: string,
  wire: WireName,
  { names, status, ms }: Listing & { readonly ms: number },
  works: boolean,
): Finding {
  const speaks = `speaks ${wires[wire]}`;
  if (names !== undefined) return ok(name, `${speaks}; lists ${counted(names.length)} (${Math.round(ms)} ms)`);
  if (status !== 401 && status !== 403) return ok(name, `${speaks}; gives no list of its models`);
  // A key may be allowed to ask models but not to list them.
  if (works) return ok(name, `${speaks}; the key may not read the list of its models`);
  const prefix = prefixOf(name);
  return bad(name, `${speaks}; the key is refused (HTTP ${status})`, `put a valid key into ${prefix}API_KEY`);
}

function counted(models: number): string {
  return models === 1 ? "1 model" : `${models} models`;
}

interface Tried {
  readonly trial: ModelTrial | "begun" | undefined;
  /** The provider's list. */
  readonly names: readonly string[] | undefined;
  readonly remark: ToolRemark | undefined;
}

function findingOf(model: string, { trial, names, remark }: Tried, cost: Models["cost"]): Finding {
  if (trial === undefined) return warn(model, "was not asked in time", "try again, with fewer models at once");
  if (trial === "begun")
    return bad(model, "no answer in time", "try again: a model that has to be loaded first is slow once");
  if (!trial.ok) return failed(trial.error, names);
  const thought = trial.thoughtOnly ? ", though a few tokens hold only thoughts of it" : "";
  const answers = `answers${thought}: first token after ${Math.round(trial.firstTokenMs)} ms; ${priceOf(model, cost)}`;
  if (remark === undefined) return ok(model, answers);
  const { says, todo } = remark;
  return todo === undefined ? ok(model, `${answers}; ${says}`) : warn(model, `${answers}; ${says}`, todo);
}

function listed(model: string, names: readonly string[] | undefined, cost: Models["cost"]): Finding {
  const wire = model.slice(model.indexOf("/") + 1);
  if (names === undefined) return ok(model, `not asked: npm run doctor does; ${priceOf(model, cost)}`);
  if (lists(names, wire)) return ok(model, `in the provider's list; ${priceOf(model, cost)}`);
  return warn(model, "not in the provider's list, and not asked: npm run doctor does", nearestAdvice(wire, names));
}

/** Sound and pictures are looked for in the list alone: a call would cost, and need something to be heard. */
function mediaFinding(model: string, names: readonly string[] | undefined): Finding {
  const wire = model.slice(model.indexOf("/") + 1);
  if (names === undefined) return ok(model, "not tried: it is there for sound or pictures");
  if (lists(names, wire)) return ok(model, "in the provider's list; not tried: it is there for sound or pictures");
  const nearest = nearestName(names, wire);
  const todo = nearest === undefined ? "is its name right?" : `the nearest name there is ${nearest}`;
  return warn(model, "not in the provider's list", todo);
}

function failed(error: ModelError, names: readonly string[] | undefined): Finding {
  const { model, kind, message } = error;
  const slash = model.indexOf("/");
  const prefix = prefixOf(model.slice(0, slash));
  switch (kind) {
    case "auth":
      return bad(model, message, `put a valid key into ${prefix}API_KEY`);
    case "quota":
      return bad(model, message, "add credit at the provider, or take another one");
    case "rate-limit":
      return warn(model, `busy: ${message}`, "wait, or let FALLBACK_MODELS name another one");
    case "not-found":
      return bad(model, message, nearestAdvice(model.slice(slash + 1), names));
    case "misconfigured":
      return bad(model, message, `put what it asks for into ${prefix}HEADERS`);
    case "no-endpoint":
      return bad(model, message, `mend ${prefix}BASE_URL`);
    case "not-a-stream":
      return bad(model, message, `is ${prefix}BASE_URL the address of an API, and no web page's?`);
    case "connection":
      return bad(model, message, `is ${prefix}BASE_URL right, is it running, and is there a way to it?`);
    case "timeout":
      return bad(model, message, "try again: a model that has to be loaded first is slow once");
    case "content-filter":
      return warn(model, message, 'it declined the words "Say OK."; take another model');
    default:
      return bad(model, message, "look at the provider's status page, and try again");
  }
}

function nearestAdvice(model: string, names: readonly string[] | undefined): string {
  if (names !== undefined && lists(names, model))
    return "the provider's list has it: may this key use it, and is it there for conversations?";
  const nearest = names === undefined ? undefined : nearestName(names, model);
  return nearest === undefined
    ? "take a name from the provider's list into MODELS"
    : `the nearest name in the provider's list is ${nearest}`;
}

function priceOf(model: string, cost: Models["cost"]): string {
  const price = (inputTokens: number, outputTokens: number) => {
    const dollars = cost(model, { inputTokens, cachedTokens: 0, outputTokens }, Date.now());
    return dollars === undefined ? undefined : Number(((dollars * 1_000_000) / someTokens).toPrecision(3));
  };
  const [input, output] = [price(someTokens, 0), price(0, someTokens)];
  if (input === undefined || output === undefined) return "price not known";
  const provider = model.slice(0, model.indexOf("/"));
  const own = providerPresets.some(({ name, local }) => local && name === provider);
  if (own && input + output === 0) return "costs nothing: a machine of your own";
  return `$${input} in, $${output} out per million tokens`;
}

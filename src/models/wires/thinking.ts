/** How a model is told on each wire how much it shall think. Pure. */
import type { Effort } from "../../ports/models.ts";
import type { Fields } from "./fields.ts";

/** Between off and high, as the provider names it; `on` where there is nothing in between, `budget` where tokens count. */
export type ThinkingLevel = "off" | "on" | "budget" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

/** How a model is told to think. */
export interface Thinking {
  readonly level: ThinkingLevel;
  /** The level as the provider calls it. */
  readonly word: string;
  /** What somebody wanted of it. */
  readonly effort: Effort;
}

/** In the fields of Chat Completions, as a dialect has them. `maxTokens`: what thoughts and answer may have together. */
export type TellThinking = (thinking: Thinking, maxTokens?: number | undefined) => Fields;

/** The fields that say it, on whatever wire: what a refusal names among them is about thinking. */
export const thinkingFields: ReadonlySet<string> = new Set([
  "reasoning_effort",
  "reasoning",
  "thinking",
  "enable_thinking",
  "output_config",
]);

/** Claude's least is 1,024; the answer needs room behind it. Tokens. */
const budgets: Readonly<Record<Effort, number>> = { off: 1_024, low: 2_048, high: 16_000 };
const leastBudget = 1_024;

/** By a level, `none` for off: OpenAI's way, and that of most others. */
export function byEffort(thinking: Thinking): Fields {
  return { reasoning_effort: effortWord(thinking) };
}

/** By a switch, with a level where the model has any. */
export function bySwitch({ level, word }: Thinking): Fields {
  const on = level !== "off";
  return {
    thinking: { type: on ? "enabled" : "disabled" },
    ...(on && level !== "on" ? { reasoning_effort: word } : {}),
  };
}

/** Moonshot's newer models have levels, the others a switch. */
export function bySwitchOrEffort(thinking: Thinking): Fields {
  return thinking.level === "off" || thinking.level === "on" ? bySwitch(thinking) : byEffort(thinking);
}

/** Qwen's switch. */
export function byFlag({ level, word }: Thinking): Fields {
  const on = level !== "off";
  return { enable_thinking: on, ...(on && level !== "on" ? { reasoning_effort: word } : {}) };
}

/** In an object, as OpenRouter and Together have it. */
export function byObject(thinking: Thinking): Fields {
  const { level } = thinking;
  return { reasoning: level === "on" ? { enabled: true } : { effort: effortWord(thinking) } };
}

/** Together switches with it, and has the level beside. */
export function byObjectSwitch({ level, word }: Thinking): Fields {
  const on = level !== "off";
  return { reasoning: { enabled: on }, ...(on && level !== "on" ? { reasoning_effort: word } : {}) };
}

/** Claude's budget, which its layer for Chat Completions takes as well. */
export function byBudget({ level, effort }: Thinking, maxTokens = Number.POSITIVE_INFINITY): Fields {
  return level === "off" ? { thinking: { type: "disabled" } } : withBudget(effort, maxTokens);
}

/** Half of what the answer may have is left to it; where that is too little to think, nothing is said of it. */
function withBudget(effort: Effort, maxTokens: number, more: Fields = {}): Fields {
  const budget = Math.min(budgets[effort], Math.floor(maxTokens / 2));
  return budget < leastBudget ? {} : { thinking: { type: "enabled", budget_tokens: budget, ...more } };
}

/** On the Responses wire. `thoughts`: their summary is to be shown. */
export function responsesThinking(thinking: Thinking | undefined, thoughts: boolean): Fields {
  const effort = thinking === undefined ? {} : { effort: effortWord(thinking) };
  const summary = thoughts && thinking?.level !== "off" ? { summary: "auto" } : {};
  const reasoning = { ...effort, ...summary };
  return Object.keys(reasoning).length === 0 ? {} : { reasoning };
}

export interface MessagesRoom {
  /** A summary of the thoughts is to be shown. */
  readonly thoughts: boolean;
  /** What thoughts and answer may have together. */
  readonly maxTokens: number;
  /** The model thinks where nobody says that it shall. */
  readonly unasked: boolean;
  /** It can be told not to think. */
  readonly stoppable: boolean;
}

/** On the Messages wire, which counts the thoughts against the length of the answer. */
export function messagesThinking(
  thinking: Thinking | undefined,
  { thoughts, maxTokens, unasked, stoppable }: MessagesRoom,
): Fields {
  const display = thoughts ? { display: "summarized" } : {};
  if (thinking === undefined) {
    // Within a short limit there would be thoughts and no answer.
    if (unasked && stoppable && maxTokens < 2 * leastBudget) return { thinking: { type: "disabled" } };
    return unasked && thoughts ? { thinking: { type: "adaptive", ...display } } : {};
  }
  const { level, word, effort } = thinking;
  if (level === "off") return { thinking: { type: "disabled" } };
  if (level !== "budget" && level !== "on")
    return { thinking: { type: "adaptive", ...display }, output_config: { effort: word } };
  return withBudget(effort, maxTokens, display);
}

function effortWord({ level, word, effort }: Thinking): string {
  if (level === "off") return word === "off" ? "none" : word;
  return level === "on" || level === "budget" ? effort : word;
}

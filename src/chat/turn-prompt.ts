/** What the model is asked in a turn: persona, history and question, or a request to go on. */
import { ParleyError } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import { textParts } from "../ports/content.ts";
import type { ChatMessage, Models } from "../ports/models.ts";
import type { Store, Turn } from "../ports/store.ts";
import { type Continued, goOn } from "./continuation.ts";
import { buildPrompt, exchangesNeeded, type HistoryLimits, halfOf, type ShownHistory, showHistory } from "./prompt.ts";

export interface PromptDeps {
  readonly store: Store;
  readonly models: Models;
  readonly defaultPersona: string;
  readonly historyLimits: HistoryLimits;
  /** Stands around work that could block. */
  readonly work: Work;
}

export interface Prompt {
  readonly messages: readonly ChatMessage[];
  readonly history: Omit<ShownHistory, "exchanges">;
}

export interface TurnPrompt extends Prompt {
  /** `provider/model` that the conversation has chosen. */
  readonly model: string;
  /** What is asked when all of it is too long for the model; undefined when nothing can be left out. */
  shorter(): Prompt | undefined;
}

/** Whatever little history the model is shown, the answer that it shall go on with is in it. */
const leastToGoOn: HistoryLimits = { maxTokens: 2_000, maxMessages: 2 };

/** Of what a model reads. */
export const historyShare = 0.75;

/** Reads persona, model and as much of the history as the prompt needs, and builds the prompt. */
export async function promptOf(deps: PromptDeps, turn: Turn, continued: Continued | undefined): Promise<TurnPrompt> {
  const { store, historyLimits } = deps;
  const [settings, read] = await Promise.all([
    store.readSettings(turn.conversation),
    store.readHistory(turn.conversation, exchangesNeeded(historyLimits)),
  ]);
  const others = read.filter((exchange) => exchange.question !== turn.root);
  const history = continued === undefined ? others : [...others, continued.exchange];
  const model = modelFor(deps.models.names, settings.model);
  const readable = within(deps.models.capabilities(model).contextTokens, historyLimits);
  const limits = continued === undefined ? readable : atLeast(leastToGoOn, readable);
  const whole = deps.work(() => showHistory(history, limits));
  const persona = settings.persona ?? deps.defaultPersona;

  function asPrompt({ exchanges, ...shown }: ShownHistory): Prompt {
    return {
      history: shown,
      messages: buildPrompt(persona, exchanges, continued === undefined ? turn.asked : textParts(goOn)),
    };
  }

  let half: Prompt | undefined;
  return {
    model,
    ...asPrompt(whole),
    shorter() {
      const shown = half === undefined ? deps.work(() => halfOf(whole, history)) : undefined;
      if (shown !== undefined) half = asPrompt(shown);
      return half;
    },
  };
}

/** No more than the model reads: the rest of that is for persona, question and answer. */
function within(contextTokens: number, limits: HistoryLimits): HistoryLimits {
  return { ...limits, maxTokens: Math.min(limits.maxTokens, Math.floor(contextTokens * historyShare)) };
}

function atLeast(least: HistoryLimits, limits: HistoryLimits): HistoryLimits {
  return {
    maxTokens: Math.max(least.maxTokens, limits.maxTokens),
    maxMessages: Math.max(least.maxMessages, limits.maxMessages),
  };
}

/** The chosen model while it is offered, else the default one. */
export function modelFor(names: readonly string[], chosen: string | undefined): string {
  if (chosen !== undefined && names.includes(chosen)) return chosen;
  const first = names[0];
  if (first === undefined) throw new ParleyError("no-models", "no model is configured");
  return first;
}

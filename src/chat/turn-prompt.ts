/** What the model is asked in a turn: persona, history and question, or a request to go on. */
import { ParleyError } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import { type Content, type ContentPart, isFromOutside, textOf, textParts } from "../ports/content.ts";
import type { Effort, ModelRequest, Models, Tier } from "../ports/models.ts";
import type { Note } from "../ports/notes.ts";
import type { Exchange, Settings, Store } from "../ports/store.ts";
import type { Summary } from "../ports/summaries.ts";
import { switchedOff } from "../ports/tools.ts";
import type { Turn } from "../ports/turns.ts";
import { chooseTier } from "./auto.ts";
import { type Continued, goOn } from "./continuation.ts";
import { wordsForModel } from "./file-words.ts";
import { type FilesDeps, piecesOfKept, type ReadFiles, shownWith } from "./files.ts";
import { type AskedMessage, holdsPicture } from "./pictures.ts";
import { buildPrompt, exchangesNeeded, type HistoryLimits, halfOf, type ShownHistory, showHistory } from "./prompt.ts";
import { factsInWords, type Memory, memoryOwner, remembersIn, toldFacts } from "./remembered.ts";
import { addressesIn } from "./step-messages.ts";
import type { Summaries, SummaryOrder } from "./summaries.ts";
import { cutComesSoon, type HistorySize, mayPay, sizeOf, type Thrift, thriftyCut } from "./summary-plan.ts";
import { pricesOf, type ShownExchange, type TokenPrices, tariffOf, worthShowing } from "./thrift.ts";
import { countTokens } from "./tokens.ts";

export interface PromptDeps {
  readonly store: Store;
  readonly models: Models;
  readonly defaultPersona: string;
  /** `mayShowMore`: as much as is worth it by the prices of the model that is asked. */
  readonly historyLimits: HistoryLimits & { readonly mayShowMore?: boolean | undefined };
  /** Left out: no file is read. */
  readonly files?: FilesDeps | undefined;
  /** Left out: no conversation is summarised, and what stands from before is not shown. */
  readonly summaries?: Pick<Summaries, "begin" | "model"> | undefined;
  /** After so long a pause the summary stands for all that it covers. Milliseconds; 0: never. */
  readonly newTopicAfterMs?: number | undefined;
  /** Left out: nothing is remembered, and nothing told of what was. */
  readonly memory?: Memory | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Stands around work that could block. */
  readonly work: Work;
}

export interface Prompt {
  readonly messages: readonly AskedMessage[];
  readonly history: PromptHistory;
}

/** What a prompt shows of the history, without its words. */
export interface PromptHistory extends Omit<ShownHistory, "exchanges" | "summary"> {
  /** The summary included. */
  readonly size: HistorySize;
  readonly limits: HistoryLimits;
  readonly exchanges: readonly ShownExchange[];
  /** Stands before them. */
  readonly summary: Summary | undefined;
  readonly thrift: Thrift | undefined;
}

export interface TurnPrompt extends Prompt {
  /** What the conversation has chosen, and which of the two it is where that is `auto`. */
  readonly choice: Pick<ModelRequest, "model" | "tier">;
  /** `provider/model` that is asked first for it. */
  readonly model: string;
  /** Set where `auto` has chosen it. */
  readonly auto: Turn["auto"];
  /** What is said of the files of the question. */
  readonly fileNotes: readonly Note[];
  /** Whether the conversation wants tools to be used. */
  readonly usesTools: boolean;
  /** Which of them it does not want. */
  readonly withoutTools: ReadonlySet<string>;
  /** Whether facts are wanted here, and what the conversation is told of them, as it stands in the messages. */
  readonly remembers: boolean;
  readonly facts: string;
  /** How much it shall think; undefined when the conversation has chosen nothing. */
  readonly effort: Effort | undefined;
  /** Whether who asks wants to see a summary of its thoughts. */
  readonly thoughts: boolean;
  /** Somebody outside may have written something of what the model is shown. */
  readonly fromOutside: boolean;
  /** Addresses in what people have asked and sent, not in what we have answered. */
  readonly addresses: readonly string[];
  /** What is asked when all of it is too long for the model; undefined when nothing can be left out. */
  shorter(): Prompt | undefined;
}

/** Whatever little history the model is shown, the answer that it shall go on with is in it. */
const leastToGoOn: HistoryLimits = { maxTokens: 2_000, maxMessages: 2 };

/** Of what a model reads. */
export const historyShare = 0.75;

export interface PromptFor {
  readonly userId: number;
  readonly continued: Continued | undefined;
  readonly files: ReadFiles;
  /** Its model has been asked before, and was told what it shall be told now. */
  readonly goesOn: boolean;
}

/** Reads persona, model and as much of the history as the prompt needs, and builds the prompt. */
export async function promptOf(
  deps: PromptDeps,
  turn: Turn,
  { userId, continued, files, goesOn }: PromptFor,
): Promise<TurnPrompt> {
  const { store, historyLimits } = deps;
  const own = String(userId);
  const chat = memoryOwner(turn.conversation);
  const [settings, ofUser, ofChat, read] = await Promise.all([
    store.readSettings(turn.conversation),
    // A private chat has the user's own settings.
    own === turn.conversation ? undefined : store.readSettings(own),
    chat === turn.conversation ? undefined : store.readSettings(chat),
    store.readConversation(turn.conversation, exchangesNeeded(historyLimits)),
  ]);
  // The whole of an answer is one model's, by one choice.
  const question = continued?.exchange.asked ?? turn.asked;
  const chosen = deps.work(() => choiceFor(deps.models, settings, question));
  const { model } = chosen;
  // Two models have two caches and two prices: what is asked next is not known.
  const prices = chosen.auto === undefined ? deps.work(() => pricesOf(deps.models.cost, model, deps.now())) : undefined;
  const worth = limitsFor(deps, prices);
  const more = worth.maxMessages > historyLimits.maxMessages && read.history.length >= exchangesNeeded(historyLimits);
  const known = more ? await store.readConversation(turn.conversation, exchangesNeeded(worth)) : read;
  const summary = deps.summaries && known.summary?.summary;
  const others = known.history.filter((exchange) => exchange.question !== turn.root);
  const history = continued === undefined ? others : [...others, continued.exchange];
  const { contextTokens } = deps.models.capabilities(model);
  const readable = within(contextTokens, worth);
  const asked = deps.work(() => shownWith(files, turn.asked, deps.files, contextTokens));
  const limits = continued === undefined ? readable : atLeast(leastToGoOn, readable);
  const remembered = {
    summary,
    summarises: deps.summaries !== undefined,
    question: turn.root,
    afterPause:
      continued === undefined && settings.broughtBack !== String(turn.root) && followsPause(deps, turn, history),
    broughtBack: settings.broughtBack === undefined ? undefined : Number(settings.broughtBack),
  };
  const whole = deps.work(() => showHistory(history, limits, remembered));
  const before = whole.exchanges.map((exchange) => exchange.asked);
  const { conversation } = turn;
  const pieces =
    continued === undefined ? await piecesOfKept(deps, conversation, before, turn.asked, contextTokens) : [];
  const persona = settings.persona ?? deps.defaultPersona;
  const remembers = remembersIn(deps.memory, ofChat ?? settings);
  // Where its beginning changes anyway, what it is told may.
  const begins = !goesOn && whole.since !== history.at(-1)?.since;
  const facts = remembers ? factsInWords(conversation, await toldFacts(store, conversation, known.facts, begins)) : "";
  const thrift = mayPay(whole.exchanges.length + 1, whole.summary)
    ? deps.work(() => thriftOf(deps, model, prices, `${persona}\n\n${facts}`))
    : undefined;

  function asPrompt({ exchanges, summary, ...shown }: ShownHistory): Prompt {
    const question = continued === undefined ? [...pieces, ...asked.asked] : textParts(goOn);
    return {
      history: {
        ...{ ...shown, summary, thrift, limits: readable, size: sizeOf(exchanges, summary) },
        exchanges: exchanges.map(({ tokens, at }) => ({ tokens, at })),
      },
      messages: buildPrompt(persona, exchanges, question, summary, facts),
    };
  }

  const asks = [...before, pieces, asked.asked];
  let half: Prompt | undefined;
  return {
    ...chosen,
    fromOutside: isFromOutside(turn.asked) || before.some(isFromOutside) || whole.summary?.fromOutside === true,
    addresses: deps.work(() => asks.flatMap((content) => addressesIn(wordsForModel(content.filter(isNotOurs))))),
    fileNotes: asked.notes,
    usesTools: settings.tools !== "off",
    withoutTools: switchedOff(settings.toolsOff),
    ...{ remembers, facts },
    effort: settings.effort,
    thoughts: (ofUser ?? settings).thoughts !== undefined,
    ...asPrompt(whole),
    shorter() {
      const shown = half === undefined ? deps.work(() => halfOf(whole, history, remembered)) : undefined;
      if (shown !== undefined) half = asPrompt(shown);
      return half;
    },
  };
}

function isNotOurs(part: ContentPart): boolean {
  return part.type !== "text" || part.by !== "us";
}

/** What is asked in a conversation with these settings. */
function choiceFor(
  models: Pick<Models, "names" | "auto" | "capabilities">,
  { model: wanted, effort }: Settings,
  question: Content,
): Pick<TurnPrompt, "choice" | "model" | "auto"> {
  const { names, auto } = models;
  const model = modelFor(names, wanted);
  if (model !== auto?.name) return { choice: { model }, model, auto: undefined };
  const pictures = holdsPicture(question);
  const { tier: fit, because } = chooseTier(textOf(question), effort, pictures);
  const tier = pictures ? seeingTier(models, auto.models) : fit;
  const first = auto.models[tier];
  return { choice: { model, tier }, model: first, auto: { model: first, because } };
}

/** Of the two the one that sees; the strong one where both do. */
function seeingTier({ capabilities }: Pick<Models, "capabilities">, { cheap, strong }: Record<Tier, string>): Tier {
  return !capabilities(strong).sees && capabilities(cheap).sees ? "cheap" : "strong";
}

/** What summaries cost and save; undefined where that is not known. */
function thriftOf(
  { models, summaries, now }: Pick<PromptDeps, "models" | "summaries" | "now">,
  model: string,
  prices: TokenPrices | undefined,
  persona: string,
): Thrift | undefined {
  if (summaries === undefined || prices === undefined) return undefined;
  const tariff = tariffOf(prices, summaries.model === model ? prices : pricesOf(models.cost, summaries.model, now()));
  return tariff && { tariff, persona: countTokens(persona) };
}

/** How much is worth showing to this model. */
function limitsFor(
  { historyLimits: { mayShowMore, ...usual } }: Pick<PromptDeps, "historyLimits">,
  prices: TokenPrices | undefined,
): HistoryLimits {
  return mayShowMore ? worthShowing(usual, prices) : usual;
}

/** No more than the model reads: the rest of that is for persona, question and answer. */
function within(contextTokens: number, limits: HistoryLimits): HistoryLimits {
  return { ...limits, maxTokens: Math.min(limits.maxTokens, Math.floor(contextTokens * historyShare)) };
}

/** Has the conversation summarised when its next cut comes soon, or when something is missing already. */
export function summariseSoon(
  { summaries }: PromptDeps,
  { conversation, userId, question }: Omit<SummaryOrder, "limits">,
  { size, uncovered, limits, exchanges, summary, thrift }: PromptHistory,
  exchange: Exchange,
): void {
  const after = { tokens: size.tokens + exchange.tokens, exchanges: size.exchanges + 1 };
  const pays = thrift !== undefined && thriftyCut([...exchanges, exchange], summary, limits, thrift) !== undefined;
  if (uncovered || pays || cutComesSoon(after, limits))
    summaries?.begin({ conversation, userId, question, limits, thrift });
}

/** Whether the question was asked long after the answer before it had been given. */
function followsPause({ newTopicAfterMs = 0 }: PromptDeps, { askedAt }: Turn, history: readonly Exchange[]): boolean {
  const before = history.at(-1)?.at;
  if (newTopicAfterMs === 0 || askedAt === undefined || before === undefined) return false;
  return askedAt - before > newTopicAfterMs;
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

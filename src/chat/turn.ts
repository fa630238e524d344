/**
 * A turn: a question on its way to its answer. It knows the conversation, the models and an abstract screen; not
 * Telegram, not how questions are queued.
 */
import { ModelError, ParleyError } from "../errors.ts";
import type {
  AbortReason,
  ChatMessage,
  ConversationId,
  Exchange,
  ModelEvent,
  Models,
  Store,
  TokenUsage,
  Turn,
  TurnOutcome,
  UsageEntry,
} from "../ports.ts";
import { retryHelps, texts } from "../texts.ts";
import { buildPrompt, type HistoryLimits } from "./prompt.ts";
import { countTokens } from "./tokens.ts";

/** What stands on the screen when a turn has ended. */
export interface FinalView {
  readonly markdown: string;
  /** One plain line below the answer. */
  readonly note?: string;
  readonly button?: "regenerate" | "retry";
}

/** Where an answer appears while it is written. Its methods, save `finish`, return at once: it keeps its own pace. */
export interface Screen {
  /** Aborted when the chat takes no messages of ours any more. */
  readonly gone: AbortSignal;
  /** Shows that the turn waits for a free place at the provider. */
  waiting(provider: string): void;
  /** Shows this much of the answer; the latest text wins. */
  show(markdown: string): void;
  /** Shows the end. Resolves when it stands there; rejects when it could not be delivered. */
  finish(view: FinalView): Promise<void>;
  /**
   * Leaves what is shown, with this button, and with this line below it, or as it is. Resolves when nothing is on its way
   * to the chat any more; rejects when a line could not be delivered.
   */
  leave(button?: "retry", note?: string): Promise<void>;
}

/** A question as it comes from the chat. */
export interface Question {
  readonly conversation: ConversationId;
  /** Id of the message that asks: the turn's key. */
  readonly id: number;
  /** Id of the message whose exchange in the history is written; differs from `id` for a `/retry`. */
  readonly root: number;
  /** `update_id` that asks for this run. */
  readonly run: number;
  readonly userId: number;
  readonly asked: string;
}

/** What metrics and `/stats` want to know of a turn. */
export interface TurnObserver {
  turnEnded(outcome: TurnOutcome): void;
  usage(entry: UsageEntry): void;
}

export interface TurnDeps {
  readonly store: Store;
  readonly models: Models;
  readonly defaultPersona: string;
  readonly historyLimits: HistoryLimits;
  /** Whether anything of this Markdown can be seen when it is rendered. */
  readonly visible: (markdown: string) => boolean;
  readonly observer: TurnObserver;
  readonly log: { warn(details: object, message: string): void };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** How the model's part of a turn went. */
interface Writing {
  /** Empty when nothing of it could be seen. */
  readonly text: string;
  readonly outcome: TurnOutcome | "shutdown";
  readonly error?: ModelError;
  readonly prompt: readonly ChatMessage[];
  /** `provider/model` that the conversation has chosen, and the one that wrote. */
  readonly chosen: string;
  readonly model: string;
  readonly usage?: TokenUsage;
}

/**
 * Answers a question, or goes on with it after a crash. A run that is finished is a no-op. Throws when the turn shall
 * be delivered again (shutdown, storage or Telegram out of order), never for a failure of the model that the user was
 * told about.
 */
export async function answerQuestion(
  deps: TurnDeps,
  question: Question,
  openScreen: (turn: Turn, former: Turn | undefined) => Screen,
  signal: AbortSignal,
): Promise<TurnOutcome> {
  const { store } = deps;
  const former = await store.readTurn(question.conversation, question.id);
  if (former !== undefined && former.run > question.run) return "superseded";
  if (former?.run === question.run) {
    if (former.state === "done") return former.outcome ?? "complete";
    if (former.state === "answered") {
      return await deliver(deps, former, openScreen(former, undefined));
    }
  }
  const turn: Turn = {
    conversation: question.conversation,
    question: question.id,
    root: question.root,
    run: question.run,
    state: "writing",
    asked: question.asked,
    messages: former?.messages ?? [],
    ...(former?.file === undefined ? {} : { file: former.file }),
  };
  await store.beginTurn(turn);
  const screen = openScreen(turn, former);
  const writing = await orLeave(screen, write(deps, question, screen, signal));
  if (writing.outcome === "shutdown" || writing.outcome === "superseded") {
    await screen.leave();
    if (writing.outcome === "superseded") return "superseded";
    throw new ParleyError("shutdown", "the process is shutting down; the turn stays queued", { retryable: true });
  }
  const ended = endOf(turn, former, writing);
  const entries = usageOf(deps, question.userId, writing, deps.now());
  await orLeave(screen, store.finishTurn(ended, exchangeOf(ended, writing, deps.now()), entries));
  for (const entry of entries) deps.observer.usage(entry);
  if (writing.error !== undefined) {
    deps.log.warn(
      {
        kind: writing.error.kind,
        model: writing.error.model,
        status: writing.error.status,
        reason: writing.error.message,
      },
      "the model failed",
    );
  }
  const outcome = await deliver(deps, ended, screen);
  deps.observer.turnEnded(outcome);
  return outcome;
}

/** A turn that fails with an exception must not go on typing and writing beside its next delivery. */
async function orLeave<T>(screen: Screen, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await screen.leave();
    throw error;
  }
}

/** Reads the model and shows what it writes. */
async function write(deps: TurnDeps, question: Question, screen: Screen, signal: AbortSignal): Promise<Writing> {
  const { store, models } = deps;
  const [settings, history] = await Promise.all([
    store.readSettings(question.conversation),
    store.readHistory(question.conversation),
  ]);
  const model = modelFor(models.names, settings.model);
  const messages = buildPrompt(
    settings.persona ?? deps.defaultPersona,
    history.filter((exchange) => exchange.question !== question.root),
    question.asked,
    deps.historyLimits,
  );
  const stopped = AbortSignal.any([signal, screen.gone]);
  let text = "";
  let answeredBy = model;
  let end: Extract<ModelEvent, { type: "answer-end" }> | undefined;
  const visible = () => text !== "" && deps.visible(text);
  const written = (
    outcome: Writing["outcome"],
    more: { text?: string; error?: ModelError; usage?: TokenUsage } = {},
  ): Writing => ({
    text: more.text ?? (visible() ? text : ""),
    outcome,
    prompt: messages,
    chosen: model,
    model: end?.model ?? answeredBy,
    ...more,
  });
  try {
    if (!stopped.aborted) {
      for await (const event of models.answer({ model, messages }, stopped)) {
        if (event.type === "text-delta") {
          text += event.text;
          screen.show(text);
        } else if (event.type === "waiting") screen.waiting(event.provider);
        else if (event.type === "attempt") answeredBy = event.model;
        else if (event.type === "answer-end") end = event;
        if (stopped.aborted) break;
      }
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    if (!stopped.aborted) return written(error.kind === "empty" ? "empty" : "failed", { error });
  }
  if (end === undefined) return written(outcomeOfAbort(signal, screen));
  const usage = end.usage === undefined ? {} : { usage: end.usage };
  if (visible()) return written("complete", { text, ...usage });
  const error = new ModelError("empty", end.model, "the answer has nothing visible in it");
  return written("empty", { text: "", error, ...usage });
}

function outcomeOfAbort(signal: AbortSignal, screen: Screen): Writing["outcome"] {
  if (screen.gone.aborted && !signal.aborted) return "blocked";
  const reason = signal.reason as AbortReason;
  if (reason === "shutdown" || reason === "lease-lost") return "shutdown";
  return reason === "edit" ? "superseded" : "stopped";
}

/** The chosen model while it is offered, else the default one. */
export function modelFor(names: readonly string[], chosen: string | undefined): string {
  if (chosen !== undefined && names.includes(chosen)) return chosen;
  const first = names[0];
  if (first === undefined) throw new ParleyError("no-models", "no model is configured");
  return first;
}

/** The turn's record as it stands at its end. */
function endOf(turn: Turn, former: Turn | undefined, writing: Writing): Turn {
  const note = noteOf(writing);
  const end: Turn = { ...turn, state: "answered", outcome: writing.outcome as TurnOutcome };
  if (writing.outcome === "complete") {
    return { ...end, answer: writing.text, ...(note === undefined ? {} : { note }), button: "regenerate" };
  }
  const retry = writing.error === undefined ? writing.outcome === "stopped" : retryHelps.has(writing.error.kind);
  const below = { ...(note === undefined ? {} : { note }), ...(retry ? { button: "retry" as const } : {}) };
  // What a delivery before this one has shown stays; how much that is, only Telegram knows.
  if (writing.text === "" && former?.run === turn.run && turn.messages.length > 0) return { ...end, ...below };
  // A run that wrote nothing leaves the answer of the run before where it stands.
  const kept = writing.text === "" && former?.asked === turn.asked ? former.answer : undefined;
  if (writing.outcome === "stopped" && writing.text === "" && turn.messages.length > 0) {
    return { ...end, ...(kept === undefined ? {} : { answer: kept }), button: "retry" };
  }
  return { ...end, answer: kept ?? writing.text, ...below };
}

function noteOf(writing: Writing): string | undefined {
  if (writing.error !== undefined) return texts.modelFailed(writing.error.kind, writing.error.retryAfterMs);
  if (writing.outcome === "stopped") return texts.stopped;
  return writing.model === writing.chosen ? undefined : texts.answeredBy(writing.model);
}

/** What enters the history: complete answers, and the part of an answer that its reader stopped. */
function exchangeOf(turn: Turn, writing: Writing, at: number): Exchange | undefined {
  const keeps = writing.outcome === "complete" || (writing.outcome === "stopped" && writing.text !== "");
  if (!keeps) return undefined;
  const tokens = countTokens(turn.asked) + countTokens(writing.text);
  return { question: turn.root, asked: turn.asked, answered: writing.text, tokens, at };
}

function usageOf(deps: TurnDeps, userId: number, writing: Writing, at: number): UsageEntry[] {
  if (writing.usage === undefined && writing.text === "") return [];
  const usage = writing.usage ?? {
    inputTokens: writing.prompt.reduce((sum, message) => sum + countTokens(message.content), 0),
    cachedTokens: 0,
    outputTokens: countTokens(writing.text),
  };
  const cost = deps.models.cost(writing.model, usage, at);
  const priced = cost === undefined ? {} : { cost };
  return [{ userId, model: writing.model, ...usage, ...priced, estimated: writing.usage === undefined, at }];
}

/** Brings the end of a turn to the screen and closes its record. */
async function deliver(deps: TurnDeps, turn: Turn, screen: Screen): Promise<TurnOutcome> {
  const { outcome, note } = turn;
  if (outcome !== "blocked") {
    const stays = turn.answer === undefined || (outcome === "stopped" && note === undefined);
    if (stays) await screen.leave(turn.button === "retry" ? "retry" : undefined, note);
    else await screen.finish(finalView(turn));
  }
  await deps.store.closeTurn(turn.conversation, turn.question, turn.run);
  return screen.gone.aborted ? "blocked" : (outcome ?? "complete");
}

/** What the screen shows of a turn that has ended; a later run of the turn uses it to know what stands there. */
export function finalView(turn: Turn): FinalView {
  return {
    markdown: turn.answer ?? "",
    ...(turn.note === undefined ? {} : { note: turn.note }),
    ...(turn.button === undefined ? {} : { button: turn.button }),
  };
}

/**
 * A turn: a question on its way to its answer. It knows the conversation, the models and an abstract screen; not
 * Telegram, not how questions are queued.
 */
import { ModelError, ParleyError } from "../errors.ts";
import type {
  AbortReason,
  ConversationId,
  ModelEvent,
  Models,
  Store,
  TokenUsage,
  Turn,
  TurnOutcome,
  UsageEntry,
  Work,
} from "../ports.ts";
import { linkedSignal } from "../signals.ts";
import { buildPrompt, type HistoryLimits } from "./prompt.ts";
import { endOf, exchangeOf, type FinalView, finalView, usageOf, type Writing } from "./turn-end.ts";

export type { FinalView } from "./turn-end.ts";

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
  /** Plain lines below the finished answer, about the question: what of it could not be seen, say. */
  readonly notes?: readonly string[];
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
  /** Stands around work that could block. */
  readonly work: Work;
  readonly observer: TurnObserver;
  readonly log: { warn(details: object, message: string): void };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Answers a question, or goes on with it after a crash. A run that is finished is a no-op. Throws when the turn shall
 * be delivered again (shutdown, storage or Telegram out of order), never for a failure of the model that the user was
 * told about. What was written when `interrupting` is aborted is kept at once.
 */
export async function answerQuestion(
  deps: TurnDeps,
  question: Question,
  openScreen: (turn: Turn, former: Turn | undefined) => Screen,
  signal: AbortSignal,
  interrupting?: AbortSignal,
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
  const kept = signal.aborted && former?.run === question.run ? former.answer : undefined;
  const turn: Turn = {
    conversation: question.conversation,
    question: question.id,
    root: question.root,
    run: question.run,
    state: "writing",
    asked: question.asked,
    ...(question.notes === undefined ? {} : { notes: question.notes }),
    messages: former?.messages ?? [],
    ...(former?.file === undefined ? {} : { file: former.file }),
    ...(kept === undefined ? {} : { answer: kept }),
  };
  await store.beginTurn(turn);
  const screen = openScreen(turn, former);
  const writing = await orLeave(screen, write(deps, question, turn, screen, signal, interrupting));
  if (writing.outcome === "shutdown" || writing.outcome === "superseded") {
    await screen.leave();
    if (writing.outcome === "superseded") return "superseded";
    throw new ParleyError("shutdown", "the process is shutting down; the turn stays queued", { retryable: true });
  }
  const { ended, exchange, entries } = deps.work(() => {
    const at = deps.now();
    const end = endOf(turn, former, writing);
    const used = usageOf(deps.models, question.userId, writing, at);
    return { ended: end, exchange: exchangeOf(end, writing, at), entries: used };
  });
  await orLeave(screen, store.finishTurn(ended, exchange, entries));
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

/** Reads the model and shows what it writes; a turn that was stopped has all that it will have. */
async function write(
  deps: TurnDeps,
  question: Question,
  turn: Turn,
  screen: Screen,
  signal: AbortSignal,
  interrupting: AbortSignal | undefined,
): Promise<Writing> {
  const { store, models } = deps;
  const [settings, history] = await Promise.all([
    store.readSettings(question.conversation),
    store.readHistory(question.conversation),
  ]);
  const model = modelFor(models.names, settings.model);
  const messages = deps.work(() =>
    buildPrompt(
      settings.persona ?? deps.defaultPersona,
      history.filter((exchange) => exchange.question !== question.root),
      question.asked,
      deps.historyLimits,
    ),
  );
  const { signal: stopped, unlink } = linkedSignal(signal, screen.gone);
  let text = turn.answer ?? "";
  let answeredBy = model;
  let end: Extract<ModelEvent, { type: "answer-end" }> | undefined;
  const visible = () => text !== "" && deps.work(() => deps.visible(text));
  const written = (
    outcome: Writing["outcome"],
    more: { text?: string; error?: ModelError; usage?: TokenUsage } = {},
  ): Writing => ({
    text: more.text ?? (visible() ? text : ""),
    outcome,
    prompt: messages,
    chosen: model,
    model: end?.model ?? answeredBy,
    notes: question.notes ?? [],
    ...more,
  });
  const keep = () => {
    // When it fails, the interrupt has failed with it.
    if (visible()) store.keepAnswer?.({ ...turn, answer: text }).catch(() => undefined);
  };
  interrupting?.addEventListener("abort", keep, { once: true });
  try {
    if (!stopped.aborted) {
      for await (const event of models.answer({ model, messages, work: deps.work }, stopped)) {
        if (event.type === "text-delta") {
          text += event.text;
          screen.show(text);
        } else if (event.type === "text-reset") text = "";
        else if (event.type === "waiting") screen.waiting(event.provider);
        else if (event.type === "attempt") answeredBy = event.model;
        else if (event.type === "answer-end") end = event;
        if (stopped.aborted) break;
      }
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    if (!stopped.aborted) return written(error.kind === "empty" ? "empty" : "failed", { error });
  } finally {
    unlink();
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

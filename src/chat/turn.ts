/**
 * A turn: a question on its way to its answer. It knows the conversation, the models and an abstract screen; not
 * Telegram, not how questions are queued.
 */
import { BudgetError, ModelError, ParleyError } from "../base/errors.ts";
import { linkedSignal } from "../base/signals.ts";
import type { Content } from "../ports/content.ts";
import type { UsageEntry } from "../ports/ledger.ts";
import type { ModelRequest } from "../ports/models.ts";
import type { Note } from "../ports/notes.ts";
import type { AnswerKeeping, Turn, TurnOutcome } from "../ports/store.ts";
import type { ConversationId } from "../ports/updates.ts";
import { activityOf } from "./activity.ts";
import { type AnswerCache, answerToKeep, slotOf } from "./answer-cache.ts";
import { cacheKeyOf } from "./cache-key.ts";
import { type Continued, continuationsOf, continuedBy, shownText, wholeOf } from "./continuation.ts";
import { deliver, endingOf, orLeave, type TurnEnding } from "./delivery.ts";
import { keepLong, keptWith, readFiles, withPages } from "./files.ts";
import { type Hearing, hearingOf, type Listened, listen, UnheardError, unheardNotes } from "./listening.ts";
import { createPayment, type Payment, type Spending } from "./payment.ts";
import { fetchPictures, type PicturesDeps } from "./pictures.ts";
import type { Screen } from "./screen.ts";
import { type Speaking, speakAnswer } from "./speaking.ts";
import { createShownThoughts } from "./thoughts.ts";
import type { TokenFactors } from "./token-factors.ts";
import type { AnswerEnd, Writing } from "./turn-end.ts";
import { endOf, exchangeOf, learnFrom, outcomeOfAbort, viewOfVanished } from "./turn-end.ts";
import { type Prompt, type PromptDeps, promptOf, summariseSoon } from "./turn-prompt.ts";
import { createWritten, type WrittenText } from "./written.ts";

export type { TurnEnding } from "./delivery.ts";
export type { Screen } from "./screen.ts";
export type { FinalView } from "./turn-end.ts";
export { modelFor } from "./turn-prompt.ts";

/** A question as it comes from the chat. */
export interface Question extends Pick<Turn, "parts" | "askedAt" | "retires"> {
  readonly conversation: ConversationId;
  /** Id of the message that asks: the turn's key. */
  readonly id: number;
  /** Id of the message whose exchange in the history is written; differs from `id` for a `/retry`. */
  readonly root: number;
  /** `update_id` that asks for this run. */
  readonly run: number;
  readonly userId: number;
  readonly asked: Content;
  /** Of who asks, as their client tells. */
  readonly language?: string | undefined;
  /** What is said about the question below its answer: that something of it could not be seen, say. */
  readonly questionNotes?: readonly Note[] | undefined;
  /** The turn whose answer this one goes on with. Its `id` is then the last message of what it goes on with. */
  readonly continuing?: number | undefined;
  /** The record of its turn, where that has been read already. */
  readonly known?: Turn | undefined;
}

/** What metrics, `/stats` and the log want to know of a turn. */
export interface TurnObserver {
  turnEnded(ending: TurnEnding): void;
  usage(entry: UsageEntry): void;
}

/** Opens the screen of a run. `former` is the turn's record of before, `dropped` the turns that had gone on with its answer. */
export type OpenScreen = (turn: Turn, former: Turn | undefined, dropped: readonly Turn[]) => Screen;

export interface TurnDeps extends PromptDeps {
  readonly spending: Spending;
  readonly media: PicturesDeps["media"];
  /** Left out: every question goes to a model. */
  readonly answerCache?: AnswerCache | undefined;
  /** Whether anything of this Markdown can be seen when it is rendered. */
  readonly visible: (markdown: string) => boolean;
  readonly observer: TurnObserver;
  readonly tokenFactors: TokenFactors;
  /** Left out: no answer is spoken. */
  readonly speaking?: Speaking | undefined;
  /** Left out: nothing that is spoken can be heard. */
  readonly hearing?: Hearing | undefined;
  readonly log: NonNullable<ModelRequest["log"]>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Answers a question, or goes on with it after a crash. A run that is finished is a no-op. Throws when the turn shall
 * be delivered again (shutdown, storage or Telegram out of order), never for a failure of the model that the user was
 * told about. What was written when an interrupt comes is kept at once, where the engine can.
 */
export async function answerQuestion(
  deps: TurnDeps,
  question: Question,
  openScreen: OpenScreen,
  signal: AbortSignal,
  keeping?: AnswerKeeping,
): Promise<TurnOutcome> {
  const { store } = deps;
  const former = question.known ?? (await store.readTurn(question.conversation, question.id));
  if (former !== undefined && former.run > question.run) return "superseded";
  if (former?.run === question.run) {
    if (former.state === "done") return former.outcome ?? "complete";
    if (former.state === "answered") {
      const speaks = () => speakAnswer(deps, former, question.userId, signal);
      const outcome = await deliver(deps, former, openScreen(former, undefined, []), speaks);
      deps.observer.turnEnded({ outcome });
      return outcome;
    }
  }
  const continues = former?.continues?.question ?? question.continuing;
  const continued = continues === undefined ? undefined : await continuedBy(store, question, former, continues);
  if (continues !== undefined && continued === undefined) return "superseded";
  // A new run of an answer takes up the messages of all that has gone on with it.
  const dropped = former === undefined || former.run === question.run ? [] : await continuationsOf(store, former);
  const before = former === undefined ? undefined : await wholeOf(store, former, dropped);
  const kept = signal.aborted && former?.run === question.run ? former.answer : undefined;
  const begun: Turn = {
    conversation: question.conversation,
    question: question.id,
    root: question.root,
    run: question.run,
    state: "writing",
    asked: question.asked,
    ...(question.parts === undefined ? {} : { parts: question.parts }),
    askedAt: question.askedAt,
    questionNotes: question.questionNotes,
    retires: question.retires,
    messages: before?.messages ?? [],
    file: former?.file,
    ...(kept === undefined ? {} : { answer: kept }),
    continues: continued && { question: continued.question, length: continued.exchange.answered.length },
  };
  await store.beginTurn(
    begun,
    dropped.map((part) => part.question),
  );
  let opened: Screen | undefined;
  const payment = createPayment(deps, question, () => opened?.status({ kind: "waiting-for-budget" }));
  const died = former?.run === question.run ? former : undefined;
  const listened = await listen(deps, begun, { former, died, payment }, signal);
  const { turn } = listened;
  const screen = openScreen(turn, before, dropped);
  opened = screen;
  const isNew = former === undefined && question.id === question.root;
  const paid = { payment, died, isNew, listened };
  const writing = await orLeave(screen, write(deps, question, turn, continued, screen, paid, signal, keeping), payment);
  if (writing.outcome === "shutdown" || writing.outcome === "superseded") {
    await screen.leave();
    // Whoever has taken the lane over settles what was asked here.
    if (signal.reason !== "lease-lost") await payment.leave(writing.outcome === "shutdown");
    if (writing.outcome === "superseded") return "superseded";
    throw new ParleyError("shutdown", "the process is shutting down; the turn stays queued", { retryable: true });
  }
  if (writing.outcome === "vanished") {
    // Nobody else knows of its message: without this it would show a Stop button for ever.
    await screen.finish(viewOfVanished(writing));
    await payment.leave(false);
    deps.observer.turnEnded({ outcome: "failed", model: writing.model });
    return "failed";
  }
  const marks = await orLeave(screen, payment.marks(), payment);
  const { ended, exchange } = deps.work(() => {
    const at = deps.now();
    const end = endOf(turn, before, { ...writing, marks });
    learnFrom(deps.tokenFactors, writing);
    return { ended: end, exchange: exchangeOf(end, writing, deps.tokenFactors.of(writing.model), at) };
  });
  const again = answerToKeep(deps.answerCache, writing);
  await orLeave(screen, store.finishTurn(ended, exchange, payment.take(), again));
  const outcome = await deliver(deps, ended, screen, () => speakAnswer(deps, ended, question.userId, signal));
  deps.observer.turnEnded(endingOf(outcome, writing));
  if (exchange !== undefined) summariseSoon(deps, { ...question, question: question.id }, writing.history, exchange);
  return outcome;
}

/** Who pays for a run, and what is known before its model is asked. */
interface Paid {
  readonly payment: Payment;
  /** The run as the delivery before has left it. */
  readonly died: Turn | undefined;
  readonly isNew: boolean;
  readonly listened: Listened;
}

/** Reads the model and shows what it writes; a turn that was stopped has all that it will have. */
async function write(
  deps: TurnDeps,
  question: Question,
  turn: Turn,
  continued: Continued | undefined,
  screen: Screen,
  { payment, died, isNew, listened }: Paid,
  signal: AbortSignal,
  keeping: AnswerKeeping | undefined,
): Promise<Writing> {
  const { models } = deps;
  const { signal: stopped, unlink } = linkedSignal(signal, screen.gone);
  const reading = () => screen.status({ kind: "reading-files" });
  const asked = continued === undefined ? turn.asked : [];
  const read = await readFiles(deps.files, asked, { language: question.language, reading, signal });
  const paged = { ...turn, asked: withPages(read, turn.asked) };
  const prompt = await promptOf(deps, paged, question.userId, continued, read);
  const kept = deps.work(() => keptWith(read, paged.asked));
  await keepLong(deps.store, turn, read, kept);
  const { model, shorter } = prompt;
  const pictures = await fetchPictures(deps, continued?.exchange.asked ?? paged.asked, prompt, stopped);
  const diedInIt = died !== undefined && hearingOf(died, deps.hearing) === undefined;
  const messages = pictures.fill(prompt.messages);
  if (diedInIt) await payment.lost({ model, messages }, died.answer ?? died.messages.length, signal);
  const seen = (text: string) => text !== "" && deps.work(() => deps.visible(text));
  const writing = createWritten(model, turn.answer ?? "", seen);
  const thoughts = createShownThoughts();
  let sent: Prompt = prompt;
  let end: AnswerEnd | undefined;
  let slot = deps.answerCache && died === undefined ? slotOf(deps.answerCache, turn, prompt) : undefined;
  const written = (
    outcome: Writing["outcome"],
    { text, model: by }: WrittenText,
    more: Partial<Omit<Writing, "text" | "outcome">> = {},
  ): Writing => ({
    text: seen(text) ? text : "",
    outcome,
    prompt: pictures.fill(sent.messages),
    history: sent.history,
    continued,
    chosen: model,
    model: by,
    auto: prompt.auto,
    asked: kept,
    blind: pictures.asked && !models.capabilities(model).sees,
    lostPictures: pictures.lost,
    notes: [...(question.questionNotes ?? []), ...prompt.fileNotes, ...unheardNotes(listened)],
    ...more,
  });
  const keep = () => {
    const { text } = writing.standing;
    // When it fails, the interrupt has failed with it.
    if (seen(text)) keeping?.keep({ ...turn, answer: text }).catch(() => undefined);
  };
  keeping?.interrupting.addEventListener("abort", keep, { once: true });
  try {
    if (listened.failure !== undefined) throw listened.failure;
    if (read.unread && !stopped.aborted) return written("failed", writing.longest, { unread: read.problem });
    const known = slot && isNew ? await deps.store.readAnswer(slot) : undefined;
    if (known !== undefined && !stopped.aborted) return written("complete", known, { finish: "stop", cached: true });
    if (pictures.nothingElse && !stopped.aborted) return written("failed", writing.longest);
    if (!stopped.aborted) {
      const request = {
        ...prompt.choice,
        messages,
        pictures: pictures.asked,
        effort: prompt.effort,
        thoughts: prompt.thoughts,
        cacheKey: cacheKeyOf(turn.conversation),
        payer: payment,
        work: deps.work,
        log: deps.log,
        shorter: () => pictures.fill(shorter()?.messages),
      };
      for await (const event of models.answer(request, stopped)) {
        if (event.type === "text-delta") {
          writing.add(event.text);
          if (writing.stands) screen.show(shownText(continued, writing.text));
        } else if (event.type === "text-reset") writing.reset();
        else if (event.type === "restart") {
          writing.abandon();
          slot = undefined;
        } else if (event.type === "answer-end") end = event;
        else {
          if (event.type === "thought-delta") thoughts.add(event.text);
          if (!(event.type === "trying-again" && event.quiet)) screen.status(activityOf(event));
          if (event.type === "attempt") {
            writing.begin(event.model);
            thoughts.clear();
            sent = (event.shorter ? shorter() : undefined) ?? prompt;
          }
        }
        if (stopped.aborted) break;
      }
    }
  } catch (error) {
    if (!(error instanceof ModelError || error instanceof BudgetError || error instanceof UnheardError)) throw error;
    if (!stopped.aborted) {
      if (error instanceof UnheardError) return written("failed", writing.longest, { unheard: error.reason });
      if (error instanceof BudgetError) return written("failed", writing.longest, { overBudget: error });
      return written(error.kind === "empty" ? "empty" : "failed", writing.longest, { error });
    }
  } finally {
    unlink();
  }
  if (end === undefined) return written(outcomeOfAbort(signal, screen.gone), writing.standing);
  const { finish, usage } = end;
  if (seen(writing.text)) {
    const more = { finish, pictures: end.pictures, usage, thoughts: thoughts.text, slot };
    return written("complete", { text: writing.text, model: end.model }, more);
  }
  const error = new ModelError("empty", end.model, "the answer has nothing visible in it");
  // To those who asked the model this was a whole answer.
  deps.log.warn({ model: error.model, kind: error.kind, reason: error.message }, "a model call failed");
  return written("empty", { ...writing.longest, model: end.model }, { error, pictures: end.pictures, usage });
}

/**
 * A turn: a question on its way to its answer. It knows the conversation, the models and an abstract screen; not
 * Telegram, not how questions are queued.
 */
import { ParleyError } from "../base/errors.ts";
import type { AnswerKeeping } from "../ports/store.ts";
import type { Turn, TurnOutcome } from "../ports/turns.ts";
import { answerToKeep } from "./answer-cache.ts";
import { type Continued, continuationsOf, continuedBy, shownText, wholeOf } from "./continuation.ts";
import { deliver, endingOf, endUnasked, orLeave } from "./delivery.ts";
import { formerPictures, openGallery } from "./gallery.ts";
import { listen } from "./listening.ts";
import { createPayment } from "./payment.ts";
import { askedIn } from "./permission.ts";
import { forgetSeen } from "./result-pictures.ts";
import type { OpenScreen, Question, Run, TurnDeps } from "./run.ts";
import type { Screen } from "./screen.ts";
import { speakAnswer } from "./speaking.ts";
import type { OpenQuestion } from "./tool-calls.ts";
import { endOf, exchangeOf, finalView, learnFrom, outcomeOfAbort, viewOfVanished, type Writing } from "./turn-end.ts";
import { summariseSoon } from "./turn-prompt.ts";
import { write } from "./writing.ts";

export type { TurnEnding } from "./delivery.ts";
export type { OpenScreen, Question, TurnDeps, TurnObserver } from "./run.ts";
export type { Screen } from "./screen.ts";
export type { FinalView } from "./turn-end.ts";
export { modelFor } from "./turn-prompt.ts";

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
): Promise<TurnOutcome | "waiting"> {
  const { store } = deps;
  const former = question.known ?? (await store.readTurn(question.conversation, question.id));
  if (former !== undefined && former.run > question.run) return "superseded";
  if (former?.run === question.run) {
    if (former.state === "waiting") return await askAgain(deps, former, openScreen);
    if (former.state === "done") return former.outcome ?? "complete";
    if (former.state === "answered") {
      const gallery = openGallery(store, former);
      const outcome = await deliver(deps, former, openScreen(former, undefined, []), async (shown) => {
        await gallery.show(shown);
        await speakAnswer(deps, former, question.userId, signal);
      });
      deps.observer.turnEnded({ outcome });
      return outcome;
    }
  }
  const continues = former?.continues?.question ?? question.continuing;
  const continued = continues === undefined ? undefined : await continuedBy(store, question, former, continues);
  if (continues !== undefined && continued === undefined) return "superseded";
  const died = former?.run === question.run ? former : undefined;
  // A new run of an answer takes up the messages of all that has gone on with it.
  const dropped = former === undefined || died !== undefined ? [] : await continuationsOf(store, former);
  const before = former === undefined ? undefined : await wholeOf(store, former, dropped);
  const kept = signal.aborted ? died?.answer : undefined;
  const goesOn = died ?? (question.resumes ? former : undefined);
  const pictures = goesOn === undefined ? formerPictures([former, ...dropped]) : goesOn.pictures;
  const begun = recordOf(question, { continued, former, before, kept, pictures });
  const steps = goesOn === undefined ? [] : await store.readSteps(begun);
  await store.beginTurn(
    begun,
    dropped.map((part) => part.question),
  );
  let opened: Screen | undefined;
  const onWaiting = () => opened?.status({ kind: "waiting-for-budget" });
  const payment = createPayment(deps, question, onWaiting);
  const payFor = (call: string) => createPayment(deps, { ...question, call }, onWaiting);
  const listened = await listen(deps, begun, { former, died, payment }, signal);
  const { turn } = listened;
  const screen = openScreen(turn, before, dropped);
  opened = screen;
  const isNew = former === undefined && question.id === question.root;
  const gallery = openGallery(store, turn);
  const run: Run = {
    ...{ question, turn, continued, screen, payment, before, died, isNew, listened, gallery, steps },
    payFor,
  };
  const writing = await orLeave(screen, write(deps, run, signal, keeping), payment);
  if (writing.outcome === "shutdown" || writing.outcome === "superseded") {
    await screen.leave();
    // Whoever has taken the lane over settles what was asked here.
    if (signal.reason !== "lease-lost") await payment.leave(writing.outcome === "shutdown");
    if (writing.outcome === "superseded") return "superseded";
    throw new ParleyError("shutdown", "the process is shutting down; the turn stays queued", { retryable: true });
  }
  if (writing.asks !== undefined)
    return await orLeave(screen, askFirst(deps, run, writing, writing.asks, signal), payment);
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
    learnFrom(deps.tokenFactors, writing, payment.estimate);
    return { ended: end, exchange: exchangeOf(end, writing, deps.tokenFactors.of(writing.model), at) };
  });
  const again = answerToKeep(deps.answerCache, writing);
  if (writing.text === "" && ended.answer !== "") await orLeave(screen, gallery.leaveFormer(), payment);
  await orLeave(screen, store.finishTurn(ended, exchange, payment.take(), again));
  await orLeave(screen, forgetSeen(store, turn, writing.steps));
  const outcome = await deliver(deps, ended, screen, async () => {
    await gallery.show(screen);
    await speakAnswer(deps, ended, question.userId, signal);
  });
  deps.observer.turnEnded(endingOf(outcome, writing));
  if (exchange !== undefined) summariseSoon(deps, { ...question, question: question.id }, writing.history, exchange);
  return outcome;
}

/** The turn waits until somebody allows a call, and gives its lane to others. */
async function askFirst(
  deps: TurnDeps,
  { question, turn, screen, payment, gallery }: Run,
  { text, continued }: Writing,
  asks: OpenQuestion,
  signal: AbortSignal,
): Promise<TurnOutcome | "waiting"> {
  const waiting: Turn = {
    ...turn,
    state: "waiting",
    answer: shownText(continued, text),
    notes: [{ kind: "waiting-for-permission" }],
    asks: { ...asks, userId: question.userId },
  };
  if (!(await deps.store.suspendTurn(waiting, deps.now(), payment.take()))) return "superseded";
  await screen.finish(finalView(waiting));
  await gallery.show(screen);
  const interrupted = signal.aborted ? outcomeOfAbort(signal, screen.gone) : undefined;
  if (interrupted === "superseded") return interrupted;
  if (interrupted === "stopped") return await endUnasked(deps, turn, screen);
  return await ask(deps, waiting);
}

/** A delivery before this one may have died before it had asked. */
async function askAgain(deps: TurnDeps, former: Turn, openScreen: OpenScreen): Promise<"waiting" | "superseded"> {
  if (former.asks?.message !== undefined) return "waiting";
  const screen = openScreen(former, former, []);
  await screen.finish(finalView(former));
  await openGallery(deps.store, former).show(screen);
  return await ask(deps, former);
}

async function ask({ store, permission, now }: TurnDeps, turn: Turn): Promise<"waiting" | "superseded"> {
  const { asks } = turn;
  const call = asks && askedIn(await store.readSteps(turn), asks);
  if (asks === undefined || call === undefined) return "superseded";
  const message = await permission?.ask(turn, call);
  await store.suspendTurn({ ...turn, asks: { ...asks, message } }, now(), []);
  return "waiting";
}

/** A run's record, before anything is shown of it. */
function recordOf(
  question: Question,
  {
    continued,
    former,
    before,
    kept,
    pictures,
  }: {
    readonly continued: Continued | undefined;
    readonly former: Turn | undefined;
    /** The same with all that has gone on with it. */
    readonly before: Turn | undefined;
    /** What an interrupt has left of the answer. */
    readonly kept: string | undefined;
    readonly pictures: Turn["pictures"];
  },
): Turn {
  return {
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
    ...(pictures === undefined || pictures.length === 0 ? {} : { pictures }),
    ...(kept === undefined ? {} : { answer: kept }),
    continues: continued && { question: continued.question, length: continued.exchange.answered.length },
  };
}

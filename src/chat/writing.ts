/** The model's part of a run: it is asked, and what it writes is shown as it comes. */
import { BudgetError, ModelError } from "../base/errors.ts";
import { linkedSignal } from "../base/signals.ts";
import type { ChatMessage } from "../ports/models.ts";
import type { AnswerKeeping } from "../ports/store.ts";
import { openAgent, TurnGoneError } from "./agent.ts";
import { slotOf } from "./answer-cache.ts";
import { hearingNotes, hearingOf, UnheardError } from "./listening.ts";
import { inWords } from "./picture-tokens.ts";
import { type Prepared, prepare } from "./preparation.ts";
import { rememberedNote } from "./remembered.ts";
import type { Run, TurnDeps } from "./run.ts";
import { type Progress, showAnswer, showSteps } from "./showing.ts";
import { withNote } from "./step-messages.ts";
import { createShownThoughts } from "./thoughts.ts";
import { type AnswerEnd, outcomeOfAbort, type Writing } from "./turn-end.ts";
import { createWritten, type WrittenText } from "./written.ts";

/** Asks the model of a run and shows what it writes; a run that was stopped has all that it will have. */
export async function write(
  deps: TurnDeps,
  run: Run,
  signal: AbortSignal,
  keeping: AnswerKeeping | undefined,
): Promise<Writing> {
  const { signal: stopped, unlink } = linkedSignal(signal, run.screen.gone);
  try {
    const prepared = await prepare(deps, run, stopped);
    return await writeFrom(deps, run, prepared, { signal, stopped }, keeping);
  } finally {
    unlink();
  }
}

async function writeFrom(
  deps: TurnDeps,
  run: Run,
  prepared: Prepared,
  { signal, stopped }: { readonly signal: AbortSignal; readonly stopped: AbortSignal },
  keeping: AnswerKeeping | undefined,
): Promise<Writing> {
  const { turn, screen, died, listened, isNew } = run;
  const { prompt, messages, pictures, files } = prepared;
  const { model } = prompt;
  const agent = await openAgent(deps, run, prepared);
  const asSent = (model: string, filled: readonly ChatMessage[]) =>
    agent.tailored(model, [...agent.guided(filled), ...agent.messages()]);
  const isCalling = agent.steps.at(-1)?.calls.some(({ state }) => state !== "done") === true;
  if (died !== undefined && hearingOf(died, deps.hearing) === undefined && !isCalling) {
    const lost = died.asking ?? model;
    await run.payment.lost(
      { model: lost, messages: asSent(lost, messages).messages },
      died.answer ?? died.messages.length,
      signal,
    );
  }
  const seen = (text: string) => text !== "" && deps.work(() => deps.visible(text));
  const written = createWritten(model, turn.answer ?? "", seen);
  const progress: Progress = {
    written,
    agent,
    thoughts: createShownThoughts(),
    sent: prompt,
    slot: deps.answerCache && died === undefined ? slotOf(deps.answerCache, turn, prompt) : undefined,
  };
  if (turn.answer === undefined) showSteps(progress);
  const { slot } = progress;
  /** What this model has read, about. */
  const readBy = (by: string): readonly ChatMessage[] => {
    const filled = progress.sent === prompt ? messages : pictures.fill(progress.sent.messages);
    const { messages: sent, tools } = asSent(by, filled);
    return tools === undefined ? sent : [...sent, inWords(tools)];
  };
  const ended = (
    outcome: Writing["outcome"],
    { text, model: by }: WrittenText,
    more: Partial<Omit<Writing, "text" | "outcome">> = {},
  ): Writing => ({
    text: seen(text) ? text : "",
    outcome,
    steps: agent.steps,
    prompt: readBy(by),
    history: progress.sent.history,
    continued: run.continued,
    chosen: model,
    model: by,
    auto: prompt.auto,
    asked: withNote(prepared.kept, agent.steps),
    remembered: rememberedNote(run.question.userId, agent.steps, run.before?.notes),
    passedOver: progress.passedOver,
    blind: pictures.asked && !deps.models.capabilities(model).sees,
    lostPictures: pictures.lost,
    notes: [
      ...(run.question.questionNotes ?? []),
      ...prompt.fileNotes,
      ...pictures.notes,
      ...(run.continued === undefined ? pictures.previews : []),
      ...hearingNotes(listened),
    ],
    ...more,
  });
  const keep = () => {
    const { text } = written.standing;
    // When it fails, the interrupt has failed with it.
    if (seen(text)) keeping?.keep({ ...turn, answer: text }).catch(() => undefined);
  };
  keeping?.interrupting.addEventListener("abort", keep, { once: true });
  let end: AnswerEnd | undefined;
  try {
    if (listened.failure !== undefined) throw listened.failure;
    if (files.unread && !stopped.aborted) return ended("failed", written.longest, { unread: files.problem });
    const known = slot && isNew ? await deps.store.readAnswer(slot) : undefined;
    if (known !== undefined && !stopped.aborted) return ended("complete", known, { finish: "stop", cached: true });
    if (pictures.unseen && !stopped.aborted) return ended("failed", written.longest, { unseen: pictures.unseen });
    if (!stopped.aborted) end = await showAnswer(deps, run, prepared, progress, stopped);
  } catch (error) {
    const isTold = error instanceof ModelError || error instanceof BudgetError || error instanceof UnheardError;
    // Of what was forgotten and stopped nothing is left that could be tried again.
    if (!isTold && !(error instanceof TurnGoneError && stopped.aborted)) throw error;
    if (isTold && !stopped.aborted) {
      if (error instanceof UnheardError) return ended("failed", written.longest, { unheard: error.reason });
      if (error instanceof BudgetError) return ended("failed", written.longest, { overBudget: error });
      return ended(error.kind === "empty" ? "empty" : "failed", written.longest, { error });
    }
  }
  if (progress.asks !== undefined) return ended("waiting", written.standing, { asks: progress.asks });
  if (end === undefined) return ended(outcomeOfAbort(signal, screen.gone), written.standing);
  const { finish, usage } = end;
  const { pictures: came = 0, drawn } = end;
  const dropped = came - (await run.gallery.addAll(`model:${agent.steps.length}`, drawn));
  const shown = run.gallery.size;
  if (seen(written.text) || shown > 0) {
    const more = { finish, pictures: dropped, shown, usage, thoughts: progress.thoughts.text, slot: progress.slot };
    return ended("complete", { text: written.text, model: end.model }, more);
  }
  const error = new ModelError("empty", end.model, "the answer has nothing visible in it");
  // To those who asked the model this was a whole answer.
  deps.log.warn({ model: error.model, kind: error.kind, reason: error.message }, "a model call failed");
  return ended("empty", { ...written.longest, model: end.model }, { error, pictures: dropped, usage });
}

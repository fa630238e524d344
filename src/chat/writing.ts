/** The model's part of a run: it is asked, and what it writes is shown as it comes. */
import { BudgetError, ModelError } from "../base/errors.ts";
import { linkedSignal } from "../base/signals.ts";
import type { AnswerSlot } from "../ports/answers.ts";
import type { AnswerKeeping } from "../ports/store.ts";
import { activityOf } from "./activity.ts";
import { slotOf } from "./answer-cache.ts";
import { cacheKeyOf } from "./cache-key.ts";
import { shownText } from "./continuation.ts";
import { hearingOf, UnheardError, unheardNotes } from "./listening.ts";
import { type Prepared, prepare } from "./preparation.ts";
import type { Run, TurnDeps } from "./run.ts";
import { createShownThoughts, type ShownThoughts } from "./thoughts.ts";
import { type AnswerEnd, outcomeOfAbort, type Writing } from "./turn-end.ts";
import type { Prompt } from "./turn-prompt.ts";
import { createWritten, type Written, type WrittenText } from "./written.ts";

/** What is known of an answer while it is written. */
interface Progress {
  readonly written: Written;
  readonly thoughts: ShownThoughts;
  /** What the model was shown that writes now. */
  sent: Prompt;
  /** Where the answer may be kept; undefined as soon as it is not what this question would get again. */
  slot: AnswerSlot | undefined;
}

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
  if (died !== undefined && hearingOf(died, deps.hearing) === undefined)
    await run.payment.lost({ model, messages }, died.answer ?? died.messages.length, signal);
  const seen = (text: string) => text !== "" && deps.work(() => deps.visible(text));
  const written = createWritten(model, turn.answer ?? "", seen);
  const progress: Progress = {
    written,
    thoughts: createShownThoughts(),
    sent: prompt,
    slot: deps.answerCache && died === undefined ? slotOf(deps.answerCache, turn, prompt) : undefined,
  };
  const { slot } = progress;
  const ended = (
    outcome: Writing["outcome"],
    { text, model: by }: WrittenText,
    more: Partial<Omit<Writing, "text" | "outcome">> = {},
  ): Writing => ({
    text: seen(text) ? text : "",
    outcome,
    prompt: progress.sent === prompt ? messages : pictures.fill(progress.sent.messages),
    history: progress.sent.history,
    continued: run.continued,
    chosen: model,
    model: by,
    auto: prompt.auto,
    asked: prepared.kept,
    blind: pictures.asked && !deps.models.capabilities(model).sees,
    lostPictures: pictures.lost,
    notes: [
      ...(run.question.questionNotes ?? []),
      ...prompt.fileNotes,
      ...pictures.notes,
      ...(run.continued === undefined ? pictures.previews : []),
      ...unheardNotes(listened),
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
    if (!(error instanceof ModelError || error instanceof BudgetError || error instanceof UnheardError)) throw error;
    if (!stopped.aborted) {
      if (error instanceof UnheardError) return ended("failed", written.longest, { unheard: error.reason });
      if (error instanceof BudgetError) return ended("failed", written.longest, { overBudget: error });
      return ended(error.kind === "empty" ? "empty" : "failed", written.longest, { error });
    }
  }
  if (end === undefined) return ended(outcomeOfAbort(signal, screen.gone), written.standing);
  const { finish, usage } = end;
  if (seen(written.text)) {
    const more = { finish, pictures: end.pictures, usage, thoughts: progress.thoughts.text, slot: progress.slot };
    return ended("complete", { text: written.text, model: end.model }, more);
  }
  const error = new ModelError("empty", end.model, "the answer has nothing visible in it");
  // To those who asked the model this was a whole answer.
  deps.log.warn({ model: error.model, kind: error.kind, reason: error.message }, "a model call failed");
  return ended("empty", { ...written.longest, model: end.model }, { error, pictures: end.pictures, usage });
}

/** Shows an answer while it comes; resolves with its last event, undefined when it was stopped before. */
async function showAnswer(
  { models, work, log }: TurnDeps,
  { turn, continued, screen, payment }: Run,
  { prompt, messages, pictures }: Prepared,
  progress: Progress,
  stopped: AbortSignal,
): Promise<AnswerEnd | undefined> {
  const { written, thoughts } = progress;
  let end: AnswerEnd | undefined;
  const request = {
    ...prompt.choice,
    messages,
    pictures: pictures.asked,
    effort: prompt.effort,
    thoughts: prompt.thoughts,
    cacheKey: cacheKeyOf(turn.conversation),
    payer: payment,
    work,
    log,
    shorter: () => pictures.fill(prompt.shorter()?.messages),
  };
  for await (const event of models.answer(request, stopped)) {
    if (event.type === "text-delta") {
      written.add(event.text);
      if (written.stands) screen.show(shownText(continued, written.text));
    } else if (event.type === "text-reset") written.reset();
    else if (event.type === "restart") {
      written.abandon();
      progress.slot = undefined;
    } else if (event.type === "answer-end") end = event;
    else {
      if (event.type === "thought-delta") thoughts.add(event.text);
      if (!(event.type === "trying-again" && event.quiet)) screen.status(activityOf(event));
      if (event.type === "attempt") {
        written.begin(event.model);
        thoughts.clear();
        progress.sent = (event.shorter ? prompt.shorter() : undefined) ?? prompt;
      }
    }
    if (stopped.aborted) break;
  }
  return end;
}

/** What a model writes is shown as it comes, step by step. */
import type { AnswerSlot } from "../ports/answers.ts";
import type { ChatMessage } from "../ports/models.ts";
import type { StepCall } from "../ports/steps.ts";
import { activityOf } from "./activity.ts";
import type { Agent } from "./agent.ts";
import { cacheKeyOf } from "./cache-key.ts";
import { shownText } from "./continuation.ts";
import type { Prepared } from "./preparation.ts";
import type { Run, TurnDeps } from "./run.ts";
import { hasLongResults, smallContext, withShortResults } from "./short-results.ts";
import type { ShownThoughts } from "./thoughts.ts";
import type { OpenQuestion } from "./tool-calls.ts";
import type { AnswerEnd } from "./turn-end.ts";
import type { Prompt } from "./turn-prompt.ts";
import type { Written } from "./written.ts";

/** What is known of an answer while it is written. */
export interface Progress {
  readonly written: Written;
  readonly thoughts: ShownThoughts;
  readonly agent: Agent;
  /** What the model was shown that writes now. */
  sent: Prompt;
  /** Where the answer may be kept; undefined as soon as it is not what this question would get again. */
  slot: AnswerSlot | undefined;
  /** The budget did not pay for a model that was wanted. */
  passedOver?: boolean;
  /** Somebody has to allow this before it goes on. */
  asks?: OpenQuestion | undefined;
}

/** What one step of a model has come to. */
interface Said {
  readonly end: AnswerEnd;
  /** As the model has written it. */
  readonly text: string;
  readonly calls: readonly StepCall[];
}

/** Writes anew what the steps before have said. */
export function showSteps({ agent, written }: Progress): void {
  for (const { model, text } of agent.steps) {
    const linker = agent.citations.createLinker();
    written.begin(model);
    written.add(linker.take(text) + linker.end());
    written.goOn();
    // Their sources are numbered by what the model is told of them.
    agent.messages();
  }
}

/** Shows an answer while it comes; resolves with its last event, undefined when it was stopped before, or has to ask. */
export async function showAnswer(
  deps: TurnDeps,
  run: Run,
  prepared: Prepared,
  progress: Progress,
  stopped: AbortSignal,
): Promise<AnswerEnd | undefined> {
  const { agent, written } = progress;
  let saidNothing = false;
  for (;;) {
    progress.asks = await agent.act(stopped);
    if (progress.asks !== undefined || stopped.aborted) return undefined;
    run.payment.beginStep(agent.steps.length + 1);
    const said = await showStep(deps, run, prepared, progress, agent.noCalls || saidNothing, stopped);
    if (said === undefined) return undefined;
    const { end, text, calls } = said;
    if (calls.length === 0) {
      const isSilent = agent.steps.length > 0 && !deps.visible(text) && end.drawn === undefined;
      // Some say nothing more once they have what they looked for: asked again, without tools, they do.
      if (!isSilent || saidNothing) return end;
      saidNothing = true;
      continue;
    }
    if (stopped.aborted) return undefined;
    progress.slot = undefined;
    await run.gallery.addAll(`model:${agent.steps.length}`, end.drawn);
    await agent.keep({ model: end.model, text, native: end.native, calls }, run.payment.take());
    written.goOn();
  }
}

async function showStep(
  { models, store, work, log }: TurnDeps,
  { turn, continued, screen, payment }: Run,
  { prompt, messages, pictures }: Prepared,
  progress: Progress,
  noCalls: boolean,
  stopped: AbortSignal,
): Promise<Said | undefined> {
  const { written, thoughts, agent } = progress;
  const { tools } = agent;
  let end: AnswerEnd | undefined;
  let text = "";
  let calls: StepCall[] = [];
  let linker = agent.citations.createLinker();
  const whole = agent.messages();
  const isSmall = models.capabilities(prompt.model).contextTokens < smallContext;
  const behind = isSmall ? work(() => withShortResults(whole)) : whole;
  const asSent = (filled: readonly ChatMessage[]) => [...agent.guided(filled), ...behind];
  const request = {
    ...prompt.choice,
    messages: asSent(messages),
    pictures: pictures.asked,
    effort: prompt.effort,
    thoughts: prompt.thoughts,
    cacheKey: cacheKeyOf(turn.conversation),
    ...(tools.length === 0 ? {} : { tools, noCalls }),
    payer: payment,
    work,
    log,
    tailored: agent.tailored,
    shorter() {
      const shorter = pictures.fill(prompt.shorter()?.messages);
      if (shorter === undefined && !work(() => hasLongResults(behind))) return undefined;
      return [...agent.guided(shorter ?? messages), ...work(() => withShortResults(behind))];
    },
  };
  const show = (more: string) => {
    written.add(more);
    if (written.stands) screen.show(shownText(continued, written.text));
  };
  const anew = () => {
    text = "";
    calls = [];
    linker = agent.citations.createLinker();
  };
  for await (const event of models.answer(request, stopped)) {
    if (event.type === "text-delta") {
      text += event.text;
      show(linker.take(event.text));
    } else if (event.type === "text-reset") {
      written.reset();
      anew();
    } else if (event.type === "restart") {
      written.abandon();
      anew();
      progress.slot = undefined;
    } else if (event.type === "tool-call") {
      const { id, name, arguments: args, native } = event;
      calls.push({ id, name, arguments: args, native, state: "new" });
    } else if (event.type === "passed-over") {
      progress.passedOver = true;
    } else if (event.type === "answer-end") {
      end = event;
      const rest = linker.end();
      if (rest !== "") show(rest);
    } else {
      if (event.type === "thought-delta") thoughts.add(event.text);
      if (!(event.type === "trying-again" && event.quiet)) screen.status(activityOf(event));
      if (event.type === "attempt") {
        written.begin(event.model);
        // Who goes on with it after a crash has to know who was paid.
        if (event.model !== prompt.model) await store.renewTurn({ ...turn, asking: event.model });
        thoughts.clear();
        progress.sent = (event.shorter ? prompt.shorter() : undefined) ?? prompt;
      }
    }
    if (stopped.aborted) break;
  }
  return end && { end, text, calls };
}

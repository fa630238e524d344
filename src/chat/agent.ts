/**
 * A turn in steps: the model is asked, the tools that it calls are used, and it is asked again with what came of them, until it
 * answers. What each step has said and called is kept before anything follows from it.
 */
import { ParleyError } from "../base/errors.ts";
import { textOf, textParts } from "../ports/content.ts";
import type { Settlement } from "../ports/ledger.ts";
import type { ChatMessage, ModelRequest } from "../ports/models.ts";
import type { CallChange, Step } from "../ports/steps.ts";
import type { ToolResult } from "../ports/tool-results.ts";
import type { Tool, ToolTurn } from "../ports/tools.ts";
import { type Citations, createCitations } from "./citations.ts";
import type { Prepared } from "./preparation.ts";
import { tailoring } from "./remembered.ts";
import { openResultPictures } from "./result-pictures.ts";
import type { Run, TurnDeps } from "./run.ts";
import { messagesOf, prefixOf, toolGuide } from "./step-messages.ts";
import { makeCalls, mostCalls, type OpenQuestion } from "./tool-calls.ts";
import type { TurnPrompt } from "./turn-prompt.ts";

export interface Agent {
  /** Offered to the model, in an order that stays. */
  readonly tools: readonly Tool[];
  /** All that are finished. */
  readonly steps: readonly Step[];
  readonly citations: Citations;
  /** It is to answer now, from what it has. */
  readonly noCalls: boolean;
  /** What a model is sent of all that. */
  readonly tailored: NonNullable<ModelRequest["tailored"]>;
  /** A prompt as it is sent where tools are offered. */
  guided(messages: readonly ChatMessage[]): readonly ChatMessage[];
  /** What stands behind the prompt. */
  messages(): readonly ChatMessage[];
  /** Keeps what the model has said and called. Throws when its turn is not there any more. */
  keep(said: Pick<Step, "model" | "text" | "native" | "calls">, rows: readonly Settlement[]): Promise<void>;
  /** Makes the calls of the last step; see `makeCalls`. */
  act(signal: AbortSignal): Promise<OpenQuestion | undefined>;
}

/** A turn was forgotten, as when its time was over: its question is delivered again, and finds nothing that was begun. */
export class TurnGoneError extends ParleyError {}

/** Steps of a turn; in the last one nothing is called any more. */
const mostSteps = 8;

/** Opens the agent of a run, with the steps that deliveries before this one have finished. */
export async function openAgent(deps: TurnDeps, run: Run, prepared: Prepared): Promise<Agent> {
  const { turn, screen, question } = run;
  const { store } = deps;
  const tools = await toolsFor(deps, run, prepared.prompt);
  const allowed = tools.length === 0 ? new Set<string>() : await store.allowedTools(turn.conversation);
  const citations = createCitations();
  const steps = [...run.steps];
  const pictures = await openResultPictures(deps, run);
  const guided = (messages: readonly ChatMessage[]) => (tools.length === 0 ? messages : withGuide(messages));
  const prefix = deps.work(() => prefixOf(guided(prepared.messages), tools));
  // What was read in an earlier turn may go on in what was answered, and want something only now.
  let tainted = prepared.prompt.fromOutside;
  const addresses = new Set(prepared.prompt.addresses);
  for (const { calls } of steps) for (const { result } of calls) if (result !== undefined) learn(result);

  function learn({ untrusted, sources = [], addresses: found = [] }: ToolResult): void {
    tainted ||= untrusted === true;
    for (const { url } of sources) addresses.add(url);
    for (const address of found) addresses.add(address);
  }

  function change({ step, call, state, result }: CallChange): void {
    const at = steps.findIndex(({ number }) => number === step);
    const former = steps[at];
    if (former === undefined) return;
    const calls = former.calls.map((one, place) => (place === call ? { ...one, state, result } : one));
    steps[at] = { ...former, calls };
    if (result !== undefined) learn(result);
  }

  /** What who asks has written now, and what the web has said: neither is private to anybody who could read it there. */
  function said(): string {
    const found = steps.flatMap(({ calls }) => calls.flatMap(({ result }) => (result?.sources ? [result.text] : [])));
    const asked = turn.asked.filter((part) => (part.type === "text" && part.by !== "us") || part.type === "voice");
    return [textOf(asked), ...found].join("\n").toLowerCase();
  }

  /** Asked for many words, and long: put together once for the calls of a step. */
  function publicly(): ToolTurn["isPublic"] {
    let all: string | undefined;
    return (words) => {
      all ??= said();
      return all.includes(words.toLowerCase());
    };
  }

  const toolTurn = (): Omit<ToolTurn, "payer"> => ({
    conversation: turn.conversation,
    question: turn.question,
    userId: question.userId,
    language: question.language,
    store,
    addresses,
    tainted,
    isPublic: publicly(),
    work: deps.work,
    log: deps.log,
  });

  return {
    tools,
    steps,
    citations,
    tailored: tailoring(deps.memory, { facts: prepared.prompt.facts, tools }),
    guided,
    get noCalls() {
      return steps.length >= mostSteps - 1 || steps.reduce((sum, { calls }) => sum + calls.length, 0) >= mostCalls;
    },
    messages: () => messagesOf(steps, prefix, citations, pictures.of),
    async keep(said, rows) {
      const step = { ...said, number: steps.length + 1, prefix };
      if (!(await store.addStep(turn, step, rows))) throw turnGone();
      steps.push(step);
    },
    async act(signal) {
      const step = steps.at(-1);
      if (step === undefined) return undefined;
      const status = screen.status;
      return await makeCalls(
        {
          ...{ tools, allowed, steps, status },
          turn: toolTurn(),
          payFor: run.payFor,
          async change(what) {
            // What cannot be kept must not be done: nobody would know of it.
            if (!(await store.changeCall(turn, what))) throw turnGone();
            change(what);
          },
          keep: pictures.take,
        },
        step,
        signal,
      );
    },
  };
}

async function toolsFor(
  { tools, models, permission }: TurnDeps,
  { question, continued, steps }: Run,
  { model, usesTools, withoutTools: without, remembers }: TurnPrompt,
): Promise<readonly Tool[]> {
  const can = models.capabilities(model);
  if (tools === undefined || continued !== undefined || !usesTools || !can.tools) return [];
  if (!can.known && !tools.forUnknown) return [];
  const { conversation, userId } = question;
  const isPrivate = !conversation.startsWith("-");
  const open = steps.at(-1)?.calls.filter(({ state }) => state !== "done") ?? [];
  const awaits = open.map(({ name }) => name);
  const offered = await tools.offered({ conversation, userId, isPrivate, remembers, without, awaits });
  return permission === undefined ? offered.filter(({ asks, carriesOut }) => !asks && !carriesOut) : offered;
}

/** Behind the persona, which stays the beginning. */
function withGuide(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const [first, ...others] = messages;
  if (first?.role !== "system") return [{ role: "system", content: textParts(toolGuide) }, ...messages];
  return [{ ...first, content: textParts(`${textOf(first.content)}\n\n${toolGuide}`) }, ...others];
}

function turnGone(): TurnGoneError {
  return new TurnGoneError("turn-gone", "the turn was forgotten while it was answered", { retryable: true });
}

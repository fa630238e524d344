/** Calls of tools: which are made, in which order, and what is known of them when the process dies in the middle. */
import { createHash } from "node:crypto";
import { BudgetError, messageOf } from "../base/errors.ts";
import { linkedSignal } from "../base/signals.ts";
import type { CallChange, Step, StepCall } from "../ports/steps.ts";
import { failedWith, type ToolResult } from "../ports/tool-results.ts";
import type { Tool, ToolCall, ToolTurn } from "../ports/tools.ts";
import type { Activity } from "./activity.ts";
import type { Payment } from "./payment.ts";

export interface ToolCallsDeps {
  readonly tools: readonly Tool[];
  /** Allowed in the conversation, by name. */
  readonly allowed: ReadonlySet<string>;
  /** All steps of the turn so far. */
  readonly steps: readonly Step[];
  readonly turn: Omit<ToolTurn, "payer">;
  /** Who pays for what a call costs, by its key. */
  payFor(key: string): Pick<Payment, "open" | "settle">;
  /** Keeps what has become of a call, before anything depends on it. Throws when it cannot be kept any more. */
  change(change: CallChange): Promise<void>;
  status(activity: Activity): void;
  /** Keeps the pictures of what a call has returned; resolves with the rest. The key is the call's. */
  keep(key: string, result: ToolResult, signal: AbortSignal): Promise<ToolResult>;
}

/** A call that somebody has to allow before it is made. */
export interface OpenQuestion {
  readonly step: number;
  readonly call: number;
  /** Something from outside was read, so that it asks whatever is allowed. */
  readonly fromOutside?: true;
}

/** Calls of a turn; what is called beyond that is told so. */
export const mostCalls = 16;
const mostAtOnce = 4;
/** The very same call is made so often. */
const mostRepeats = 2;

/**
 * Makes the calls of a step that are not done. Resolves with the first that somebody has to allow, when all others are done;
 * with nothing when none is left. Ends early when the signal is aborted.
 */
export async function makeCalls(
  deps: ToolCallsDeps,
  step: Step,
  signal: AbortSignal,
): Promise<OpenQuestion | undefined> {
  const ready: number[] = [];
  let asks: OpenQuestion | undefined;
  for (const [at, call] of step.calls.entries()) {
    if (call.state === "done") continue;
    const next = nextOf(deps, step, call, at);
    if (next === "run") ready.push(at);
    else if (next === "ask") {
      asks ??= { step: step.number, call: at, ...(carriesOut(deps, call) ? { fromOutside: true } : {}) };
      if (call.state === "new") await deps.change({ step: step.number, call: at, state: "asked" });
    } else await deps.change({ step: step.number, call: at, state: "done", result: next });
  }
  await makeAll(deps, step, ready, signal);
  return signal.aborted ? undefined : asks;
}

/** Makes calls, some of them side by side. When one of them fails in a way that ends the turn, so do all others before it throws. */
async function makeAll(deps: ToolCallsDeps, step: Step, ready: readonly number[], outer: AbortSignal): Promise<void> {
  const failed = new AbortController();
  const { signal, unlink } = linkedSignal(outer, failed.signal);
  const failures: unknown[] = [];
  const waiting = ready.values();
  const makeSome = async () => {
    for (const at of waiting) if (!signal.aborted) await makeCall(deps, step, at, signal);
  };
  const running = Array.from({ length: mostAtOnce }, () =>
    makeSome().catch((error: unknown) => {
      failures.push(error);
      failed.abort();
    }),
  );
  await Promise.all(running);
  unlink();
  if (failures.length > 0) throw failures[0];
}

/** What becomes of a call: it is made, somebody is asked, or it ends with this. */
function nextOf(deps: ToolCallsDeps, step: Step, call: StepCall, at: number) {
  const { tools, steps } = deps;
  const tool = tools.find(({ name }) => name === call.name);
  if (tool === undefined) {
    const names = tools.map(({ name }) => name).join(", ");
    return failedWith(`There is no tool "${call.name.slice(0, 64)}". There are: ${names || "none"}.`);
  }
  if (call.state === "started") return tool.class === "never" ? unknownOutcome : "run";
  if (call.state === "allowed") return "run";
  // The conversation may allow the tool since.
  if (call.state === "asked") return mustAsk(deps, tool, call) ? "ask" : "run";
  const args = argsOf(call);
  if ("problem" in args)
    return failedWith(`The arguments are not a JSON object (${args.problem}). Call it again with valid ones.`);
  const before = steps.flatMap(({ number, calls }) => (number === step.number ? calls.slice(0, at) : calls));
  if (before.length >= mostCalls)
    return failedWith(`No more than ${mostCalls} calls are made for one answer. Answer from what you have.`);
  const same = before.filter(({ name, arguments: given }) => name === call.name && given === call.arguments);
  if (same.length >= mostRepeats)
    return failedWith("This very call was made before, with the results above. Use those, or call it differently.");
  return mustAsk(deps, tool, call) ? "ask" : "run";
}

function mustAsk(deps: ToolCallsDeps, tool: Tool, call: StepCall): boolean {
  return (tool.asks && !deps.allowed.has(tool.name)) || carriesOut(deps, call);
}

/** It writes or carries data out, after something untrusted was read. */
function carriesOut({ tools, turn }: ToolCallsDeps, call: StepCall): boolean {
  const tool = tools.find(({ name }) => name === call.name);
  if (tool === undefined) return false;
  // What was allowed by a press was so beside these descriptions; what needs no press was not.
  const isSuspect = turn.tainted || (!tool.asks && tools.some((one) => one.fromOutside));
  if (!isSuspect) return false;
  const args = argsOf(call);
  return tool.carriesOut || ("value" in args && tool.carries?.(args.value, turn) === true);
}

async function makeCall(deps: ToolCallsDeps, step: Step, at: number, signal: AbortSignal): Promise<void> {
  const call = step.calls[at];
  const tool = deps.tools.find(({ name }) => name === call?.name);
  const args = call && argsOf(call);
  if (call === undefined || tool === undefined || args === undefined || "problem" in args) return;
  // What may be made again needs no word that it was begun.
  if (tool.class !== "safe" && call.state !== "started")
    await deps.change({ step: step.number, call: at, state: "started" });
  deps.status({ kind: "tool", tool: tool.activity(args.value) });
  const key = keyOf(deps.turn, step, at);
  const payer = deps.payFor(key);
  try {
    const result = await withinLimit(tool, { args: args.value, key, turn: { ...deps.turn, payer } }, signal);
    if (result !== undefined) {
      const kept = await deps.keep(key, result, signal);
      await deps.change({ step: step.number, call: at, state: "done", result: kept });
    }
  } finally {
    await payer.settle();
  }
}

/** The result of a call, also when it takes too long; undefined when the signal is aborted. */
async function withinLimit(tool: Tool, call: ToolCall, signal: AbortSignal): Promise<ToolResult | undefined> {
  const late = new AbortController();
  const { signal: ending, unlink } = linkedSignal(signal, late.signal);
  const timer = setTimeout(() => late.abort(), tool.mostMs);
  const aborted = Promise.withResolvers<undefined>();
  ending.addEventListener("abort", () => aborted.resolve(undefined), { once: true });
  if (ending.aborted) aborted.resolve(undefined);
  const running = tool.run(call, ending);
  try {
    // A tool that does not listen keeps nobody waiting.
    const result = await Promise.race([running, aborted.promise]);
    if (result !== undefined) return result;
  } catch (error) {
    if (error instanceof BudgetError)
      return failedWith("There is no budget left for this call. Say so, and go on without it.");
    if (!ending.aborted) throw error;
  } finally {
    clearTimeout(timer);
    unlink();
    running.catch(() => undefined);
  }
  if (signal.aborted) return undefined;
  const said = `It took longer than ${Math.round(tool.mostMs / 1000)} seconds and was given up.`;
  return failedWith(tool.class === "safe" ? said : `${said} Nobody knows whether it was done.`);
}

/** Names a call for ever: ids of calls are new with each answer of a model. */
export function keyOf(
  { conversation, question }: Pick<ToolTurn, "conversation" | "question">,
  step: Step,
  at: number,
): string {
  const id = step.calls[at]?.id ?? "";
  return createHash("sha256")
    .update(JSON.stringify([conversation, question, step.number, at, id]))
    .digest("hex");
}

/** The arguments of a call; `problem` when they are no object. */
export function argsOf(call: Pick<StepCall, "arguments">): { readonly value: object } | { readonly problem: string } {
  try {
    const value: unknown = JSON.parse(call.arguments);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { value };
    return { problem: `it is ${value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`}` };
  } catch (error) {
    return { problem: messageOf(error).slice(0, 200) };
  }
}

const unknownOutcome = failedWith(
  "Nobody knows whether this was done: the bot was restarted in the middle of it. Do not repeat it; tell the user.",
);

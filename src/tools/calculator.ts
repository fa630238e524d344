/**
 * Runs small programs of models, one after another, in a thread that has nothing of this process: QuickJS bounds their time and
 * memory, and the thread is ended when it does not answer.
 */
import { Worker } from "node:worker_threads";
import { whenAborted } from "../base/signals.ts";

export interface Calculation {
  /** What it has printed and its value, or what is wrong with it. */
  readonly text: string;
  readonly failed: boolean;
  readonly cut: boolean;
}

export interface Calculator {
  /** Runs a program. Whatever it does is told by the result; rejects only when aborted. */
  run(code: string, signal: AbortSignal): Promise<Calculation>;
  stop(): Promise<void>;
}

export interface CalculatorOptions {
  /** Until the thread is there. Milliseconds: 10,000. */
  readonly startMs?: number;
  /** Of a program that QuickJS does not end by itself. Milliseconds: 2,000. */
  readonly killMs?: number;
  /** After this time without a program the thread goes. Milliseconds: 60,000. */
  readonly idleMs?: number;
}

interface Thread {
  readonly worker: Worker;
  readonly ready: Promise<boolean>;
  /** Settles with what it says next; undefined when it has ended instead. */
  said: PromiseWithResolvers<unknown>;
}

const program = new URL("calculation-thread.js", import.meta.url);
/** Of its own: what programs have is bounded inside. */
const heapMegabytes = 64;
const mostText = 8_000;

const unavailable: Calculation = { text: "Nothing can be calculated at the moment.", failed: true, cut: false };
const endless: Calculation = {
  text: "The program was ended: it takes too long, or too much memory. Write a smaller one.",
  failed: true,
  cut: false,
};

/** Creates the calculator of a process; the thread is started with the first program. */
export function createCalculator(options: CalculatorOptions = {}): Calculator {
  const { startMs = 10_000, killMs = 2_000, idleMs = 60_000 } = options;
  let thread: Thread | undefined;
  let idle: NodeJS.Timeout | undefined;
  let stopped = false;
  /** Settles when everybody who came before has had their turn. */
  let turn: Promise<unknown> = Promise.resolve();

  async function end(): Promise<void> {
    clearTimeout(idle);
    const ended = thread;
    thread = undefined;
    await ended?.worker.terminate();
  }

  /** The clock starts with the program, not while others run. */
  async function runNow(code: string, signal: AbortSignal): Promise<Calculation> {
    clearTimeout(idle);
    thread ??= startThread();
    const running = thread;
    const isReady = await orLate(running.ready, startMs, signal);
    if (isReady !== true) {
      await end();
      signal.throwIfAborted();
      return unavailable;
    }
    running.said = Promise.withResolvers();
    running.worker.postMessage({ code });
    const said = calculationOf(await orLate(running.said.promise, killMs, signal));
    // What a program that failed has left behind is nobody's guess: memory does not come back.
    if (said === undefined || said.failed) await end();
    else idle = setTimeout(() => void end(), idleMs).unref();
    signal.throwIfAborted();
    return said ?? endless;
  }

  return {
    async run(code, signal) {
      const before = turn;
      const mine = Promise.withResolvers<void>();
      turn = before.then(() => mine.promise);
      try {
        await Promise.race([before, whenAborted(signal)]);
        signal.throwIfAborted();
        return stopped ? unavailable : await runNow(code, signal);
      } finally {
        mine.resolve();
      }
    },
    async stop() {
      stopped = true;
      await end();
    },
  };
}

function startThread(): Thread {
  const worker = new Worker(program, { env: {}, resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } });
  // It keeps nobody from leaving.
  worker.unref();
  const ready = Promise.withResolvers<boolean>();
  const thread: Thread = { worker, ready: ready.promise, said: Promise.withResolvers() };
  worker.on("message", (said: unknown) => {
    if (typeof said === "object" && said !== null && "ready" in said) ready.resolve(true);
    else thread.said.resolve(said);
  });
  for (const event of ["error", "exit"]) {
    worker.on(event, () => {
      ready.resolve(false);
      thread.said.resolve(undefined);
    });
  }
  return thread;
}

async function orLate<T>(promise: Promise<T>, milliseconds: number, signal: AbortSignal): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const leave = () => late.resolve(undefined);
  const timer = setTimeout(leave, milliseconds);
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", leave);
  }
}

function calculationOf(said: unknown): Calculation | undefined {
  if (typeof said !== "object" || said === null || !("text" in said) || typeof said.text !== "string") return undefined;
  const failed = !("failed" in said) || said.failed !== false;
  const isEndless = failed && /^InternalError: (?:interrupted|out of memory)/.test(said.text);
  if (isEndless) return endless;
  return { text: said.text.slice(0, mostText), failed, cut: "cut" in said && said.cut === true };
}

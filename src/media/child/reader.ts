/**
 * Reads files and pages in children: one after another, each in bounded time and memory, whatever is in it. No child ever has files of two
 * questions: what one of them has done to it cannot come to the other. The next child is started before it is needed.
 */

import { ParleyError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { linkedSignal } from "../../base/signals.ts";
import type { FileReader, FileRefusal } from "../../ports/files.ts";
import type { PageReader } from "../../ports/pages.ts";
import { type Child, type ChildLimits, startChild } from "./child.ts";
import { pageReadingOf, readingOf, type Task } from "./job.ts";

export interface FileReaderOptions {
  readonly log: Pick<Logger, "debug" | "warn" | "error">;
  readonly limits?: Partial<ChildLimits>;
  /** After this time without a file the child goes. Milliseconds. */
  readonly idleMs?: number;
  /** So many files are read by one child. */
  readonly filesPerChild?: number;
  /** Whether a child waits for the next question, or is started with it. */
  readonly startsAhead?: boolean;
}

const defaultLimits: ChildLimits = {
  startMs: 20_000,
  jobMs: 20_000,
  residentBytes: 600 * 1024 * 1024,
  lookEveryMs: 50,
};

/** For each of the two ways in which a page is read. */
const pageLimits = { jobMs: 5_000 };

/** Creates the reader; the child is started with the first file. */
export function createFileReader(options: FileReaderOptions): FileReader {
  const reader = createReader(options, readingOf);
  return {
    read: ({ bytes, name, language }, signal) => reader.read({ bytes, name, language }, signal),
    stop: reader.stop,
  };
}

/**
 * Creates the reader of pages, with children of its own: somebody waits for each, and a file may take a while. Of a page whose
 * article costs too much its words are read.
 */
export function createPageReader(options: FileReaderOptions): PageReader {
  const reader = createReader({ ...options, limits: { ...pageLimits, ...options.limits } }, pageReadingOf);
  return {
    async read({ bytes, address, charset, html }, signal) {
      const page = { bytes, address, charset, html };
      const reading = await reader.read({ ...page, page: "article" }, signal);
      const costs = reading.kind === "refused" && (reading.reason === "limits" || reading.reason === "damaged");
      return html && costs ? await reader.read({ ...page, page: "words" }, signal) : reading;
    },
    stop: reader.stop,
  };
}

interface Refusal {
  readonly kind: "refused";
  readonly reason: FileRefusal;
}

interface Reader<R> {
  read(task: Task, signal: AbortSignal): Promise<R | Refusal>;
  stop(): Promise<void>;
}

/** `readingOf` makes what the child says anew; undefined when it is nothing that it may say. */
function createReader<R extends { readonly kind: string }>(
  options: FileReaderOptions,
  readingOf: (said: unknown) => R | undefined,
): Reader<R> {
  const { log, idleMs = 60_000, filesPerChild = 50, startsAhead = true } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const stopping = new AbortController();
  let child: Child | undefined;
  /** By which all files of a question are known. */
  let childOf: AbortSignal | undefined;
  /** It has read nothing. */
  let spare: Child | undefined;
  /** That all but the first begin with. */
  let program: string | undefined;
  /** Those who wait for their turn, or have it. */
  let present = 0;
  let idle: NodeJS.Timeout | undefined;
  /** Settles when everybody who came before has had their turn. */
  let turn: Promise<unknown> = Promise.resolve();

  function dismiss(): void {
    child?.kill();
    child = undefined;
  }

  function childFor(question: AbortSignal): Child {
    if (child?.alive === true && childOf === question) return child;
    dismiss();
    child = spare?.alive === true ? spare : startChild(limits, { program });
    childOf = question;
    spare = undefined;
    return child;
  }

  function startAhead(): void {
    if (startsAhead && !stopping.signal.aborted && spare?.alive !== true) spare = startChild(limits, { program });
  }

  function rest(): void {
    dismiss();
    spare?.kill();
    spare = undefined;
  }

  async function readNow(file: Task, cameAt: number, question: AbortSignal, signal: AbortSignal): Promise<R | Refusal> {
    const wasSpare = spare?.alive === true;
    const serving = childFor(question);
    if (!(await serving.ready)) {
      dismiss();
      // It may have ended before anybody knew.
      if (wasSpare && !signal.aborted) return await readNow(file, cameAt, question, signal);
      log.error({ served: serving.served }, "the process that reads files cannot be started");
      return { kind: "refused", reason: "unavailable" };
    }
    program ??= serving.program;
    // Beside the reading of this file only where somebody waits already.
    if (present > 1) startAhead();
    const startedAt = performance.now();
    const end = await serving.read(file, signal);
    const milliseconds = Math.round(performance.now() - startedAt);
    const waitedMs = Math.round(startedAt - cameAt);
    const bytes = file.bytes.length;
    // What is used up may have been so by the files of others.
    const isFirst = serving.served === 1;
    if (end.type === "died") {
      dismiss();
      if (end.of === "abort") throw aborted();
      const { of, peakBytes } = end;
      if (!isFirst && of !== "time") return await readNow(file, cameAt, question, signal);
      log.warn({ bytes, milliseconds, of, peakBytes }, "a file has used up what reading it may cost");
      return { kind: "refused", reason: "limits" };
    }
    if (end.spent || serving.served >= filesPerChild) dismiss();
    const reading = readingOf(end.reading);
    if (reading === undefined) {
      dismiss();
      log.error({ bytes }, "the process that reads files has answered with something else");
      return { kind: "refused", reason: "limits" };
    }
    const { kind } = reading;
    const format = "format" in reading ? reading.format : undefined;
    const reason = "reason" in reading ? reading.reason : undefined;
    if (!isFirst && end.spent) return await readNow(file, cameAt, question, signal);
    log.debug({ bytes, waitedMs, milliseconds, kind, format, reason }, "a file was read");
    return reading;
  }

  return {
    async read(file, signal) {
      if (file.bytes.length === 0) return { kind: "refused", reason: "empty" };
      const { signal: either, unlink } = linkedSignal(signal, stopping.signal);
      const before = turn;
      const cameAt = performance.now();
      const mine = Promise.withResolvers<void>();
      turn = before.then(() => mine.promise);
      clearTimeout(idle);
      present++;
      try {
        await turnOrAbort(before, either);
        return await readNow(file, cameAt, signal, either);
      } finally {
        present--;
        if (present === 0 && !stopping.signal.aborted) {
          startAhead();
          idle = setTimeout(rest, idleMs).unref();
        }
        mine.resolve();
        unlink();
      }
    },
    async stop() {
      stopping.abort();
      clearTimeout(idle);
      await turn;
      clearTimeout(idle);
      rest();
    },
  };
}

function aborted(): ParleyError {
  return new ParleyError("aborted", "the file is not read to its end: nobody waits for it", { retryable: true });
}

async function turnOrAbort(turn: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(aborted());
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  try {
    await Promise.race([turn, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

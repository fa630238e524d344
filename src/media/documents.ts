/** Documents that people have sent: fetched, and read in the child. */
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { type Documents, type FileReader, type FileReading, pageId } from "../ports/files.ts";
import { MediaError, type MediaErrorKind, type MediaSource } from "../ports/media.ts";
import type { ByteCache } from "./byte-cache.ts";

export interface DocumentsDeps {
  readonly source: Pick<MediaSource, "fetch">;
  readonly reader: Pick<FileReader, "read">;
  /** Takes the pages that are pictures, by `pageId`. */
  readonly pages: Pick<ByteCache, "add">;
  readonly log: Pick<Logger, "warn">;
}

/** Of one file. */
const largestBytes = 20 * 2 ** 20;
/** Files whose bytes are in memory at once, and those bytes: the others wait at Telegram. */
const mostAtOnce = 3;
const mostBytesAtOnce = 24 * 2 ** 20;
/** What one counts for whose length nobody tells. */
const usualBytes = mostBytesAtOnce / mostAtOnce;
/**
 * Whoever comes so much later with a file that is so much smaller goes first: what takes a moment does not wait for minutes of
 * what others have sent, and what is large waits at most a little longer for it.
 */
const bytesPerMs = 200;
const longestGraceMs = 10_000;

/** Creates what reads the documents of a process. */
export function createDocuments({ source, reader, pages, log }: DocumentsDeps): Documents {
  const places = createPlaces(mostAtOnce);
  return {
    async read(file, language, signal) {
      if (file.sizeBytes === 0) return { kind: "refused", reason: "empty" };
      const leave = await places.take(file.sizeBytes, signal);
      try {
        const bytes = await source.fetch(file, largestBytes, signal);
        const reading = await reader.read({ bytes, name: file.name, language }, signal);
        if (reading.kind === "pictures") {
          for (const { number, jpeg } of reading.pictures) pages.add(pageId(file.uniqueId, number), jpeg);
        }
        return reading;
      } catch (error) {
        if (signal.aborted || !(error instanceof MediaError)) throw error;
        log.warn({ kind: error.kind, reason: messageOf(error) }, "a document could not be fetched");
        return refused(error.kind);
      } finally {
        leave();
      }
    },
  };
}

function refused(kind: MediaErrorKind): FileReading {
  return { kind: "refused", reason: kind === "unreadable" ? "damaged" : kind };
}

interface Waiting {
  readonly bytes: number;
  /** Those with an earlier one go first. */
  readonly dueMs: number;
  start(): void;
}

/** So many have a place at once; those who wait go by when they came and how much they bring. */
function createPlaces(most: number) {
  /** In the order in which they go. */
  const waiting: Waiting[] = [];
  let taken = 0;
  let held = 0;
  function fits(bytes: number): boolean {
    return taken === 0 || (taken < most && held + bytes <= mostBytesAtOnce);
  }
  function enter(bytes: number): void {
    taken++;
    held += bytes;
  }
  function advance(): void {
    for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
      waiting.shift();
      enter(next.bytes);
      next.start();
    }
  }
  return {
    /** Resolves with what gives the place back; rejects when aborted. */
    async take(told = Number.POSITIVE_INFINITY, signal: AbortSignal): Promise<() => void> {
      const bytes = Number.isFinite(told) ? told : usualBytes;
      if (waiting.length === 0 && fits(bytes)) enter(bytes);
      else {
        const dueMs = performance.now() + Math.min(told / bytesPerMs, longestGraceMs);
        await turn(waiting, { bytes, dueMs }, signal, advance);
      }
      return () => {
        taken--;
        held -= bytes;
        advance();
      };
    },
  };
}

function turn(
  waiting: Waiting[],
  { bytes, dueMs }: Omit<Waiting, "start">,
  signal: AbortSignal,
  left: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      waiting.splice(waiting.indexOf(mine), 1);
      reject(new MediaError("unreachable", "the file is not wanted any more"));
      left();
    };
    const mine: Waiting = {
      ...{ bytes, dueMs },
      start() {
        signal.removeEventListener("abort", leave);
        resolve();
      },
    };
    const later = waiting.findIndex((other) => other.dueMs > dueMs);
    waiting.splice(later < 0 ? waiting.length : later, 0, mine);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
  });
}

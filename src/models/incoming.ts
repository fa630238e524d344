/** The body of an answer, read as it comes, without a timer or a promise for each piece that is already there. */
import type { Readable } from "node:stream";

export interface Incoming {
  /**
   * All that has come since the last call; waits when nothing has. `""` when nothing came within `withinMs`, undefined
   * at the end of the body. Throws when the connection broke.
   */
  next(withinMs?: number): Promise<string | undefined>;
  /** Throws away what is still on its way, so that the connection can be used again. */
  drain(): void;
  /** Closes the connection at once, also while `next` waits. */
  close(): void;
}

/** How long the end of a body that nobody reads may take, and how much of it may come. */
const drainMs = 2_000;
const maxDrained = 1024 * 1024;
/** Characters that may wait to be read before the provider is slowed down. */
const maxWaiting = 1024 * 1024;
/** As much of the beginning of a body as is worth reading: no more than `maxBytes`, and what has come within `withinMs`. */
export async function readBeginning(message: Readable, maxBytes: number, withinMs: number): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => message.destroy(), withinMs);
  try {
    for await (const part of message as AsyncIterable<Buffer>) {
      parts.push(part);
      size += part.length;
      if (size >= maxBytes) break;
    }
  } catch {
    // What has come says more than that there was no more.
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(parts).subarray(0, maxBytes).toString("utf8");
}

/** Reads the body of a response as UTF-8. */
export function openIncoming(message: Readable): Incoming {
  let waiting = "";
  let ended = false;
  let failed: Error | undefined;
  let wake: (() => void) | undefined;

  function stir(): void {
    wake?.();
    wake = undefined;
  }
  function take(chunk: string): void {
    waiting += chunk;
    if (waiting.length > maxWaiting) message.pause();
    stir();
  }
  message.setEncoding("utf8");
  message.on("data", take);
  message.on("end", () => {
    ended = true;
    stir();
  });
  message.on("error", (error) => {
    failed ??= error;
    stir();
  });
  message.on("close", () => {
    if (!ended) failed ??= new Error("the connection was closed");
    stir();
  });

  return {
    async next(withinMs) {
      if (waiting === "" && !ended && failed === undefined && !(withinMs !== undefined && withinMs <= 0)) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (withinMs !== undefined) timer = setTimeout(stir, withinMs);
        });
        clearTimeout(timer);
      }
      if (waiting !== "") {
        const chunk = waiting;
        waiting = "";
        if (message.isPaused()) message.resume();
        return chunk;
      }
      if (failed !== undefined) throw failed;
      return ended ? undefined : "";
    },
    drain() {
      message.off("data", take);
      waiting = "";
      if (ended || failed !== undefined) return;
      const timer = setTimeout(() => message.destroy(), drainMs).unref();
      message.on("close", () => clearTimeout(timer));
      let drained = 0;
      message.on("data", (chunk: string) => {
        drained += chunk.length;
        if (drained > maxDrained) message.destroy();
      });
      message.resume();
    },
    close: () => void message.destroy(),
  };
}

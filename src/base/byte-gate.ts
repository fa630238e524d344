/** Bytes that may be in memory at once: whoever brings more waits until others have left. */

export interface ByteGate {
  /**
   * Waits, first come, first served, until so many bytes have room beside those of others; what is larger than all of the room
   * has it alone. Resolves with what leaves it, or with undefined when the signal is aborted before.
   */
  enter(bytes: number, signal: AbortSignal): Promise<(() => void) | undefined>;
}

interface Waiter {
  readonly bytes: number;
  admit(): void;
}

/** Creates a gate with room for so many bytes. */
export function createByteGate(mostBytes: number): ByteGate {
  const waiting = new Set<Waiter>();
  let held = 0;

  function advance(): void {
    for (const waiter of waiting) {
      if (held > 0 && held + waiter.bytes > mostBytes) return;
      waiting.delete(waiter);
      waiter.admit();
    }
  }

  return {
    enter(bytes, signal) {
      return new Promise((resolve) => {
        const abort = () => {
          if (waiting.delete(waiter)) resolve(undefined);
          advance();
        };
        const waiter: Waiter = {
          bytes,
          admit() {
            signal.removeEventListener("abort", abort);
            held += bytes;
            let left = false;
            resolve(() => {
              if (left) return;
              left = true;
              held -= bytes;
              advance();
            });
          },
        };
        waiting.add(waiter);
        signal.addEventListener("abort", abort, { once: true });
        if (signal.aborted) abort();
        else advance();
      });
    },
  };
}

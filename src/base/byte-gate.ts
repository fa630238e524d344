/** Bytes that may be in memory at once: whoever brings more waits until others have left. */

export interface ByteGate {
  /**
   * Waits until so many bytes have room beside those of others: first come, first served among those that are small, and among
   * those that are not; what is larger than all of the room has it alone. Resolves with what leaves it, or with undefined when the signal is aborted before.
   */
  enter(bytes: number, signal: AbortSignal): Promise<(() => void) | undefined>;
}

interface Waiter {
  readonly bytes: number;
  admit(): void;
}

/** Of all of the room: what is small, and how much is kept for it, so that it does not wait for what is large. */
const [smallShare, keptShare] = [1 / 16, 1 / 4];

/** Creates a gate with room for so many bytes. */
export function createByteGate(mostBytes: number): ByteGate {
  const small = createRoom(mostBytes * keptShare);
  const large = createRoom(mostBytes * (1 - keptShare));
  return { enter: (bytes, signal) => (bytes <= mostBytes * smallShare ? small : large).enter(bytes, signal) };
}

function createRoom(mostBytes: number): ByteGate {
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

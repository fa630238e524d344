/** The bytes of one file, in memory while they are used: whoever waits for something else gives their room to others. */
import type { ByteGate } from "../base/byte-gate.ts";
import type { MediaReference } from "../ports/content.ts";
import { MediaError, type MediaSource } from "../ports/media.ts";

export interface HeldBytes {
  /** Fetches them once there is room, or again after `release`. Rejects with a `MediaError`, also when the signal is aborted. */
  get(signal: AbortSignal): Promise<Uint8Array>;
  release(): void;
}

export interface HeldBytesDeps {
  /** Left out where nobody counts. */
  readonly gate?: ByteGate | undefined;
  readonly source: Pick<MediaSource, "fetch">;
}

/** Creates the hold of one file, of at most so many bytes. */
export function holdBytes({ gate, source }: HeldBytesDeps, reference: MediaReference, mostBytes: number): HeldBytes {
  let leave: (() => void) | undefined;
  let bytes: Uint8Array | undefined;
  function release(): void {
    bytes = undefined;
    leave?.();
    leave = undefined;
  }
  return {
    async get(signal) {
      if (bytes !== undefined) return bytes;
      leave = await gate?.enter(reference.sizeBytes ?? mostBytes, signal);
      try {
        if (signal.aborted) throw new MediaError("unreachable", "the file is not wanted any more");
        bytes = await source.fetch(reference, mostBytes, signal);
        return bytes;
      } catch (error) {
        release();
        throw error;
      }
    },
    release,
  };
}

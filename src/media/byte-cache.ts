/** Bytes that may be wanted again, as many as fit; those go first that nobody has wanted for the longest time. */

export interface ByteCache {
  get(key: string): Uint8Array | undefined;
  add(key: string, bytes: Uint8Array): void;
}

/** Creates one that holds so many bytes at most. */
export function createByteCache(mostBytes: number): ByteCache {
  /** In the order in which they were wanted. */
  const kept = new Map<string, Uint8Array>();
  let total = 0;

  function remove(key: string): void {
    total -= kept.get(key)?.length ?? 0;
    kept.delete(key);
  }

  return {
    get(key) {
      const bytes = kept.get(key);
      if (bytes === undefined) return undefined;
      kept.delete(key);
      kept.set(key, bytes);
      return bytes;
    },
    add(key, bytes) {
      remove(key);
      if (bytes.length > mostBytes) return;
      kept.set(key, bytes);
      total += bytes.length;
      for (const oldest of kept.keys()) {
        if (total <= mostBytes) break;
        remove(oldest);
      }
    },
  };
}

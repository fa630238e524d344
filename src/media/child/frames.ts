/**
 * Messages over a pipe, none of them larger than may be: a channel of Node takes whatever comes, keeps it until it is whole, and
 * acts on some of it by itself.
 */
import type { Duplex } from "node:stream";
import { deserialize, serialize } from "node:v8";

const headBytes = 4;

/** Sends a message. */
export function sendFrame(pipe: Duplex, message: unknown): void {
  const body = serialize(message);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(body.length);
  pipe.write(head);
  pipe.write(body);
}

/** Takes messages of at most so many bytes. `broken` is called when something else comes; nothing is taken from then on. */
export function takeFrames(
  pipe: Duplex,
  mostBytes: number,
  take: (message: unknown) => void,
  broken: () => void,
): void {
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted: number | undefined;

  /** The first bytes of what has come. */
  function taken(length: number): Buffer {
    const all = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, held);
    held -= length;
    chunks = held === 0 ? [] : [all.subarray(length)];
    return all.subarray(0, length);
  }

  function takeAll(): void {
    while (held >= (wanted ?? headBytes)) {
      const bytes = taken(wanted ?? headBytes);
      if (wanted === undefined) {
        wanted = bytes.readUInt32BE();
        if (wanted > mostBytes) throw new RangeError("a message is longer than it may be");
      } else {
        wanted = undefined;
        take(deserialize(bytes));
      }
    }
  }

  function onData(chunk: Buffer): void {
    chunks.push(chunk);
    held += chunk.length;
    try {
      takeAll();
    } catch {
      pipe.off("data", onData);
      chunks = [];
      broken();
    }
  }
  pipe.on("data", onData);
}

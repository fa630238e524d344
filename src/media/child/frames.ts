/**
 * Messages over a pipe, none of them larger than may be: a channel of Node takes whatever comes, keeps it until it is whole, and
 * acts on some of it by itself. The bytes of a file stand behind its message as they are: serialized, they would be in memory
 * some times more.
 */
import type { Duplex } from "node:stream";
import { deserialize, serialize } from "node:v8";

/** The lengths of the message and of the bytes behind it. */
const headBytes = 8;

/** Sends a message, and bytes with it, which must not change until they are sent. */
export function sendFrame(pipe: Duplex, message: unknown, bytes: Uint8Array = new Uint8Array()): void {
  const body = serialize(message);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(body.length);
  head.writeUInt32BE(bytes.length, headBytes / 2);
  pipe.write(head);
  pipe.write(body);
  if (bytes.length > 0) pipe.write(bytes);
}

/** Takes messages of at most so many bytes. `broken` is called when something else comes; nothing is taken from then on. */
export function takeFrames(
  pipe: Duplex,
  mostBytes: number,
  take: (message: unknown, bytes: Uint8Array) => void,
  broken: () => void,
): void {
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted: { readonly body: number; readonly all: number } | undefined;

  /** The first bytes of what has come. */
  function taken(length: number): Buffer {
    const all = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, held);
    held -= length;
    chunks = held === 0 ? [] : [all.subarray(length)];
    return all.subarray(0, length);
  }

  function takeAll(): void {
    while (held >= (wanted?.all ?? headBytes)) {
      const bytes = taken(wanted?.all ?? headBytes);
      if (wanted === undefined) {
        const body = bytes.readUInt32BE();
        wanted = { body, all: body + bytes.readUInt32BE(headBytes / 2) };
        if (wanted.all > mostBytes) throw new RangeError("a message is longer than it may be");
      } else {
        const { body } = wanted;
        wanted = undefined;
        take(deserialize(bytes.subarray(0, body)), bytes.subarray(body));
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

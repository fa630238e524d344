/** What a server may send: messages of a bounded length, and not without end. */

/** Of one message. */
const mostBytes = 2 ** 20;
/** Of one that holds a picture, which may have 5 MB and is a third longer as text. */
const mostBytesWithPicture = 7 * 2 ** 20;
/** Within a second. */
const mostMessages = 1_000;
const mostBytesASecond = 32 * 2 ** 20;

/** Why a connection is closed that a server has used in this way. */
export class FloodError extends Error {}

/** Counts what comes. Throws a `FloodError` when it is too much. */
export function createFlow() {
  let since = performance.now();
  let messages = 0;
  let bytes = 0;

  return {
    /** So many bytes have come, and so many messages have ended in them. */
    count(newBytes: number, newMessages: number): void {
      const now = performance.now();
      if (now - since >= 1_000) {
        since = now;
        messages = 0;
        bytes = 0;
      }
      messages += newMessages;
      bytes += newBytes;
      if (messages > mostMessages) throw new FloodError(`it sent more than ${mostMessages} messages in a second`);
      if (bytes > mostBytesASecond) throw new FloodError("it sent more than 32 MiB in a second");
    },
  };
}

/** The pieces of one message that has not ended. Throws a `FloodError` when it is too long. */
export function createPieces() {
  let pieces: Buffer[] = [];
  let length = 0;
  let most = mostBytes;

  return {
    add(piece: Buffer): void {
      pieces.push(piece);
      length += piece.length;
      // Looked at once, when it is longer than others may be.
      if (length > most && most === mostBytes && Buffer.concat(pieces).includes('"image')) most = mostBytesWithPicture;
      if (length > most) throw new FloodError(`a message of it is longer than ${most / 2 ** 20} MiB`);
    },
    /** All of them; none are left. */
    take(): Buffer {
      const [first] = pieces;
      const whole = first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces, length);
      pieces = [];
      length = 0;
      most = mostBytes;
      return whole;
    },
  };
}

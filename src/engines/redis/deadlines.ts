/**
 * Fails commands that Redis does not answer in time, by a clock that stands still while the loop does. The client's own timers
 * fire before a loop that was busy reads what has come meanwhile: beside other work hundreds of answers would be thrown away,
 * and their commands given a second time.
 */
import type { Command, Redis } from "ioredis";

export interface Deadlines {
  /** A command without an answer for so long is rejected. Milliseconds. */
  readonly commandMs: number;
  /** A connection on which nothing is answered for so long is replaced. Milliseconds. */
  readonly silenceMs: number;
}

const lookEveryMs = 100;
/** What a loop that is on time may be late. */
const mostPerLookMs = 2 * lookEveryMs;

/** Watches the commands of this connection, until it ends; keeps no process alive. */
export function setDeadlines(redis: Redis, { commandMs, silenceMs }: Deadlines): void {
  const pending: { readonly command: Command; readonly sentAt: number }[] = [];
  let loopMs = 0;
  let lookedAt = performance.now();
  /** Of `loopMs`. */
  let silentSince: number | undefined;

  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, ...rest) => {
    pending.push({ command, sentAt: loopMs });
    silentSince ??= loopMs;
    return send(command, ...rest);
  };

  function look(): void {
    let done = 0;
    for (const { command, sentAt } of pending) {
      if (command.isResolved) silentSince = undefined;
      else if (loopMs - sentAt >= commandMs) command.reject(new Error("Command timed out"));
      else break;
      done++;
    }
    pending.splice(0, done);
    if (pending.length > 0) silentSince ??= pending[0]?.sentAt;
    if (silentSince === undefined || loopMs - silentSince < silenceMs) return;
    silentSince = undefined;
    redis.stream?.destroy(new Error(`nothing was answered for ${silenceMs / 1000} s`));
  }

  const timer = setInterval(() => {
    const at = performance.now();
    loopMs += Math.min(at - lookedAt, mostPerLookMs);
    lookedAt = at;
    // Behind the reading of what has come.
    setImmediate(look);
  }, lookEveryMs).unref();
  redis.once("end", () => clearInterval(timer));
}

/** Warnings and errors that come by the hundred: for each reason one line a second, with the number of those left out. */

/** Between two lines of one reason. Milliseconds. */
const sayAgainAfterMs = 1_000;
/** The latest line that was left out, when no other has followed it, is written after this. Milliseconds. */
const sayLatestAfterMs = 5_000;
/** Reasons in memory at once. */
const mostReasons = 500;
/** Characters of a reason that count. */
const mostCharacters = 200;

/** Fields that belong to the reason: names of what has failed, never whose it was. */
const telling = ["method", "status", "kind", "code", "model", "provider"] as const;

export interface Repetitions {
  /** Calls `write` with the number of lines of this reason left out before it, now or, left out itself, perhaps later. */
  pass(reason: string, write: (leftOut: number) => void): void;
}

interface Said {
  at: number;
  leftOut: number;
  /** Of the latest line that was left out. */
  write: (leftOut: number) => void;
}

/** Creates a memory of what was said lately; it keeps no process alive, and loses no count at its exit. */
export function createRepetitions(): Repetitions {
  // In the order in which they were said last.
  const said = new Map<string, Said>();
  let timer: NodeJS.Timeout | undefined;

  function forget(reason: string, { leftOut, write }: Said): void {
    said.delete(reason);
    // The latest is not left out after all.
    if (leftOut > 0) write(leftOut - 1);
  }

  function flush(): void {
    for (const [reason, one] of said) forget(reason, one);
  }

  /** Writes what was left out and has had no successor. */
  function settle(): void {
    const now = performance.now();
    for (const [reason, one] of said) {
      if (now - one.at < sayLatestAfterMs) continue;
      forget(reason, one);
      if (one.leftOut > 0) said.set(reason, { ...one, at: now, leftOut: 0 });
    }
    if (said.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    process.off("exit", flush);
  }

  function leaveOut(one: Said, write: Said["write"]): void {
    one.leftOut++;
    one.write = write;
    if (timer !== undefined) return;
    timer = setInterval(settle, sayLatestAfterMs).unref();
    // Before pino's own, which writes what is in its buffer.
    process.prependListener("exit", flush);
  }

  return {
    pass(reason, write) {
      const now = performance.now();
      const known = said.get(reason);
      if (known !== undefined && now - known.at < sayAgainAfterMs) return leaveOut(known, write);
      said.delete(reason);
      const [oldest] = said;
      if (said.size >= mostReasons && oldest !== undefined) forget(...oldest);
      said.set(reason, { at: now, leftOut: 0, write });
      write(known?.leftOut ?? 0);
    },
  };
}

/** What a line is about, without ids: level, message, and the fields that say what has failed. */
export function reasonOf(level: number, fields: object, message: string): string {
  const error: unknown = Reflect.get(fields, "err") ?? Reflect.get(fields, "error");
  const words = error instanceof Error ? `${error.name} ${error.message}` : "";
  const reason = String(Reflect.get(fields, "reason") ?? "");
  const others = telling.map((name) => String(Reflect.get(fields, name) ?? "").slice(0, mostCharacters));
  return [level, message, ...[words, reason].map(withoutIds), ...others].join("\n");
}

/** Numbers, and words with numbers in them, tell lines of one reason apart. */
function withoutIds(text: string): string {
  return text.slice(0, mostCharacters).replace(/[\w-]+/g, (word) => (/\d/.test(word) ? "#" : word));
}

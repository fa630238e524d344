/** "typing…" at the top of a chat, until something of the answer can be read. */

/** A typing action is shown for 5 s. */
const everyMs = 4_000;

export interface Typing {
  stop(): void;
}

/** Types at once, and again before it would end; `type` makes the call, and must not reject. */
export function startTyping(type: () => Promise<void>): Typing {
  void type();
  const timer = setInterval(() => void type(), everyMs);
  return { stop: () => clearInterval(timer) };
}

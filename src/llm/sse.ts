/** Server-sent events, read line by line as the chunks of the network come in. */

export interface EventLines {
  /** Takes the next piece of the body. */
  push(chunk: string): void;
  /** The body has ended: an event without its closing blank line is complete too. */
  end(): void;
}

/** Far beyond any event of an honest provider. Characters. */
const maxPending = 4 * 1024 * 1024;

/** Reads the `data` of each event. Comments, other fields, CRLF and a missing space after the colon are all fine. */
export function createEventLines(onData: (data: string) => void): EventLines {
  /** The beginning of a line whose end has not come yet. */
  let rest = "";
  let data: string | undefined;
  let first = true;

  function take(line: string): void {
    if (line === "" || line === "\r") dispatch();
    if (!line.startsWith("data:")) return;
    const end = line.endsWith("\r") ? line.length - 1 : line.length;
    const value = line.slice(line.charCodeAt(5) === 32 ? 6 : 5, end);
    // Some servers leave out the blank line between two events.
    if (data !== undefined && isWhole(data)) dispatch();
    data = data === undefined ? value : `${data}\n${value}`;
  }

  function dispatch(): void {
    if (data === undefined) return;
    const complete = data;
    data = undefined;
    onData(complete);
  }

  return {
    push(chunk) {
      let text = chunk;
      if (first && text !== "") {
        first = false;
        if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
      }
      let from = 0;
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
        const line = text.slice(from, at);
        take(rest === "" ? line : rest + line);
        rest = "";
        from = at + 1;
      }
      rest += text.slice(from);
      if (rest.length + (data?.length ?? 0) > maxPending) throw new Error("an event without an end");
    },
    end() {
      if (rest !== "") take(rest);
      rest = "";
      if (data !== undefined && isWhole(data)) dispatch();
    },
  };
}

function isWhole(data: string): boolean {
  if (data === "[DONE]") return true;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}

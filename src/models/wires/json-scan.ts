/** Where a JSON value ends, found while its text comes in: each character is looked at once. */

export interface JsonScan {
  /** Takes the next piece of the text. */
  push(text: string): void;
  /** Whether a value has come and nothing of it is open. */
  readonly whole: boolean;
  /** Makes JSON of all that came, as if a text that was cut within a string had ended there. */
  closed(text: string): string;
}

const quote = 0x22;
const backslash = 0x5c;
const closers = new Map([
  [0x7b, "}"],
  [0x5b, "]"],
]);

/** Creates the scan of one text. */
export function createJsonScan(): JsonScan {
  const open: string[] = [];
  let inString = false;
  /** Of an escape that has begun, its backslash included; 0: none. */
  let escaped = 0;
  let escapeLength = 0;
  let any = false;

  function takeEscaped(code: number): void {
    escaped += 1;
    if (escaped === 2) escapeLength = code === 0x75 ? 6 : 2;
    if (escaped === escapeLength) escaped = 0;
  }

  return {
    push(text) {
      any ||= /\S/.test(text);
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at);
        if (inString) {
          if (escaped > 0) takeEscaped(code);
          else if (code === backslash) escaped = 1;
          else if (code === quote) inString = false;
        } else if (code === quote) inString = true;
        else if (code === 0x7b || code === 0x5b) open.push(closers.get(code) ?? "");
        else if (code === 0x7d || code === 0x5d) open.pop();
      }
    },
    get whole() {
      return any && !inString && open.length === 0;
    },
    closed(text) {
      const whole = escaped > 0 ? text.slice(0, -escaped) : text;
      return `${whole}${inString ? '"' : ""}${open.toReversed().join("")}`;
    },
  };
}

/** The text of an answer as it grows, up to its end or ours. */
import { isVisible, wholeCharacters } from "../../base/characters.ts";

export interface AnswerText {
  /** Adds what may be shown; true when that is more than an answer may have: the rest is dropped. */
  add(text: string): boolean;
  /** Nothing more is added. */
  end(): void;
  /** All that was not taken yet; `""` as long as nothing of it can be seen. */
  take(): string;
  /** Begins anew. */
  clear(): void;
  /** Whether anything can be seen, and whether anything was taken. */
  readonly visible: boolean;
  readonly taken: boolean;
}

/** An answer of 200,000 characters is 50 messages: nobody reads on. */
const longest = 200_000;

/** Creates an empty text. */
export function createAnswerText(): AnswerText {
  let waiting = "";
  let length = 0;
  let visible = false;
  let taken = false;
  let ended = false;

  return {
    add(text) {
      const tooLong = text.length > longest - length;
      const more = tooLong ? wholeCharacters(text.slice(0, longest - length)) : text;
      visible ||= isVisible(more);
      waiting += more;
      length = tooLong ? longest : length + more.length;
      return tooLong;
    },
    end() {
      ended = true;
    },
    take() {
      if (!visible) return "";
      // Half of a character may stand at the end of a delta.
      const whole = ended ? waiting : wholeCharacters(waiting);
      waiting = waiting.slice(whole.length);
      const text = taken ? whole : withoutBlankLines(whole);
      taken ||= text !== "";
      return text;
    },
    clear() {
      waiting = "";
      length = 0;
      visible = false;
      taken = false;
    },
    get visible() {
      return visible;
    },
    get taken() {
      return taken;
    },
  };
}

/** Without the blank lines at the beginning. */
function withoutBlankLines(text: string): string {
  const first = text.search(/\S/);
  return text.slice(text.lastIndexOf("\n", first) + 1);
}

/** Whether a place in a text that still grows is inside of code. */

export interface CodeMarks {
  /** Takes the next piece of the text. */
  push(text: string): void;
  /** Whether what comes next stands in a fence, or behind a back-tick that its line has not closed. */
  readonly inCode: boolean;
}

/** Follows the back-ticks of one text. */
export function createCodeMarks(): CodeMarks {
  let fenced = false;
  let inline = false;
  /** Nothing but blanks so far in this line. */
  let blank = true;
  /** Back-ticks in a row. */
  let run = 0;

  function endRun(): void {
    if (run === 0) return;
    if (run >= 3 && blank) fenced = !fenced;
    else if (!fenced) inline = !inline;
    blank = false;
    run = 0;
  }

  function endLine(): void {
    inline = false;
    blank = true;
  }

  return {
    push(text) {
      if (!text.includes("`")) {
        if (text.includes("\n")) {
          takeText(text.slice(0, text.indexOf("\n")));
          endLine();
        }
        const line = text.slice(text.lastIndexOf("\n") + 1);
        if (line !== "") takeText(line);
        return;
      }
      let from = 0;
      for (const found of text.matchAll(/[`\n]/g)) {
        if (found.index > from) takeText(text.slice(from, found.index));
        from = found.index + 1;
        if (found[0] === "`") run += 1;
        else {
          endRun();
          endLine();
        }
      }
      if (from < text.length) takeText(text.slice(from));
    },
    get inCode() {
      const closes = run > 0 && !fenced && !(run >= 3 && blank);
      return fenced || (run >= 3 && blank) || inline !== closes;
    },
  };

  function takeText(text: string): void {
    endRun();
    if (blank && /\S/.test(text)) blank = false;
  }
}

/**
 * What models have written of an answer. When one fails in its middle, the next writes the answer anew: nothing is stitched, and
 * what was written before stands until the new text is longer than a line.
 */

export interface WrittenText {
  readonly text: string;
  /** `provider/model` that wrote it. */
  readonly model: string;
}

export interface Written {
  /** Of the model that writes now. */
  readonly text: string;
  /** Whether that is what stands on the screen. */
  readonly stands: boolean;
  /** What stands on the screen, and stays when it is stopped now. */
  readonly standing: WrittenText;
  /** The most that any of them has written: what stays when all have failed. */
  readonly longest: WrittenText;
  /** Another model is asked, or the same again. */
  begin(model: string): void;
  add(text: string): void;
  /** What it wrote stays, and what comes next stands behind it. */
  goOn(): void;
  /** What it wrote was no answer. */
  reset(): void;
  /** What it wrote will not be gone on with. */
  abandon(): void;
}

/** About a line on a phone, in UTF-16 units. */
const lineUnits = 60;

/** Nothing but `begun` is there yet. `visible`: whether anything of a text can be seen. */
export function createWritten(model: string, begun: string, visible: (text: string) => boolean): Written {
  /** Of the steps before. */
  let kept = "";
  let current: WrittenText = { text: begun, model };
  let former: WrittenText | undefined;
  let longest: WrittenText | undefined;

  const stands = () => former === undefined || isLongerThanALine(current.text);
  const text = () => (kept === "" || current.text === "" ? kept + current.text : `${kept}\n\n${current.text}`);
  const whole = () => ({ ...current, text: text() });
  const standing = () => (stands() ? whole() : (former ?? whole()));

  return {
    get text() {
      return text();
    },
    get stands() {
      return stands();
    },
    get standing() {
      return standing();
    },
    get longest() {
      const best = longest;
      const now = whole();
      return best !== undefined && best.text.length > now.text.length ? best : now;
    },
    begin(next) {
      current = { ...current, model: next };
    },
    add(more) {
      current = { ...current, text: current.text + more };
    },
    goOn() {
      kept = text().trimEnd();
      current = { ...current, text: "" };
      former = undefined;
    },
    reset() {
      current = { ...current, text: "" };
    },
    abandon() {
      if (visible(current.text)) {
        former = standing();
        if (whole().text.length > (longest?.text.length ?? 0)) longest = whole();
      }
      current = { ...current, text: "" };
    },
  };
}

function isLongerThanALine(text: string): boolean {
  return text.length > lineUnits && text.trimStart().length > lineUnits;
}

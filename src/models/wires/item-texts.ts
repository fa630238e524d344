/**
 * The texts of an answer's items, which Responses may send up to three times: in pieces, whole at the end of their item, whole
 * again at the end of the answer. Pure.
 */

export interface ItemTexts {
  /** A piece has come, and was shown. */
  add(place: unknown, piece: string): void;
  /** An item has ended with this text. Returns what of it is still to be shown. */
  end(place: unknown, whole: string): string;
  /** The answer has ended with these items; undefined: one without a text. Returns what of them is still to be shown. */
  endAll(wholes: readonly (string | undefined)[]): string;
}

/**
 * Creates the texts of one answer. What was shown is never shown again, nor taken back: where the whole goes on from it, the
 * rest is added, and where it differs, it stays as it was.
 */
export function createItemTexts(): ItemTexts {
  const shown = new Map<unknown, string>();
  /** Pieces that have no place. */
  let stray = "";
  let all = "";

  function end(place: unknown, whole: string): string {
    // Some name the place at the end alone.
    const known = shown.get(place);
    const before = known ?? stray;
    const more = goesOn(whole, before) ? whole.slice(before.length) : "";
    all += more;
    shown.set(place ?? shown.size, before + more);
    // Whatever comes without a place belongs to another item from now on.
    if (known === undefined) stray = "";
    return more;
  }

  return {
    add(place, piece) {
      if (piece === "") return;
      all += piece;
      if (place === undefined) stray += piece;
      else shown.set(place, (shown.get(place) ?? "") + piece);
    },
    end,
    endAll(wholes) {
      const joined = wholes.map((whole = "") => whole).join("");
      if (goesOn(joined, all)) return joined.slice(all.length);
      // Not as one text: item by item, and those that never came only if fewer came than there are.
      const items = [...wholes.entries()].flatMap(([place, whole]) => (whole ? [{ place, whole }] : []));
      const lacks = items.length > shown.size + (stray === "" ? 0 : 1);
      return items.map(({ place, whole }) => (shown.has(place) || lacks ? end(place, whole) : "")).join("");
    },
  };
}

function goesOn(whole: string, from: string): boolean {
  // The length first: only what is as long as that has to be read.
  return whole.length >= from.length && whole.startsWith(from);
}

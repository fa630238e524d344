/** What a model has offered to be shown of its thoughts, for below its answer. */

/** With the words before them they fit into a message of their own. UTF-16 units. */
const most = 3_500;

export interface ShownThoughts {
  /** Empty while there are none. */
  readonly text: string;
  add(text: string): void;
  /** Another model thinks, or the same anew. */
  clear(): void;
}

/** Creates the thoughts of an answer. Of longer ones the beginning is kept. */
export function createShownThoughts(): ShownThoughts {
  let text = "";
  let isCut = false;
  return {
    get text() {
      const shown = text.trim();
      return isCut ? `${shown}…` : shown;
    },
    add(more) {
      if (isCut) return;
      text += more;
      isCut = text.length > most;
      // Never between the halves of a character.
      if (isCut) text = text.slice(0, most).replace(/[\ud800-\udbff]$/, "");
    },
    clear() {
      text = "";
      isCut = false;
    },
  };
}

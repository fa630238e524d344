/** Separates what a model thinks aloud at the beginning of its answer from the answer. */

export interface ThoughtFilter {
  /** Takes the next piece of content and returns what of it may be shown. */
  push(text: string): string;
  /** The content has ended: returns what was held back in doubt. */
  end(): string;
}

const openings = ["<think>", "<thinking>", "<thought>"];
const longestOpening = Math.max(...openings.map((tag) => tag.length));

/**
 * Removes `<think>…</think>` blocks that stand before the answer, as local models write them. The same tags later in
 * an answer are its text.
 */
export function createThoughtFilter(): ThoughtFilter {
  let state: "before" | "inside" | "after" = "before";
  let held = "";
  let closing = "";

  /** Looks for an opening tag; true when one was found. */
  function opened(): boolean {
    const start = held.search(/\S/);
    if (start < 0) return false;
    const begin = held.slice(start, start + longestOpening).toLowerCase();
    const tag = openings.find((opening) => begin.startsWith(opening));
    if (tag !== undefined) {
      state = "inside";
      closing = `</${tag.slice(1)}`;
      held = held.slice(start + tag.length);
      return true;
    }
    if (!openings.some((opening) => opening.startsWith(begin))) state = "after";
    return false;
  }

  /** Looks for the closing tag; true when it was found. */
  function closed(): boolean {
    const at = held.toLowerCase().indexOf(closing);
    if (at < 0) {
      // Only what may be the beginning of the tag is kept: thoughts can be long.
      held = held.slice(-(closing.length - 1));
      return false;
    }
    state = "before";
    held = held.slice(at + closing.length).replace(/^\s+/, "");
    return true;
  }

  return {
    push(text) {
      if (state === "after") return text;
      held += text;
      while (state === "before" ? opened() : state === "inside" && closed());
      return (state as string) === "after" ? release() : "";
    },
    end: () => (state === "inside" ? "" : release()),
  };

  function release(): string {
    const text = closing === "" ? held : held.replace(/^\s+/, "");
    state = "after";
    held = "";
    return text;
  }
}

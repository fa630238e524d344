/** Separates what a model thinks aloud from its answer. Each character of the content is looked at a few times. */
import { beginsChannels, type ChannelFilter, createChannelFilter } from "./channels.ts";
import {
  closingAtStart,
  createUnopenedThoughts,
  mayBecomeClosing,
  type UnopenedThoughts,
} from "./unopened-thoughts.ts";

export interface ThoughtFilter {
  /** Takes the next piece of content and returns what of it may be shown. */
  push(text: string): string;
  /** The content has ended: returns what was held back in doubt. */
  end(): string;
  /** The model's thoughts come in a field of their own: none end in the content any more. */
  thinksElsewhere(): void;
  /** Characters that were held back or dropped so far. */
  readonly thought: number;
  /** Thoughts ended without having begun. */
  readonly unopened: boolean;
}

export interface ThoughtFilterOptions {
  /** Called when all that was returned so far turns out to have been thought. */
  readonly onRetract?: () => void;
  /** The model is known to think without opening its thoughts: nothing is returned before their end has come. */
  readonly expectUnopened?: boolean;
}

const names = ["think", "thinking", "thought", "thoughts", "reasoning", "reflection", "scratchpad", "seed:think"];
/** Some close their thoughts by another name than they have opened them. */
const closedByAnother = `</(?:${names.join("|")})>\\n\\n`;
const pairs = [
  ...names.map((name) => [`<${name}>`, `</${name}\\s{0,4}>|${closedByAnother}`] as const),
  ["[think]", "\\[/think\\]"] as const,
  ["◁think▷", "◁/think▷"] as const,
  ["<|begin_of_thought|>", "<\\|end_of_thought\\|>"] as const,
  ["<|start_thinking|>", "<\\|end_thinking\\|>"] as const,
].map(([opening, closing]) => ({ opening, closing: new RegExp(closing, "i") }));
type Pair = (typeof pairs)[number];
const longestOpening = Math.max(...pairs.map(({ opening }) => opening.length));
const longestClosing = 20;
/** The channels of gpt-oss begin so when their marks are lost. */
const lostChannel = "analysis";

/**
 * Removes thoughts that stand before the answer, in tags or in channels, and those that end in a closing tag without
 * having begun with an opening one. The same tags in code or in the middle of a sentence are the answer's text.
 */
export function createThoughtFilter(options: ThoughtFilterOptions = {}): ThoughtFilter {
  let state: "before" | "inside" | "channels" | "answer" | "plain" = "before";
  let held = "";
  /** Blanks before the first character of the answer, in its line. */
  let indent = "";
  let inside: Pair | undefined;
  /** Thoughts have opened their own tag again: they may go on behind the first that closes it, or have only spoken of it. */
  let reopened = false;
  let channels: ChannelFilter | undefined;
  let watch: UnopenedThoughts | undefined;
  let elsewhere = false;
  /** Blanks between thoughts and answer belong to neither. */
  let trims = false;
  let holdsBack = options.expectUnopened ?? false;
  let heldBack: string[] = [];
  let thought = 0;
  let unopened = false;

  /** Looks at what the content begins with; false when more of it is needed. */
  function begin(): boolean {
    const rest = held.trimStart();
    const blanks = held.slice(0, held.length - rest.length);
    indent = blanks.includes("\n") ? blanks.slice(blanks.lastIndexOf("\n") + 1) : (indent + blanks).slice(0, 1_000);
    if (trims) indent = "";
    held = rest;
    if (rest === "") return false;
    const begun = rest.slice(0, longestOpening).toLowerCase();
    inside = pairs.find(({ opening }) => begun.startsWith(opening));
    // Their beginning came elsewhere, or not at all.
    const closing = closingAtStart(rest);
    const inChannels = beginsChannels(begun);
    if (inside !== undefined) enter("inside", rest.slice(inside.opening.length));
    else if (closing !== undefined) {
      trims = true;
      enter("before", rest.slice(closing.length));
    } else if (inChannels) enter("channels", rest);
    else if (inChannels === undefined || mayBecomeClosing(begun) || mayOpen(begun)) return false;
    else enter(elsewhere ? "plain" : "answer", indent + rest);
    return true;
  }

  function enter(next: typeof state, rest: string): void {
    state = next;
    held = rest;
    indent = "";
    if (next === "channels") {
      channels = createChannelFilter((characters) => {
        thought += characters;
      });
    }
    const begun = rest.trimStart().toLowerCase();
    if (next === "answer") watch = createUnopenedThoughts(/^analysis\S/.test(begun));
  }

  /** Looks for the end of thoughts; false when it has not come. Only what may be its beginning is kept: they can be long. */
  function close({ opening, closing }: Pair): boolean {
    const found = closing.exec(held);
    const end = found === null ? Math.max(0, held.length - longestClosing + 1) : found.index;
    thought += end;
    reopened ||= held.slice(0, found?.index).toLowerCase().includes(opening);
    held = held.slice(end);
    if (found === null) return false;
    // Then what follows is shown, and taken back should they close once more.
    elsewhere = !reopened;
    trims = true;
    enter("before", held.slice(found[0].length));
    return true;
  }

  /** Gives the answer's text, unless it turns out to have been thought. */
  function answer(ended: boolean): string {
    const content = held;
    held = "";
    const { settled, rest } = watch?.push(content, ended) ?? { settled: content };
    if (rest !== undefined) {
      thought += content.length - rest.length;
      unopened ||= !reopened;
      elsewhere = true;
      holdsBack = false;
      heldBack = [];
      trims = true;
      options.onRetract?.();
      enter("before", rest);
      return "";
    }
    if (!holdsBack || elsewhere) return release(settled);
    heldBack.push(settled);
    thought += settled.length;
    return ended ? release("") : "";
  }

  function release(text: string): string {
    if (heldBack.length === 0) return text;
    const all = heldBack.join("") + text;
    heldBack = [];
    return all;
  }

  function process(ended: boolean): string {
    for (;;) {
      if (state === "before") {
        if (begin()) continue;
        if (!ended || held === "") return "";
        enter("plain", indent + held);
      } else if (state === "inside" && inside !== undefined) {
        if (close(inside)) continue;
        return "";
      } else if (state === "answer") {
        const text = answer(ended);
        if ((state as string) === "before") continue;
        return text;
      }
      const content = held;
      held = "";
      if (channels === undefined) return content;
      return channels.push(content) + (ended ? channels.end() : "");
    }
  }

  return {
    push(text) {
      held += text;
      return process(false);
    },
    end: () => process(true),
    thinksElsewhere() {
      elsewhere = true;
    },
    get thought() {
      return thought;
    },
    get unopened() {
      return unopened;
    },
  };
}

/** Whether content that begins so may still turn out to be thoughts. */
function mayOpen(begun: string): boolean {
  return lostChannel.startsWith(begun) || pairs.some(({ opening }) => opening.startsWith(begun));
}

/** What parsing knows beside the text: references, and whether the end of the text is open. */
import type { Env, StateInline } from "markdown-it";

export interface Reference {
  readonly href: string;
  readonly title: string;
}

/** Where a footnote stands among the references; no label of a link is written so. */
export function footnoteKey(label: string): string {
  return `footnote ${label}`;
}

export interface ParseState extends Env {
  /** By normalized label; the first definition of a label counts. */
  readonly references: Record<string, Reference>;
  /** Labels that were looked for in vain. */
  readonly missed: Set<string>;
  /** The document's end is open: what is not closed there may still be. */
  readonly streaming: boolean;
  /** The text in hand is the one that the open end stands in. */
  openText: boolean;
  /** Between which lines no block formula with this closing mark ends. */
  readonly neverClosed: Map<string, { readonly from: number; readonly to: number }>;
}

/** What parsing knows, from within a rule. */
export function parseState({ env }: { readonly env: object }): ParseState {
  return env as ParseState;
}

/** Whether this text is being written still, and the rule looks at all of it. */
export function isOpenEnd(state: { readonly env: object; readonly src: string; readonly posMax: number }): boolean {
  return parseState(state).openText && state.posMax === state.src.length;
}

/** Longer than this, nothing is held back. */
export const longestHeld = 200;

/** Shows nothing of what stands from here on: it is not decided yet. */
export function holdBack(state: StateInline): true {
  state.pos = state.posMax;
  return true;
}

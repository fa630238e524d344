/** What a turn is at while no text comes. Data: the screen finds the words. */
import type { ModelErrorKind } from "../base/errors.ts";
import type { MediaRequest } from "../ports/media-models.ts";
import type { ModelEvent } from "../ports/models.ts";
import type { ToolActivity } from "../ports/tools.ts";

export type Activity =
  /** All places at the provider are taken. */
  | { readonly kind: "waiting-for-place"; readonly provider: string }
  /** It could be paid, but for what calls of others may still cost. */
  | { readonly kind: "waiting-for-budget" }
  /** The files of the question are fetched and read. */
  | { readonly kind: "reading-files" }
  /** The model failed in this way, and it or another one is asked again, after a pause perhaps. */
  | { readonly kind: "trying-again"; readonly reason: ModelErrorKind }
  /** A model has been asked. `seconds`: how long ago, when this is told; whoever shows it counts on. */
  | { readonly kind: "thinking"; readonly seconds: number }
  /** A tool is at work. */
  | { readonly kind: "tool"; readonly tool: ToolActivity };

/** More lines than these nobody reads while waiting. */
const mostAtOnce = 3;

/** The activity that an event of a model tells of. */
export function activityOf(event: ModelEvent): Activity | undefined {
  if (event.type === "waiting") return { kind: "waiting-for-place", provider: event.provider };
  if (event.type === "trying-again") return { kind: "trying-again", reason: event.reason };
  const thinks = event.type === "attempt" || event.type === "thinking" || event.type === "thought-delta";
  return thinks ? { kind: "thinking", seconds: 0 } : undefined;
}

/** Shows what a call waits for whose answer comes in one piece: not that a model was asked, nor what is tried quietly. */
export function tellWaiting(show: (activity: Activity | undefined) => void): NonNullable<MediaRequest["tell"]> {
  return (event) => {
    if (event.type !== "attempt" && !(event.type === "trying-again" && event.quiet)) show(activityOf(event));
  };
}

/**
 * What goes on once this has begun as well, in the order of the lines: that it is tried again first, then the one thing that
 * is waited for, or the tools that work at once. Thinking that goes on already goes on.
 */
export function withActivity<T extends Activity>(going: readonly T[], begun: T): readonly T[] {
  const { kind } = begun;
  if (kind === "trying-again") return [begun];
  if (kind === "thinking" && going.some((activity) => activity.kind === kind)) return going;
  const trying = going.filter((activity) => activity.kind === "trying-again");
  const tools = kind === "tool" ? going.filter((activity) => activity.kind === kind) : [];
  return [...trying, ...[...tools, begun].slice(trying.length - mostAtOnce)];
}

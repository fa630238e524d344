/**
 * The lines below an answer that say what its turn is at while no text comes. They stand behind a mark, so that whoever finds
 * them later, after a crash, knows where the answer ends.
 */
import { type Activity, withActivity } from "../chat/activity.ts";
import type { Rendered } from "../markdown/render.ts";
import type { Texts } from "../texts/texts.ts";
import { maxMessageUnits } from "./split.ts";

/** Shown as nothing, and written by no model. */
const mark = "\u2063\u2060";

/**
 * A turn that has nothing else to show is thinking by then: its message stands, with its button, within 1.5 s, and an answer
 * that comes fast is not shown one more edit.
 */
const thinkingAfterMs = 1_300;
const renewEveryMs = { private: 5_000, group: 15_000 };
const whenLateMs = 500;
/** A timer may fire a little before its time. */
const earlyMs = 100;

export interface StatusLines {
  /** As they should stand now: they change only with a call of `onChange`. */
  readonly lines: readonly string[];
  begin(activity: Activity): void;
  /** Nothing is to be said: text flows, or the answer has ended. */
  clear(): void;
}

export interface StatusDeps {
  readonly texts: Texts;
  /** Seconds are renewed less often there. */
  readonly group: boolean;
  /** Whether the process has more to do than it can. */
  late(): boolean;
  onChange(): void;
}

/** The lines of a turn that begins now: it is thinking. */
export function createStatusLines({ texts, group, late, onChange }: StatusDeps): StatusLines {
  const everyMs = group ? renewEveryMs.group : renewEveryMs.private;
  let going: readonly (Activity & { readonly since: number })[] = [];
  let lines: readonly string[] = [];
  let timer: NodeJS.Timeout | undefined;

  function write(): void {
    const now = performance.now();
    lines = going.flatMap((activity) => lineOf(texts, activity, now - activity.since));
    onChange();
  }

  function plan(since: number, elapsedMs: number): void {
    const renewals = Math.floor((elapsedMs + earlyMs) / everyMs);
    const nextMs = elapsedMs < thinkingAfterMs ? thinkingAfterMs : (renewals + 1) * everyMs;
    timer = setTimeout(tick, Math.ceil(nextMs - elapsedMs), since);
  }

  function tick(since: number): void {
    if (late()) {
      timer = setTimeout(tick, whenLateMs, since);
      return;
    }
    write();
    plan(since, performance.now() - since);
  }

  function begin(activity: Activity): void {
    const before = going;
    const begun = { ...activity, since: performance.now() };
    const beforeMs = activity.kind === "thinking" ? activity.seconds * 1000 : 0;
    begun.since -= beforeMs;
    going = withActivity(going, begun);
    if (going === before) return;
    clearTimeout(timer);
    if (activity.kind === "thinking") plan(begun.since, beforeMs);
    // Until it shows, what was shown before it may stand.
    if (lineOf(texts, activity, beforeMs).length > 0) write();
  }

  begin({ kind: "thinking", seconds: 0 });
  return {
    get lines() {
      return lines;
    },
    begin,
    clear() {
      clearTimeout(timer);
      going = [];
      lines = [];
    },
  };
}

/** What is said of an activity that has gone on for so long; nothing while that is not worth a line. */
export function lineOf(texts: Texts, activity: Activity, elapsedMs: number): string[] {
  switch (activity.kind) {
    case "waiting-for-place":
      return [texts.waiting(activity.provider)];
    case "reading-files":
      return [texts.readingFiles];
    case "waiting-for-budget":
      return [texts.waitingForBudget];
    case "trying-again":
      return [texts.tryingAgain(activity.reason)];
    case "thinking":
      return elapsedMs < thinkingAfterMs ? [] : [texts.thinking(Math.round(elapsedMs / 1000))];
    case "tool":
      return [texts.toolAtWork(activity.tool)];
  }
}

/** The parts of an answer with these lines below the last one; without them where there is no room. */
export function withStatus(parts: readonly Rendered[], lines: readonly string[]): readonly Rendered[] {
  const last = parts.at(-1) ?? { text: "", entities: [] };
  const status = `${mark}${lines.join("\n")}`;
  const text = last.text === "" ? status : `${last.text}\n\n${status}`;
  return text.length > maxMessageUnits ? parts : [...parts.slice(0, -1), { ...last, text }];
}

/** The text of a message without the status lines that stand below it. */
export function withoutStatus(text: string): string {
  const at = text.lastIndexOf(mark);
  return at === -1 ? text : text.slice(0, at).trimEnd();
}

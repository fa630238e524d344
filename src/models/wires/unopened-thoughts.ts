/** Looks in an answer's text for the end of thoughts that never began: the template of some models opens them itself. */
import { createCodeMarks } from "./code-marks.ts";

export interface UnopenedThoughts {
  /**
   * Takes the next piece of the text and returns what of it is settled. With `rest`, all text before it was thought. `ended`:
   * nothing more comes.
   */
  push(text: string, ended?: boolean): { readonly settled: string; readonly rest?: string };
}

const closings = ["</think>", "</thinking>", "</thought>", "</thoughts>", "</reasoning>", "</seed:think>"];
/** What stands between gpt-oss's channels when their marks are lost: `analysis…assistantfinal…`. */
const lostMarks = "assistantfinal";
const anyTag = /<\/?(?:seed:think|think|thinking|thoughts?|reasoning)>|assistantfinal/gi;
const beginnings = [lostMarks, ...closings, ...closings.map((tag) => tag.replace("/", ""))];
const longest = Math.max(...beginnings.map((tag) => tag.length));
/** A tag is judged by the characters around it. */
const around = 2;

/** The tag that closes thoughts at the very beginning of `text`. */
export function closingAtStart(text: string): string | undefined {
  return closings.find((tag) => tag === text.slice(0, tag.length).toLowerCase());
}

/** Whether `text` may become a tag. */
export function mayBecomeClosing(text: string): boolean {
  const begun = text.toLowerCase();
  return closings.some((tag) => tag.startsWith(begun));
}

/** Watches one answer; `lostChannels` when it begins as gpt-oss's channels do without their marks. */
export function createUnopenedThoughts(lostChannels: boolean): UnopenedThoughts {
  const code = createCodeMarks();
  let held = "";
  let before = "";
  /** Tags opened in mid-text and not closed yet. */
  let opened = 0;

  function follow(text: string): void {
    code.push(text);
    before = (before + text).slice(-around);
  }

  function endsThoughts(tag: string, after: string): boolean {
    if (tag === lostMarks) return lostChannels;
    if (code.inCode) return false;
    if (!tag.startsWith("</")) opened += 1;
    else if (opened > 0) opened -= 1;
    else return !isMention(before, after);
    return false;
  }

  return {
    push(text, ended = false) {
      if (held === "" && !lostChannels && !text.includes("<")) {
        follow(text);
        return { settled: text };
      }
      const content = held + text;
      let from = 0;
      for (const found of content.matchAll(anyTag)) {
        const after = found.index + found[0].length;
        follow(content.slice(from, found.index));
        if (!ended && content.length < after + around) {
          held = content.slice(found.index);
          return { settled: content.slice(0, found.index) };
        }
        if (endsThoughts(found[0].toLowerCase(), content.slice(after, after + around))) {
          return { settled: "", rest: content.slice(after) };
        }
        follow(found[0]);
        from = after;
      }
      const doubt = ended ? content.length : doubtAt(content, from);
      follow(content.slice(from, doubt));
      held = content.slice(doubt);
      return { settled: content.slice(0, doubt) };
    },
  };
}

/** Whether a tag is spoken of: quoted, or followed by more of a sentence that has begun before it. */
function isMention(before: string, after: string): boolean {
  if (/["'“‘«(]$/u.test(before)) return true;
  return /[\p{L}\p{N},:] $/u.test(before) && /^(?: \p{Ll}|[,.;:)]|\n[^\n]|$)/u.test(after);
}

/** Where the last characters begin that may become a tag. */
function doubtAt(content: string, from: number): number {
  for (let at = Math.max(from, content.length - longest + 1); at < content.length; at++) {
    const end = content.slice(at).toLowerCase();
    if (beginnings.some((tag) => tag.startsWith(end))) return at;
  }
  return content.length;
}

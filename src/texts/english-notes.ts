/** English: what is said below an answer about it. */
import type { Whose } from "../base/errors.ts";
import type { AutoReason, SpokenNote, UnseenKind } from "../ports/notes.ts";
import { failureLine } from "./english-failures.ts";
import { fileCutLine, picturesLine, previewLine, unreadLine } from "./english-files.ts";
import { undrawnLines, unheardLines } from "./english-media.ts";
import { rememberedLine } from "./english-memory.ts";
import { lasting, moment } from "./english-money.ts";

export const stopped = "⏹ Stopped.";

/** What the model that answers cannot do with what, in the words of a note. */
const unseen: Readonly<Record<UnseenKind, string>> = {
  live_photo: "see the live photo",
  photo: "see the photo",
  video: "see the video",
  video_note: "see the video message",
  animation: "see the animation",
  sticker: "see the sticker",
  story: "see the story",
  paid_media: "see the paid post",
  voice: "hear the voice message",
  audio: "hear the audio file",
  document: "read the file",
};

const cuts: Readonly<Record<Extract<SpokenNote, { kind: "cut" }>["by"], string>> = {
  length: "✂️ Cut at the length limit.",
  filtered: "✂️ Cut off by the model's content rules.",
  "too-long": "✂️ Cut here: I read 200,000 characters of an answer at most.",
  budget: "✂️ Cut here: the budget is used up.",
};

/** What `auto` has found in a question, short. */
export const autoReasons: Readonly<Record<AutoReason, string>> = {
  think: "/think high",
  picture: "a picture",
  code: "code",
  mathematics: "numbers or mathematics",
  long: "long question",
  parts: "several questions in one",
  short: "short question",
};

const budgets: Readonly<Record<Whose, string>> = {
  "user-day": "Your budget for today",
  "user-month": "Your budget for this month",
  "chat-day": "This chat's budget for today",
  "bot-day": "This bot's budget for today",
};

function lowerFirst(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}

function overBudgetLine({ whose, why, resetsAt, waitMs }: Extract<SpokenNote, { kind: "over-budget" }>): string {
  const budget = lowerFirst(budgets[whose]);
  if (why === "reserved")
    return `💸 Answers that are being written have reserved what is left of ${budget}. Please try again when they are finished.`;
  const state =
    why === "too-little" ? `What is left of ${budget} is too little for this question` : `${budgets[whose]} is used up`;
  return `💸 ${state}. It resets at ${moment(resetsAt)}${waitMs === undefined ? "" : `, in ${lasting(waitMs)}`}.`;
}

const made = { heard: "Heard", drawn: "Drawn" } as const;

/** A note below an answer: one short line. */
export function noteLine(note: SpokenNote): string {
  switch (note.kind) {
    case "failed":
      return failureLine(note.failure, note.retryAfterMs);
    case "stopped":
      return stopped;
    case "cut":
      return cuts[note.by];
    case "over-budget":
      return overBudgetLine(note);
    case "budget-used":
      return note.share === 100
        ? `💸 ${budgets[note.whose]} is used up now. It resets at ${moment(note.resetsAt)}.`
        : `💸 ${note.share} % of ${lowerFirst(budgets[note.whose])} is used. It resets at ${moment(note.resetsAt)}.`;
    case "history-cut":
      return "The model no longer sees all of the older messages here.";
    case "new-topic":
      return "🆕 After the pause I went by a summary of what we had talked about.";
    case "cached":
      return "♻️ From an earlier answer to the same question";
    case "answered-by":
      return note.instead === undefined
        ? `Answered by ${note.model}`
        : `💸 The budget does not pay for ${note.instead} now: answered by ${note.model}`;
    case "made-by":
      return note.instead === undefined
        ? `${made[note.how]} by ${note.model}`
        : `💸 The budget does not pay for ${note.instead} now: ${lowerFirst(made[note.how])} by ${note.model}`;
    case "seen-by":
      return `🖼 ${note.instead} cannot see pictures: answered by ${note.model}`;
    case "pictures-lost":
    case "pictures-left-out":
      return picturesLine(note);
    case "auto-chose":
      return `Answered by ${note.model} (auto: ${autoReasons[note.because]})`;
    case "unseen":
      return `📎 I cannot ${unseen[note.what]} yet; I went by the words alone.`;
    case "preview":
      return previewLine(note);
    case "file-cut":
      return fileCutLine(note);
    case "file-unread":
      return unreadLine(note);
    case "undrawn":
      return undrawnLines[note.why];
    case "unheard":
      return unheardLines[note.why];
    case "pictures-alone":
      return note.count === 1
        ? "🖼 The answer is a picture, without a word."
        : `🖼 The answer is ${note.count} pictures, without a word.`;
    case "pictures-dropped":
      return note.count === 1
        ? "🖼 A picture came with this answer; I cannot show it."
        : `🖼 ${note.count} pictures came with this answer; I cannot show them.`;
    case "remembered":
      return note.facts.map(({ text, undone }) => rememberedLine(text, undone)).join("\n");
    case "waiting-for-permission":
      return "⏸ Waiting for your OK";
    case "not-allowed":
      return note.why === "expired"
        ? "⏹ Not done: nobody allowed it within a day."
        : "⏹ Not done, since something else was asked.";
    case "storage-lost":
      return "⚠️ My memory was lost while I was writing this, and with it our conversation. Please ask again.";
  }
}

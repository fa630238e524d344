/** The buttons below answers, and what is written into a button's `callback_data` (64 bytes at most). Pure. */
import type { InlineKeyboardMarkup } from "grammy/types";
import { labels } from "../texts.ts";

/** What a press asks for. */
export type Press =
  /** Stop the run that this `update_id` asked for. */
  | { readonly action: "stop"; readonly run: number }
  /** Answer the question with this message id again: Regenerate and Retry. */
  | { readonly action: "again"; readonly question: number }
  /** Choose the model with this key. */
  | { readonly action: "model"; readonly key: string }
  | { readonly action: "persona"; readonly choice: "save" | "cancel" };

/** Writes a press as `callback_data`. */
export function pressData(press: Press): string {
  if (press.action === "stop") return `stop:${press.run}`;
  if (press.action === "again") return `again:${press.question}`;
  if (press.action === "model") return `model:${press.key}`;
  return `persona:${press.choice}`;
}

/** Reads `callback_data`; undefined when no version of this bot wrote it. */
export function parsePress(data: string | undefined): Press | undefined {
  const [action, value] = data?.split(":", 2) ?? [];
  if (value === undefined) return undefined;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (action === "stop" && Number.isSafeInteger(number)) return { action, run: number };
  if (action === "again" && Number.isSafeInteger(number)) return { action, question: number };
  if (action === "model") return { action, key: value };
  if (action === "persona" && (value === "save" || value === "cancel")) return { action, choice: value };
  return undefined;
}

function single(text: string, press: Press): InlineKeyboardMarkup {
  return { inline_keyboard: [[{ text, callback_data: pressData(press) }]] };
}

/** Below an answer that is being written. */
export function stopKeyboard(run: number): InlineKeyboardMarkup {
  return single(labels.stop, { action: "stop", run });
}

/** Below an answer that has ended. */
export function againKeyboard(button: "regenerate" | "retry", question: number): InlineKeyboardMarkup {
  return single(labels[button], { action: "again", question });
}

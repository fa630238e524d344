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
  /** Show a page of the models: of all, of the provider with this key, or of those that match a search. */
  | { readonly action: "models"; readonly page: number; readonly provider?: string; readonly search?: string }
  | { readonly action: "persona"; readonly choice: "save" | "cancel" };

/** Writes a press as `callback_data`. */
export function pressData(press: Press): string {
  if (press.action === "stop") return `stop:${press.run}`;
  if (press.action === "again") return `again:${press.question}`;
  if (press.action === "model") return `model:${press.key}`;
  if (press.action === "models") {
    const { page, provider, search } = press;
    return `models:${page}:${provider !== undefined ? `p${provider}` : search !== undefined ? `s${search}` : ""}`;
  }
  return `persona:${press.choice}`;
}

const models = /^models:(\d{1,6}):(?:p([\w-]{16})|s(.+))?$/su;

/** Reads `callback_data`; undefined when no version of this bot wrote it. */
export function parsePress(data: string | undefined): Press | undefined {
  const [listed, page, provider, search] = models.exec(data ?? "") ?? [];
  if (listed !== undefined) {
    const which = provider !== undefined ? { provider } : search !== undefined ? { search } : {};
    return { action: "models", page: Number(page), ...which };
  }
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

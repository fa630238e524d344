/** The buttons below answers, and what is written into a button's `callback_data` (64 bytes at most). Pure. */
import type { InlineKeyboardMarkup } from "grammy/types";
import { factMark } from "../base/fact-text.ts";
import type { Note, RememberedNote } from "../ports/notes.ts";
import type { Turn } from "../ports/turns.ts";
import type { Texts } from "../texts/texts.ts";

type Labels = Texts["labels"];

export const thinkChoices = ["off", "low", "high", "default", "show", "hide"] as const;
export type ThinkChoice = (typeof thinkChoices)[number];

export const voiceChoices = ["off", "on", "asked"] as const;
export type VoiceChoice = (typeof voiceChoices)[number];

export const toolsChoices = ["on", "off"] as const;
export type ToolsChoice = (typeof toolsChoices)[number];

export const memoryChoices = ["on", "off"] as const;
export type MemoryChoice = (typeof memoryChoices)[number];

/** `expired`: nobody has pressed a button for a day. */
const permitChoices = ["once", "always", "refuse", "expired"] as const;
export type PermitChoice = (typeof permitChoices)[number];

/** What a press asks for. */
export type Press =
  /** Stop the run that this `update_id` asked for. `delivery` only tells its buttons apart. */
  | { readonly action: "stop"; readonly run: number; readonly delivery?: number | undefined }
  /**
   * Answer the question with this message id again: Regenerate and Retry. With `part`, only that turn, which goes on with the
   * answer to the question.
   */
  | { readonly action: "again"; readonly question: number; readonly part?: number | undefined }
  /** Go on with the answer to this question, where the run that this `update_id` asked for was cut at the length limit. */
  | { readonly action: "continue"; readonly question: number; readonly run: number }
  /** Show the model what stands before the pause in front of this question, from the next question on. */
  | { readonly action: "earlier"; readonly question: number }
  /** Choose the model with this key. */
  | { readonly action: "model"; readonly key: string }
  /** Show a page of the models: of all, of the provider with this key, or of those that match a search. */
  | {
      readonly action: "models";
      readonly page: number;
      readonly provider?: string | undefined;
      readonly search?: string | undefined;
    }
  /** How much the model shall think, or whether its thoughts are shown to who presses. */
  | { readonly action: "think"; readonly choice: ThinkChoice }
  | { readonly action: "persona"; readonly choice: "save" | "default" | "cancel" }
  /** In the dialog about somebody's budget. */
  | { readonly action: "budget"; readonly choice: "grant" | "close" }
  /** Which answers are spoken as well. */
  | { readonly action: "voice"; readonly choice: VoiceChoice }
  /** Whether tools are used. */
  | { readonly action: "tools"; readonly choice: ToolsChoice }
  /** Whether the tool with this key is used, or those of the server with it. */
  | { readonly action: "tool"; readonly choice: ToolsChoice; readonly key: string }
  /** Whether facts are remembered and told in the chat. */
  | { readonly action: "memory"; readonly choice: MemoryChoice }
  /** Show a page of what is remembered, from 0 on; `forget`: without the fact of this number from then on. */
  | { readonly action: "facts"; readonly page: number; readonly forget?: number | undefined }
  /** Take back that the fact of this number and mark was remembered for this user. */
  | { readonly action: "undo"; readonly user: number; readonly fact: number; readonly mark: string }
  /** Whether the call may be made that the turn of this question waits with. `call` names it: see `nameOfAsked`. */
  | {
      readonly action: "permit";
      readonly choice: PermitChoice;
      readonly question: number;
      readonly call?: string | undefined;
    }
  /** Draw once more what the command with this id asked for; or send the picture as a file. */
  | { readonly action: "drawn"; readonly what: "again" | "file"; readonly command: number }
  /** Delete all that is this user's, who was asked at this time (seconds since the epoch); or do not. */
  | { readonly action: "erase"; readonly choice: "yes" | "no"; readonly user: number; readonly at: number };

/** A question whether to delete is answered within these ten minutes, or it is asked anew. */
const answeredWithinSeconds = 600;

/** Whether a question of this time (seconds since the epoch) is answered too late. `now`: milliseconds. */
export function isExpired(askedAt: number, now: number): boolean {
  return Math.abs(now / 1000 - askedAt) > answeredWithinSeconds;
}

/** Whether a press answers a dialog. */
export function isOfDialog(press: Press | undefined): boolean {
  return press?.action === "persona" || press?.action === "budget";
}

/** Writes a press as `callback_data`. */
export function pressData(press: Press): string {
  if (press.action === "stop") return `stop:${press.run}${press.delivery === undefined ? "" : `:${press.delivery}`}`;
  if (press.action === "again") return `again:${press.question}${press.part === undefined ? "" : `:${press.part}`}`;
  if (press.action === "continue") return `continue:${press.question}:${press.run}`;
  if (press.action === "earlier") return `earlier:${press.question}`;
  if (press.action === "model") return `model:${press.key}`;
  if (press.action === "models") {
    const { page, provider, search } = press;
    return `models:${page}:${provider !== undefined ? `p${provider}` : search !== undefined ? `s${search}` : ""}`;
  }
  if (press.action === "undo") return `undo:${press.user}:${press.fact}:${press.mark}`;
  if (press.action === "facts") return `facts:${press.page}${press.forget === undefined ? "" : `:${press.forget}`}`;
  if (press.action === "tool") return `tool:${press.choice}:${press.key}`;
  if (press.action === "permit")
    return `permit:${press.choice}:${press.question}${press.call === undefined ? "" : `:${press.call}`}`;
  if (press.action === "drawn") return `drawn:${press.what}:${press.command}`;
  if (press.action === "erase") return `erase:${press.choice}:${press.user}:${press.at}`;
  return `${press.action}:${press.choice}`;
}

const models = /^models:(\d{1,6}):(?:p([\w-]{16})|s(.+))?$/su;

/** Reads `callback_data`; undefined when no version of this bot wrote it. */
export function parsePress(data: string | undefined): Press | undefined {
  const [listed, page, provider, search] = models.exec(data ?? "") ?? [];
  if (listed !== undefined) return { action: "models", page: Number(page), provider, search };
  const [action, value, further, last] = data?.split(":", 4) ?? [];
  if (value === undefined) return undefined;
  const [number, second] = [idIn(value), idIn(further)];
  if (action === "stop" && number !== undefined) return { action, run: number };
  if (action === "again" && number !== undefined) return { action, question: number, part: second };
  if (action === "continue" && number !== undefined && second !== undefined) {
    return { action, question: number, run: second };
  }
  if (action === "earlier" && number !== undefined) return { action, question: number };
  if (action === "drawn" && (value === "again" || value === "file") && second !== undefined)
    return { action, what: value, command: second };
  if (action === "model") return { action, key: value };
  if (action === "think") return chosen(action, thinkChoices, value);
  if (action === "voice") return chosen(action, voiceChoices, value);
  if (action === "tools") return chosen(action, toolsChoices, value);
  if (action === "tool" && further) {
    const switched = chosen(action, toolsChoices, value);
    return switched && { ...switched, key: further };
  }
  if (action === "memory") return chosen(action, memoryChoices, value);
  if (action === "undo" && number !== undefined && second !== undefined && last !== undefined)
    return { action, user: number, fact: second, mark: last };
  if (action === "facts" && number !== undefined && number >= 0) return { action, page: number, forget: second };
  if (action === "permit") {
    const choice = permitChoices.find((one) => one === value);
    return choice === undefined || second === undefined ? undefined : { action, choice, question: second, call: last };
  }
  if (action === "persona" && (value === "save" || value === "default" || value === "cancel"))
    return { action, choice: value };
  if (action === "budget" && (value === "grant" || value === "close")) return { action, choice: value };
  const at = idIn(last);
  if (action === "erase" && (value === "yes" || value === "no") && second !== undefined && at !== undefined)
    return { action, choice: value, user: second, at };
  return undefined;
}

function chosen<A extends string, C extends string>(action: A, choices: readonly C[], value: string) {
  const choice = choices.find((one) => one === value);
  return choice && { action, choice };
}

function idIn(text: string | undefined): number | undefined {
  // Below zero are messages of a group that has become a supergroup since.
  const id = text !== undefined && /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(id) ? id : undefined;
}

function row(...buttons: readonly (readonly [label: string, press: Press])[]): InlineKeyboardMarkup {
  return { inline_keyboard: [buttons.map(([text, press]) => ({ text, callback_data: pressData(press) }))] };
}

function below(...keyboards: readonly InlineKeyboardMarkup[]): InlineKeyboardMarkup {
  return { inline_keyboard: keyboards.flatMap(({ inline_keyboard: rows }) => rows) };
}

/** Below an answer that is being written. */
export function stopKeyboard(labels: Labels, { run, delivery }: ButtonTurn): InlineKeyboardMarkup {
  return row([labels.stop, { action: "stop", run, delivery }]);
}

/** Whose buttons stand below an answer: a turn, or another one that goes on with its answer. */
export interface ButtonTurn {
  readonly question: number;
  readonly run: number;
  /**
   * Told apart by it are the Stop buttons of a run that is delivered again: what is there already Telegram would refuse to put
   * there. Milliseconds since the epoch.
   */
  readonly delivery?: number | undefined;
  readonly continues?: { readonly question: number } | undefined;
}

/** Below a picture. */
export function drawnKeyboard(labels: Labels, command: number): InlineKeyboardMarkup {
  const press = (what: "again" | "file") => ({ action: "drawn", what, command }) as const;
  return row([labels.regenerate, press("again")], [labels.asFile, press("file")]);
}

/** Of a fact, on a button among others. In characters. */
const longestFactShown = 24;

/** Below an answer that has had facts remembered: one button for each that was not undone; undefined when all were. */
export function undoKeyboard(labels: Labels, { userId, facts }: RememberedNote): InlineKeyboardMarkup | undefined {
  const left = facts.filter(({ undone }) => !undone);
  const label = (text: string) => {
    const characters = [...text];
    const short =
      characters.length <= longestFactShown ? text : `${characters.slice(0, longestFactShown - 1).join("")}…`;
    return facts.length === 1 ? labels.undo : `${labels.undo}: ${short}`;
  };
  if (left.length === 0) return undefined;
  return below(
    ...left.map(({ number, text }) =>
      row([label(text), { action: "undo", user: userId, fact: number, mark: factMark(text) }]),
    ),
  );
}

/** Below an answer that has ended, with what was remembered in it. */
export function keyboardBelow(
  labels: Labels,
  button: Turn["button"] | undefined,
  turn: ButtonTurn,
  notes: readonly Note[] = [],
): InlineKeyboardMarkup | undefined {
  const rows = below(
    ...(button === undefined ? [] : [endKeyboard(labels, button, turn)]),
    ...notes.flatMap((note) => (note.kind === "remembered" ? (undoKeyboard(labels, note) ?? []) : [])),
  );
  return rows.inline_keyboard.length === 0 ? undefined : rows;
}

/** Below an answer that has ended. Regenerate is about the whole answer, Retry about what the turn itself has to write. */
function endKeyboard(labels: Labels, button: NonNullable<Turn["button"]>, turn: ButtonTurn): InlineKeyboardMarkup {
  const question = turn.continues?.question ?? turn.question;
  const part = turn.continues && turn.question;
  if (button === "retry") return row([labels.retry, { action: "again", question, part }]);
  const regenerate = [labels.regenerate, { action: "again", question }] as const;
  if (button === "regenerate") return row(regenerate);
  if (button === "earlier") return below(row(regenerate), row([labels.earlier, { action: "earlier", question }]));
  return row([labels.continue, { action: "continue", question, run: turn.run }], regenerate);
}

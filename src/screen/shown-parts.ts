/** What the messages of an answer show: its parts, and the button below the last one. Pure. */
import type { InlineKeyboardMarkup, MessageEntity } from "grammy/types";
import type { FinalView } from "../chat/turn.ts";
import { type Rendered, type RenderOptions, renderMarkdown } from "../markdown/render.ts";
import type { Note } from "../ports/notes.ts";
import { linesOf, type Texts } from "../texts/texts.ts";
import { type ButtonTurn, keyboardBelow, stopKeyboard } from "./buttons.ts";
import type { Place } from "./place.ts";
import { createSplitter, maxMessageUnits, type Splitter, splitRendered } from "./split.ts";

export type Button = "none" | "stop" | NonNullable<FinalView["button"]>;

/** A message of an answer. */
export interface Part {
  /** Left out until the message exists. */
  id?: number;
  /** What stands there, as one string; left out when that is not known. */
  shown?: string;
  button?: Button;
}

/** More messages than these nobody reads: behind them comes the file. */
const mostParts = 30;
/** The last of them leaves room for the line that says so, and for the notes below the answer. */
const spareUnits = 512;

/** Of more of them no room is sure: Telegram takes a hundred in a message. */
const mostEntitiesBeside = 60;

/** Cuts an answer into the messages that show it, at most thirty. */
export function createAnswerSplitter(): Splitter {
  return createSplitter({ maxParts: mostParts, spareUnits });
}

/** How an answer is rendered for a chat: nobody can be pinged in a private one. */
export function renderOptionsFor(chatId: number): RenderOptions {
  return { keepMentions: chatId > 0 };
}

/** The parts of what an answer shows at its end. `rendered`: its Markdown's. */
export function finalParts(
  texts: Texts,
  view: FinalView,
  rendered: Rendered,
  split = createAnswerSplitter(),
): Rendered[] {
  const { text, entities } = rendered;
  const notes = linesOf(texts, view.notes ?? []);
  const noted = [text, notes].filter((said) => said !== "").join("\n\n");
  const parts = [...(noted === "" ? [] : split({ text: noted, entities }))];
  const last = parts.at(-1);
  if (parts.length < mostParts || last === undefined || noted.endsWith(last.text))
    return withThoughts(texts, parts, view);
  const lines = [texts.restInFile, notes].filter((line) => line !== "");
  return [...parts.slice(0, -1), { ...last, text: `${last.text}\n\n${lines.join("\n")}` }];
}

/** The thoughts behind an answer, folded: below its last part where there is room, else in a message of their own. */
function withThoughts(texts: Texts, parts: readonly Rendered[], { thoughts }: FinalView): Rendered[] {
  const last = parts.at(-1);
  if (!thoughts || last === undefined) return [...parts];
  const quote = foldedThoughts(texts, thoughts);
  const text = `${last.text}\n\n${quote.text}`;
  if (text.length <= maxMessageUnits && last.entities.length + quote.entities.length <= mostEntitiesBeside) {
    const entities = [...last.entities, ...moved(quote.entities, last.text.length + 2)];
    return [...parts.slice(0, -1), { text, entities }];
  }
  return [...parts, quote];
}

/** Thoughts are Markdown, as answers are, but no quote can stand in the quote that they are. */
function foldedThoughts(texts: Texts, thoughts: string): Rendered {
  const rendered = renderMarkdown(thoughts);
  const styled = texts.thoughts(rendered.text);
  const fits = rendered.text !== "" && styled.length <= maxMessageUnits;
  const text = fits ? styled : texts.thoughts(thoughts);
  const styles = fits ? moved(rendered.entities, styled.lastIndexOf(rendered.text)) : [];
  const kept = styles.filter(({ type }) => type !== "blockquote" && type !== "expandable_blockquote");
  const quote = { type: "expandable_blockquote" as const, offset: 0, length: text.length };
  return { text, entities: [quote, ...kept].slice(0, mostEntitiesBeside) };
}

function moved(entities: readonly MessageEntity[], by: number): MessageEntity[] {
  return entities.map((entity) => ({ ...entity, offset: entity.offset + by }));
}

/**
 * Parts without entities from one on, because Telegram refuses that one with them: the address of a link stands behind
 * its text, in brackets.
 */
export function plainFrom(texts: Texts, parts: readonly Rendered[], first: number): Rendered[] {
  const plain = parts.slice(first).flatMap((part) => splitRendered({ text: withAddresses(part), entities: [] }));
  const all = [...parts.slice(0, first), ...plain];
  if (all.length <= mostParts) return all;
  const [last] = splitRendered(all[mostParts - 1] ?? { text: "", entities: [] }, {
    maxUnits: maxMessageUnits - spareUnits,
  });
  return [...all.slice(0, mostParts - 1), { text: `${last?.text ?? ""}\n\n${texts.restInFile}`, entities: [] }];
}

function withAddresses({ text, entities }: Rendered): string {
  let out = "";
  let from = 0;
  for (const entity of entities) {
    if (entity.type !== "text_link") continue;
    const end = entity.offset + entity.length;
    out += text.slice(from, end);
    if (!text.slice(entity.offset, end).includes(entity.url)) out += ` (${entity.url})`;
    from = end;
  }
  return out + text.slice(from);
}

/** What the messages show that stand there already; undefined when that is not known. */
export function formerParts(texts: Texts, { chatId, messages, shown: view }: Place): readonly Rendered[] | undefined {
  if (messages.length === 0) return [];
  const shown =
    view === undefined ? [] : finalParts(texts, view, renderMarkdown(view.markdown, renderOptionsFor(chatId)));
  return shown.length === messages.length ? shown : undefined;
}

/** Parts as they stand while the answer is written anew: what was said of the end before is not true any more. */
export function withoutNotes(
  texts: Texts,
  parts: readonly Rendered[],
  notes: readonly Note[] = [],
): readonly Rendered[] {
  const [last, words] = [parts.at(-1), linesOf(texts, notes)];
  if (last === undefined || words === "" || !last.text.endsWith(words)) return parts;
  const text = last.text.slice(0, -words.length).trimEnd();
  if (text === "") return parts.length === 1 ? [] : parts;
  return [...parts.slice(0, -1), { ...last, text }];
}

/** The messages that stand there already, with what is known of them. */
export function partsOf(place: Place, former: readonly Rendered[] | undefined): Part[] {
  return place.messages.map((id, index) => {
    const rendered = former?.[index];
    const last = index === place.messages.length - 1;
    // Of a run or delivery that was cut short, the last message carries its button: any but ours and none.
    if (rendered === undefined) return last ? { id, button: "retry" } : { id };
    return { id, shown: keyOf(rendered), button: last ? (place.shown?.button ?? "none") : "none" };
  });
}

/** The keyboard that shows a button, and what these notes offer to undo. */
export function keyboardOf(
  { labels }: Texts,
  button: Button,
  place: ButtonTurn,
  notes: readonly Note[] = [],
): InlineKeyboardMarkup | undefined {
  if (button === "stop") return stopKeyboard(labels, place);
  return keyboardBelow(labels, button === "none" ? undefined : button, place, notes);
}

const keys = new WeakMap<Rendered, string>();

/** What a message shows, as one string to compare; made once of each part. */
export function keyOf(rendered: Rendered): string {
  const known = keys.get(rendered);
  if (known !== undefined) return known;
  const key = `${rendered.text}\n${JSON.stringify(rendered.entities)}`;
  keys.set(rendered, key);
  return key;
}

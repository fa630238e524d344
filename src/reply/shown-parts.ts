/** What the messages of an answer show: its parts, and the button below the last one. Pure. */
import type { InlineKeyboardMarkup } from "grammy/types";
import type { FinalView } from "../chat/turn.ts";
import { type Rendered, renderMarkdown } from "../markdown/render.ts";
import { type ButtonTurn, endKeyboard, stopKeyboard } from "./buttons.ts";
import type { Place } from "./place.ts";
import { splitRendered } from "./split.ts";

export type Button = "none" | "stop" | NonNullable<FinalView["button"]>;

/** A message of an answer. */
export interface Part {
  /** Left out until the message exists. */
  id?: number;
  /** What stands there, as one string; left out when that is not known. */
  shown?: string;
  button?: Button;
}

/** The parts of what an answer shows at its end. */
export function finalParts(view: FinalView, render = renderMarkdown): Rendered[] {
  const { text, entities } = render(view.markdown);
  if (view.note === undefined) return text === "" ? [] : splitRendered({ text, entities });
  return splitRendered({ text: text === "" ? view.note : `${text}\n\n${view.note}`, entities });
}

/** What is known of the messages that stand there already. */
export function partsOf(place: Place): Part[] {
  const shown = place.shown === undefined ? [] : finalParts(place.shown);
  const known = shown.length === place.messages.length;
  return place.messages.map((id, index) => {
    const rendered = shown[index];
    const last = index === place.messages.length - 1;
    // Of a run that was cut short, the last message carries a button of that run: any but ours and none.
    const unknown = last ? { button: place.resumed ? ("stop" as const) : ("retry" as const) } : {};
    if (!known || rendered === undefined) return { id, ...unknown };
    return { id, shown: keyOf(rendered), button: last ? (place.shown?.button ?? "none") : "none" };
  });
}

/** The keyboard that shows a button. */
export function keyboardOf(button: Button, place: ButtonTurn): InlineKeyboardMarkup | undefined {
  if (button === "stop") return stopKeyboard(place.run);
  return button === "none" ? undefined : endKeyboard(button, place);
}

/** What a message shows, as one string to compare. */
export function keyOf(rendered: Rendered): string {
  return `${rendered.text}\n${JSON.stringify(rendered.entities)}`;
}

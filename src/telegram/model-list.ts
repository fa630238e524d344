/** The models as people see them: their labels, what a word finds among them, and the keyboards to choose from. Pure. */
import { createHash } from "node:crypto";
import type { InlineKeyboardButton, InlineKeyboardMarkup } from "grammy/types";
import { type Press, parsePress, pressData } from "../screen/buttons.ts";
import type { Texts } from "../texts/texts.ts";

/** What a keyboard lists: all, one provider's models (by its key), or those that match a search. */
export type ModelView = Omit<Extract<Press, { action: "models" }>, "action">;

/** A longer list is grouped by provider. */
const longestFlatList = 8;
/** About a phone's screen. */
const pageSize = 16;
/** A search has to fit into the 64 bytes of a button's data. */
const searchBytes = 48;
const longestLabel = 60;
const mark = "✅ ";

interface Choice {
  readonly label: string;
  readonly press: Press;
  readonly current: boolean;
}

/** The label of each model: its name, with the provider only where the name alone could mean another one. */
function modelLabels(names: readonly string[]): ReadonlyMap<string, string> {
  const readings = new Map<string, number>();
  for (const name of names) {
    for (const reading of new Set([name.toLowerCase(), nameAlone(name).toLowerCase()])) {
      readings.set(reading, (readings.get(reading) ?? 0) + 1);
    }
  }
  const isClear = (name: string) => readings.get(nameAlone(name).toLowerCase()) === 1;
  return new Map(names.map((name) => [name, shortened(isClear(name) ? nameAlone(name) : name)]));
}

/** The label of one of these models. */
export function modelLabel(names: readonly string[], name: string): string {
  return modelLabels(names).get(name) ?? shortened(name);
}

/** Finds a model by `provider/model`, or by the model's name alone where only one provider has it; any case. */
export function findModel(names: readonly string[], wanted: string): string | undefined {
  const lower = wanted.toLowerCase();
  const exact = names.find((name) => name === wanted) ?? names.find((name) => name.toLowerCase() === lower);
  if (exact !== undefined) return exact;
  const alone = names.filter((name) => nameAlone(name).toLowerCase() === lower);
  return alone.length === 1 ? alone[0] : undefined;
}

/** The models whose `provider/model` has every word of the search in it; any case. */
export function matchingModels(names: readonly string[], search: string): readonly string[] {
  const words = search.toLowerCase().split(/\s+/);
  return names.filter((name) => words.every((word) => name.toLowerCase().includes(word)));
}

/** The search as a button can carry it. What is cut off could only have found fewer models. */
export function carriedSearch(wanted: string): string {
  let carried = "";
  for (const character of wanted) {
    if (Buffer.byteLength(carried + character) > searchBytes) break;
    carried += character;
  }
  return carried.trim();
}

/** Whether this many models are shown by provider. */
export function isLongList(names: readonly string[]): boolean {
  return names.length > longestFlatList;
}

/** The provider with this key, as the buttons of its models know it. */
export function providerWithKey(names: readonly string[], key: string): string | undefined {
  return names.map(providerOf).find((provider) => nameKey(provider) === key);
}

/** The model with this key. */
export function modelWithKey(names: readonly string[], key: string): string | undefined {
  return names.find((name) => nameKey(name) === key);
}

/** The keyboard of a view: a button for each choice, a page at a time, the current model marked. */
export function modelKeyboard(
  labels: Texts["labels"],
  names: readonly string[],
  current: string,
  view: ModelView,
): InlineKeyboardMarkup {
  const choices = choicesOf(names, current, view);
  const lastPage = Math.max(0, Math.ceil(choices.length / pageSize) - 1);
  const page = Math.min(view.page, lastPage);
  const shown = choices.slice(page * pageSize, (page + 1) * pageSize);
  const turn = (to: number, text: string) => button(text, { action: "models", ...view, page: to });
  const pages = [
    ...(page > 0 ? [turn(page - 1, labels.pageBack(page))] : []),
    ...(page < lastPage ? [turn(page + 1, labels.pageOn(page + 2))] : []),
  ];
  const ofOne = view.provider !== undefined && providerWithKey(names, view.provider) !== undefined;
  const back = ofOne ? [button(labels.allProviders, { action: "models", page: 0 })] : [];
  return {
    inline_keyboard: [
      ...shown.map((choice) => [button(`${choice.current ? mark : ""}${choice.label}`, choice.press)]),
      ...[pages, back].filter((row) => row.length > 0),
    ],
  };
}

/** The same keyboard with the mark at another model: whoever chooses from a page or a search stays there. */
export function remarked(keyboard: InlineKeyboardMarkup, current: string): InlineKeyboardMarkup {
  const key = nameKey(current);
  const rows = keyboard.inline_keyboard.map((row) =>
    row.map((known): InlineKeyboardButton => {
      const text = known.text.startsWith(mark) ? known.text.slice(mark.length) : known.text;
      const press = parsePress("callback_data" in known ? known.callback_data : undefined);
      return { ...known, text: press?.action === "model" && press.key === key ? `${mark}${text}` : text };
    }),
  );
  return { inline_keyboard: rows };
}

function choicesOf(names: readonly string[], current: string, view: ModelView): readonly Choice[] {
  const known = modelLabels(names);
  const choice = (name: string, label = known.get(name) ?? name): Choice => ({
    label,
    press: { action: "model", key: nameKey(name) },
    current: name === current,
  });
  if (view.search !== undefined) return matchingModels(names, view.search).map((name) => choice(name));
  const groups = Map.groupBy(names, providerOf);
  const group = [...groups.values()].find(([name = ""]) => nameKey(providerOf(name)) === view.provider);
  // Where the provider is clear, only the name differs.
  if (group !== undefined) return group.map((name) => choice(name, shortened(nameAlone(name))));
  if (!isLongList(names) || groups.size === 1) return names.map((name) => choice(name));
  return [...groups].map(([provider, [first = "", ...others]]) =>
    others.length === 0
      ? choice(first)
      : {
          label: `${shortened(provider)} (${others.length + 1})`,
          press: { action: "models", page: 0, provider: nameKey(provider) },
          current: providerOf(current) === provider,
        },
  );
}

function button(text: string, press: Press): InlineKeyboardButton {
  return { text, callback_data: pressData(press) };
}

/**
 * Stands for the name of a model, or of whatever else a button chooses: a name may be longer than the 64 bytes of a button's data,
 * and lists change while their buttons stand in chats.
 */
export function nameKey(name: string): string {
  return createHash("sha256").update(name).digest("base64url").slice(0, 16);
}

function providerOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf("/")));
}

function nameAlone(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

/** Names differ at their ends, so a long one loses its middle. */
function shortened(label: string): string {
  const characters = [...label];
  if (characters.length <= longestLabel) return label;
  const half = longestLabel / 2;
  return `${characters.slice(0, half - 1).join("")}…${characters.slice(-half).join("")}`;
}

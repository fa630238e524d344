/** Undo below an answer: takes back that a fact was remembered. Quick lane, so that it waits behind no answer. */
import { Composer } from "grammy";
import type { InlineKeyboardMarkup, Message, MessageEntity } from "grammy/types";
import { factMark } from "../../base/fact-text.ts";
import { type Fact, ownerOf } from "../../ports/facts.ts";
import type { Note } from "../../ports/notes.ts";
import { type Press, pressData } from "../../screen/buttons.ts";
import { markupOf } from "../../screen/place.ts";
import { answerPress, type BotContext, pressOf, tolerate } from "../context.ts";
import { senderOf } from "../senders.ts";

type UndoPress = Extract<Press, { readonly action: "undo" }>;

export const undoing = new Composer<BotContext>();

undoing.filter(
  (ctx) => pressOf(ctx)?.action === "undo",
  async (ctx) => {
    const press = pressOf(ctx) as UndoPress;
    // Who writes as a group presses as a person: what they have had remembered is the group's, and so is its end.
    if (press.user > 0 && press.user !== senderOf(ctx.update)) return await answerPress(ctx, ctx.texts.notYourButton);
    const { store } = ctx.deps;
    const { conversation } = ctx.job;
    const owner = ownerOf(conversation);
    const fact = (await store.readFacts(owner)).find((one) => isMeant(one, press));
    const undone = fact !== undefined && (await store.undoFact(owner, fact.number, fact.text));
    // What the conversation was told when it began may have it already.
    if (undone) await store.keepFacts(conversation);
    await answerPress(ctx, undone ? ctx.texts.undone : ctx.texts.undoneAlready);
    const newest = await store.newestTurn(conversation);
    const shown = newest?.messages.includes(ctx.callbackQuery?.message?.message_id ?? 0) ? newest : undefined;
    // What is being written anew replaces what stands there.
    if (shown?.state === "writing") return;
    const noted = shown?.notes?.flatMap((note) => (note.kind === "remembered" ? note.facts : []));
    if (shown?.notes !== undefined)
      await store.renewTurn({ ...shown, notes: shown.notes.map((note) => withUndone(note, press)) });
    await showUndone(ctx, press, (fact ?? noted?.find((one) => isMeant(one, press)))?.text);
  },
);

function isMeant({ number, text }: Pick<Fact, "number" | "text">, { fact, mark }: UndoPress): boolean {
  return number === fact && factMark(text) === mark;
}

function withUndone(note: Note, press: UndoPress): Note {
  if (note.kind !== "remembered") return note;
  return { ...note, facts: note.facts.map((one) => (isMeant(one, press) ? { ...one, undone: true } : one)) };
}

/** The line of the fact says so, where it stands in this language, and the button goes. */
async function showUndone(ctx: BotContext, press: UndoPress, fact: string | undefined): Promise<void> {
  const { text = "", entities = [], reply_markup: keyboard } = (ctx.callbackQuery?.message ?? {}) as Partial<Message>;
  const markup = markupOf(withoutButton(keyboard, pressData(press)));
  const former = fact === undefined ? undefined : ctx.texts.remembered(fact);
  const at = former === undefined ? -1 : text.lastIndexOf(former);
  if (fact === undefined || former === undefined || at < 0)
    return await tolerate(ctx, ctx.editMessageReplyMarkup(markup));
  const line = ctx.texts.unremembered(fact);
  const behind = at + former.length;
  const moved = movedBehind(entities, at, line.length - former.length);
  await tolerate(
    ctx,
    ctx.editMessageText(text.slice(0, at) + line + text.slice(behind), {
      ...(moved.length === 0 ? {} : { entities: moved }),
      ...markup,
    }),
  );
}

function withoutButton(keyboard: InlineKeyboardMarkup | undefined, data: string): InlineKeyboardMarkup | undefined {
  const rows = (keyboard?.inline_keyboard ?? [])
    .map((row) => row.filter((button) => !("callback_data" in button && button.callback_data === data)))
    .filter((row) => row.length > 0);
  return rows.length === 0 ? undefined : { inline_keyboard: rows };
}

function movedBehind(entities: readonly MessageEntity[], place: number, by: number): MessageEntity[] {
  return entities.map((entity) => (entity.offset > place ? { ...entity, offset: entity.offset + by } : entity));
}

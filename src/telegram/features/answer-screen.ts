/** Where an answer appears in Telegram, and what becomes of an answer that a crash has left half written. */
import { GrammyError } from "grammy";
import type { Screen } from "../../chat/turn.ts";
import { finalView } from "../../chat/turn-end.ts";
import type { Note } from "../../ports/notes.ts";
import type { Turn } from "../../ports/store.ts";
import { endKeyboard } from "../../screen/buttons.ts";
import { createLiveMessage } from "../../screen/live-message.ts";
import { type AnswerPlace, movedTo } from "../../screen/place.ts";
import { classify } from "../../screen/telegram-errors.ts";
import { linesOf } from "../../texts/texts.ts";
import { type BotContext, placeOf, tolerate } from "../context.ts";
import { isPrivate } from "../messages.ts";
import { aside } from "../waiting.ts";

/** Telegram's limit, in UTF-16 units. */
const maxMessageUnits = 4096;

/**
 * Opens the screen of a run of a turn: the live message, with a way to end what an earlier delivery has left. `before` is
 * the turn's record of before this run; `dropped` are the turns that had gone on with its answer.
 */
export function openScreen(
  ctx: BotContext,
  turn: Turn,
  { before, dropped }: { readonly before: Turn | undefined; readonly dropped: readonly Turn[] },
  onFirstText: () => void,
): Screen {
  const { deps } = ctx;
  const place = placeOfAnswer(ctx, turn, before);
  // Where the parts of an answer that was continued begin and end in its messages is not known.
  const known =
    before !== undefined && before.state !== "writing" && before.answer !== undefined && dropped.length === 0;
  for (const { file } of dropped) {
    if (file !== undefined) void tolerate(ctx, ctx.api.deleteMessage(place.chatId, file));
  }
  const screen = createLiveMessage(
    {
      api: ctx.api,
      admitted: ctx.admitted,
      outbox: deps.outbox,
      texts: ctx.texts,
      log: deps.log,
      drafts: deps.drafts,
      work: ctx.work,
      saveMessages: (messages, file) =>
        deps.store.setTurnMessages(turn.conversation, turn.question, turn.run, messages, file),
      onBlocked: (chatId) => deps.store.markBlocked(chatId, deps.now()),
      async onMoved(chatId) {
        deps.log.warn({ from: place.chatId, to: chatId }, "a group has become a supergroup; its answer goes on there");
        // Telegram tells it in messages as well, which may come later than this, and than the next question.
        await deps.store.moveConversation(turn.conversation, String(chatId));
      },
      onFirstText,
    },
    {
      ...place,
      messages: turn.messages,
      ...(turn.file === undefined ? {} : { file: turn.file }),
      ...(known ? { shown: finalView(before) } : {}),
      resumed: before === undefined || before.run === turn.run,
    },
  );
  const leave: Screen["leave"] = async (button, notes) => {
    if (notes === undefined) return await screen.leave(button);
    await screen.leave();
    if (await endBelow(ctx, place, turn, { notes, button })) return;
    await screen.finish({ markdown: "", notes, ...(button === undefined ? {} : { button }) });
  };
  return {
    ...screen,
    // Nothing of the model is read any more.
    finish: (view) => aside(ctx.job, screen.finish(view)),
    leave: (button, notes) => aside(ctx.job, leave(button, notes)),
  };
}

/** The chat that the question came from, or the supergroup that it has become since the turn began. */
function placeOfAnswer(ctx: BotContext, turn: Turn, before: Turn | undefined): AnswerPlace {
  const chat = placeOf(ctx);
  if (chat === undefined || ctx.chat === undefined) throw new Error("a question without a chat");
  const { question, run, continues } = turn;
  const replies = !isPrivate(ctx.chat) && question > 0;
  const place = {
    ...chat,
    ...(replies ? { replyTo: question } : {}),
    question,
    run,
    ...(continues === undefined ? {} : { continues }),
  };
  const { moved } = before ?? turn;
  return moved?.from === turn.conversation ? movedTo(place, Number(moved.to)) : place;
}

/**
 * Puts an end below what an earlier delivery has shown. Only Telegram knows how much that is, and tells it when a button is
 * changed. False when there is no message to put it into.
 */
async function endBelow(
  { api, texts }: BotContext,
  place: AnswerPlace,
  turn: Turn,
  { notes, button }: { readonly notes: readonly Note[]; readonly button: "retry" | undefined },
): Promise<boolean> {
  const last = turn.messages.at(-1);
  if (last === undefined) return false;
  const keyboard = button === undefined ? {} : { reply_markup: endKeyboard(texts.labels, button, place) };
  try {
    const standing = await api.editMessageReplyMarkup(place.chatId, last, keyboard);
    if (standing === true || standing.text === undefined) return false;
    const note = linesOf(texts, notes);
    const text = standing.text.startsWith(texts.waiting("").slice(0, -1)) ? note : `${standing.text}\n\n${note}`;
    // The button alone has to do where no line fits any more.
    if (text.length > maxMessageUnits) return true;
    const entities = standing.entities === undefined ? {} : { entities: standing.entities };
    const options = { ...entities, ...keyboard, link_preview_options: { is_disabled: true } };
    await api.editMessageText(place.chatId, last, text, options);
    return true;
  } catch (error) {
    if (!(error instanceof GrammyError) || error.error_code >= 500) throw error;
    // A delivery that was cut short here has done it already.
    return classify(error) === "unchanged";
  }
}

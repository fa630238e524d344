/** Where an answer appears in Telegram. */
import { GrammyError } from "grammy";
import type { Ear } from "../../chat/listening.ts";
import type { Screen } from "../../chat/turn.ts";
import { finalView } from "../../chat/turn-end.ts";
import type { Turn } from "../../ports/turns.ts";
import { createForerunner } from "../../screen/forerunner.ts";
import { createLiveMessage } from "../../screen/live-message.ts";
import { type AnswerPlace, movedTo, sendOptions } from "../../screen/place.ts";
import { type BotContext, placeOf, tolerate } from "../context.ts";
import { isPrivate } from "../messages.ts";
import { sendPicture } from "../sent-pictures.ts";
import { aside } from "../waiting.ts";

/**
 * Opens the screen of a run of a turn. `before` is the turn's record of before this run; `dropped` are the turns that had gone
 * on with its answer.
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
  const resumed = before === undefined || before.run === turn.run;
  for (const { file } of dropped) {
    if (file !== undefined) void tolerate(ctx, ctx.api.deleteMessage(place.chatId, file));
  }
  if (before?.spoken !== undefined && before.run !== turn.run)
    tolerate(ctx, ctx.api.deleteMessage(place.chatId, before.spoken)).catch(() => undefined);
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
      file: turn.file,
      ...(known ? { shown: finalView(before) } : {}),
      resumed,
      delivery: resumed && turn.messages.length > 0 ? deps.now() : undefined,
    },
  );
  return {
    ...screen,
    // Nothing of the model is read any more.
    finish: (view) => aside(ctx.job, screen.finish(view)),
    async picture(picture) {
      const sending = sendPicture(
        { api: ctx.api, log: deps.log },
        place.chatId,
        picture,
        sendOptions({ threadId: place.threadId }),
      );
      try {
        return (await aside(ctx.job, sending)).message_id;
      } catch (error) {
        if (!(error instanceof GrammyError) || error.error_code >= 500) throw error;
        deps.log.warn({ reason: error.description }, "Telegram did not take a picture of an answer");
        return undefined;
      }
    },
    removePicture: (message) => tolerate(ctx, ctx.api.deleteMessage(place.chatId, message)),
    leave: (button, notes) => aside(ctx.job, screen.leave(button, notes)),
  };
}

/** Opens what shows what is heard in a turn: as an answer to the message that holds it, in every chat. */
export function openEar(ctx: BotContext, turn: Turn, keep: (messages: readonly number[]) => Promise<void>): Ear {
  const { api, texts, deps } = ctx;
  const place = placeOfAnswer(ctx, turn, undefined);
  const replyTo = turn.root > 0 && turn.moved === undefined ? { replyTo: turn.root } : {};
  const what = { api, texts, log: deps.log, says: texts.listening, keep };
  const { status, quote, leave } = createForerunner(what, { ...place, ...replyTo }, turn.transcript);
  return { status, heard: quote, leave };
}

/** The chat that the question came from, or the supergroup that it has become since the turn began. */
function placeOfAnswer(ctx: BotContext, turn: Turn, before: Turn | undefined): AnswerPlace {
  const chat = placeOf(ctx);
  if (chat === undefined || ctx.chat === undefined) throw new Error("a question without a chat");
  const { question, run, continues } = turn;
  const replies = !isPrivate(ctx.chat) && question > 0;
  const place = {
    ...chat,
    ...(replies ? { replyTo: ctx.messages.length > 1 ? (ctx.message?.message_id ?? question) : question } : {}),
    question,
    run,
    continues,
  };
  const { moved } = before ?? turn;
  return moved?.from === turn.conversation ? movedTo(place, Number(moved.to)) : place;
}

/** Questions and all that answers one again: edits, `/retry`, Regenerate; and what stops an answer. */
import { Composer } from "grammy";
import { answerQuestion, type Question } from "../../chat/turn.ts";
import type { Turn } from "../../ports.ts";
import { isVisible } from "../../reply/live-message.ts";
import { texts } from "../../texts.ts";
import { answerPress, type BotContext, isCommand, placeOf, pressOf, say, tolerate } from "../context.ts";
import { questionOf } from "../messages.ts";
import { senderOf } from "../senders.ts";
import { openScreen } from "./answer-screen.ts";

/** Quick lane: what tells the user that an answer was stopped. The stop itself happened at arrival. */
export const stopping = new Composer<BotContext>();

stopping.filter(isCommand("stop"), async (ctx) => {
  const { aborted = false, dropped = 0 } = ctx.job.outcome ?? {};
  // An aborted answer says itself, below its last word, that it was stopped.
  if (dropped > 0) await say(ctx, texts.dropped(dropped));
  else if (!aborted) await say(ctx, texts.nothingToStop);
});

stopping.filter(
  (ctx) => pressOf(ctx)?.action === "stop",
  async (ctx) => {
    const { aborted = false, dropped = 0 } = ctx.job.outcome ?? {};
    if (aborted) return await answerPress(ctx, dropped > 0 ? texts.dropped(dropped) : texts.stopped);
    await answerPress(ctx, texts.alreadyFinished);
    await removeStaleButton(ctx);
  },
);

/**
 * A Stop button that nothing is written behind any more has no other end: its run was replaced and then dropped, or its
 * message is the copy that a crash has left behind.
 */
async function removeStaleButton(ctx: BotContext): Promise<void> {
  const press = pressOf(ctx);
  const newest = await ctx.deps.store.newestTurn(ctx.job.conversation);
  const messageId = ctx.callbackQuery?.message?.message_id;
  if (press?.action !== "stop" || messageId === undefined) return;
  const stale = newest?.run === press.run && newest.state === "writing";
  const copy = newest?.messages.includes(messageId) !== true;
  if (stale || copy) await tolerate(ctx, ctx.editMessageReplyMarkup());
}

/** Turn lane, before the dialogs: Regenerate, Retry and edits do not answer a dialog. */
export const answeringAgain = new Composer<BotContext>();

answeringAgain.filter(
  (ctx) => pressOf(ctx)?.action === "again",
  async (ctx) => {
    const press = pressOf(ctx);
    const newest = await ctx.deps.store.newestTurn(ctx.job.conversation);
    // The press itself was answered when it arrived.
    if (press?.action !== "again" || newest?.question !== press.question) {
      return await tolerate(ctx, ctx.editMessageReplyMarkup());
    }
    await answer(ctx, newest.question, newest.root, newest.asked);
  },
);

answeringAgain.on("edited_message", async (ctx) => {
  const { store } = ctx.deps;
  const edited = ctx.editedMessage;
  const asked = ctx.work(() => questionOf(edited, ctx.me));
  const newest = await store.newestTurn(ctx.job.conversation);
  if (newest?.root === edited.message_id) return await answer(ctx, newest.question, newest.root, asked);
  // Older than the newest question: nothing. Edited while it waited: it has taken the place of its question in the lane.
  const replaced = (ctx.job.outcome?.dropped ?? 0) > 0;
  const waited = newest === undefined ? replaced : edited.message_id > newest.root;
  if (waited) await answer(ctx, edited.message_id, edited.message_id, asked);
});

/** Turn lane, last: `/retry`, and every message that is not something else is a question. */
export const answering = new Composer<BotContext>();

answering.filter(isCommand("retry"), async (ctx) => {
  const newest = await ctx.deps.store.newestTurn(ctx.job.conversation);
  const messageId = ctx.message?.message_id;
  if (newest === undefined || newest.asked === "" || messageId === undefined)
    return await say(ctx, texts.nothingToRetry);
  await answer(ctx, messageId, newest.root, newest.asked);
});

answering.on("message", (ctx) => {
  const id = ctx.message.message_id;
  return answer(
    ctx,
    id,
    id,
    ctx.work(() => questionOf(ctx.message, ctx.me)),
  );
});

async function answer(ctx: BotContext, id: number, root: number, asked: string): Promise<void> {
  const { deps, job } = ctx;
  const { conversation } = job;
  const former = await deps.store.newestTurn(conversation);
  const question: Question = { conversation, id, root, run: job.updateId, userId: senderOf(ctx.update) ?? 0, asked };
  const sinceArrival = () => deps.now() - job.receivedAt;
  await answerQuestion(
    {
      ...deps,
      visible: isVisible,
      work: ctx.work,
      observer: {
        turnEnded: (outcome) => deps.observer.turnEnded(outcome, sinceArrival()),
        usage: (entry) => deps.observer.usage(entry),
      },
    },
    question,
    (turn, before) =>
      openScreen(ctx, turn, before, () => {
        deps.observer.firstText(sinceArrival());
        if (former !== undefined && former.question !== id) void retireButton(ctx, former);
      }),
    job.signal,
    job.interrupting,
  );
}

/** Only the newest answer has a Regenerate button. */
async function retireButton(ctx: BotContext, former: Turn): Promise<void> {
  const last = former.messages.at(-1);
  const place = placeOf(ctx);
  if (last === undefined || place === undefined || former.button === undefined) return;
  try {
    await ctx.api.editMessageReplyMarkup(place.chatId, last);
  } catch (error) {
    ctx.deps.log.debug({ reason: String(error) }, "a former button could not be removed");
  }
}

/** Questions and all that answers one again: edits, `/retry`, Regenerate; and what stops an answer. */
import { Composer } from "grammy";
import type { Message } from "grammy/types";
import { answerQuestion, type Question } from "../../chat/turn.ts";
import type { Turn } from "../../ports.ts";
import { isVisible } from "../../reply/live-message.ts";
import { texts } from "../../texts.ts";
import { getsNote } from "../albums.ts";
import { answerPress, type BotContext, isCommand, placeOf, pressOf, say, tolerate } from "../context.ts";
import { questionOf, unseenOf } from "../question.ts";
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
    await answer(ctx, newest.question, newest.root, newest);
  },
);

answeringAgain.on("edited_message", async (ctx) => {
  const { store } = ctx.deps;
  const edited = ctx.editedMessage;
  const newest = await store.newestTurn(ctx.job.conversation);
  if (newest?.root === edited.message_id) return await answerMessage(ctx, edited, newest.question, newest);
  // Older than the newest question: nothing. Edited while it waited: it has taken the place of its question in the lane.
  const replaced = (ctx.job.outcome?.dropped ?? 0) > 0;
  const waited = newest === undefined ? replaced : edited.message_id > newest.root;
  if (waited) await answerMessage(ctx, edited, edited.message_id, newest);
});

/** Turn lane, last: `/retry`, and every message that is not something else is a question. */
export const answering = new Composer<BotContext>();

answering.filter(isCommand("retry"), async (ctx) => {
  const newest = await ctx.deps.store.newestTurn(ctx.job.conversation);
  const messageId = ctx.message?.message_id;
  if (newest === undefined || newest.asked === "" || messageId === undefined)
    return await say(ctx, texts.nothingToRetry);
  await answer(ctx, messageId, newest.root, newest, newest);
});

answering.on("message", async (ctx) => {
  const newest = await ctx.deps.store.newestTurn(ctx.job.conversation);
  await answerMessage(ctx, ctx.message, ctx.message.message_id, newest);
});

/** What a turn asks: the words, and the lines for below its answer. */
type Asked = Pick<Question, "asked" | "notes">;

async function answerMessage(ctx: BotContext, message: Message, id: number, newest: Turn | undefined): Promise<void> {
  // Delivered again it asks what it asked: the conversation has its own turn as the newest now.
  const asked = newest?.run === ctx.job.updateId ? newest : await askedBy(ctx, message, newest);
  await answer(ctx, id, message.message_id, asked, newest);
}

async function askedBy(ctx: BotContext, message: Message, newest: Turn | undefined): Promise<Asked> {
  const known = newest !== undefined && isInHistory(newest) ? newest.messages : [];
  const asked = ctx.work(() => questionOf(message, ctx.me, known));
  const unseen = unseenOf(message);
  if (unseen === undefined || !(await getsNote(ctx.deps.store, message))) return { asked };
  return { asked, notes: [texts.unseen(unseen)] };
}

/** Whether the conversation that the model is shown ends with the answer of this turn. */
function isInHistory({ outcome, answer: text = "" }: Turn): boolean {
  return outcome === "complete" || (outcome === "stopped" && text !== "");
}

async function answer(
  ctx: BotContext,
  id: number,
  root: number,
  { asked, notes }: Asked,
  former?: Turn,
): Promise<void> {
  const { deps, job } = ctx;
  const { conversation } = job;
  const question: Question = {
    conversation,
    id,
    root,
    run: job.updateId,
    userId: senderOf(ctx.update) ?? 0,
    asked,
    ...(notes === undefined ? {} : { notes }),
  };
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

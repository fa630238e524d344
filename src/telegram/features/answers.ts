/** Questions and all that answers one again: edits, `/retry`, Regenerate; and what stops an answer. */
import { Composer } from "grammy";
import type { Message } from "grammy/types";
import { answerOf, asksIn, mayAnswerAgain, mayContinue } from "../../chat/continuation.ts";
import { answerQuestion, type Question } from "../../chat/turn.ts";
import type { Turn } from "../../ports/turns.ts";
import { showsAnything } from "../../screen/live-message.ts";
import { answerPress, type BotContext, isCommand, pressOf, retireButtons, retirePressed, say } from "../context.ts";
import { editedParts, joinedParts, questionParts } from "../joint-question.ts";
import { untilAsked } from "../leaving.ts";
import { unseenOf, wordsOf } from "../question.ts";
import { senderOf } from "../senders.ts";
import { answerLine } from "./answer-line.ts";
import { openEar, openScreen } from "./answer-screen.ts";
import { createFormerButtons, retiredBy } from "./former-buttons.ts";
import { leaveWaiting, permissionIn } from "./permissions.ts";
import { speakingIn } from "./voice.ts";

const sayOnceWithinMs = 24 * 3_600_000;

/** Quick lane: what tells the user that an answer was stopped. The stop itself happened at arrival. */
export const stopping = new Composer<BotContext>();

stopping.filter(isCommand("stop"), async (ctx) => {
  const { aborted = false, dropped = 0 } = ctx.job.outcome ?? {};
  // An aborted answer itself says, below its last word, that it was stopped.
  const left = await leaveWaiting(ctx, "stopped");
  if (dropped > 0) await say(ctx, ctx.texts.dropped(dropped));
  else if (!aborted && left === 0) await say(ctx, ctx.texts.nothingToStop);
});

stopping.filter(
  (ctx) => pressOf(ctx)?.action === "stop",
  async (ctx) => {
    const { aborted = false, dropped = 0 } = ctx.job.outcome ?? {};
    if (aborted) return await answerPress(ctx, dropped > 0 ? ctx.texts.dropped(dropped) : ctx.texts.stopped);
    await answerPress(ctx, ctx.texts.alreadyFinished);
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
  if (stale || copy) await retirePressed(ctx);
}

/** Turn lane, before the dialogs: Regenerate, Retry, Continue and edits do not answer a dialog. */
export const answeringAgain = new Composer<BotContext>();

answeringAgain.filter(
  (ctx) => pressOf(ctx)?.action === "again",
  async (ctx) => {
    const press = pressOf(ctx);
    const newest = await ctx.deps.store.newestTurn(ctx.job.conversation);
    // The press itself was answered when it arrived.
    if (press?.action !== "again" || !mayAnswerAgain(newest, press)) {
      return await retirePressed(ctx);
    }
    const turn = press.part === undefined ? await wholeAnswer(ctx, newest) : newest;
    await answer(ctx, turn.question, turn.root, { ...turn, known: turn }, newest);
  },
);

answeringAgain.filter(
  (ctx) => pressOf(ctx)?.action === "continue",
  async (ctx) => {
    const press = pressOf(ctx);
    const id = ctx.callbackQuery?.message?.message_id;
    const newest = await ctx.deps.store.newestTurn(ctx.job.conversation);
    if (press?.action !== "continue" || id === undefined || newest === undefined) return;
    // Only the first press finds the answer as the newest, and a further delivery of it the turn that it began. Others do
    // nothing: the buttons go with the first text of that turn.
    const begins = mayContinue(newest, press) && newest.messages.at(-1) === id;
    const goesOn = newest.question === id && newest.run === ctx.job.updateId;
    if (!begins && !goesOn) return;
    await answer(
      ctx,
      id,
      newest.root,
      { asked: newest.asked, parts: newest.parts, continuing: press.question },
      newest,
    );
  },
);

answeringAgain.on("edited_message", async (ctx) => {
  const { store } = ctx.deps;
  const { message_id: edited } = ctx.editedMessage;
  const newest = await store.newestTurn(ctx.job.conversation);
  const question = ctx.job.question ?? edited;
  if (newest !== undefined && (asksIn(newest, edited) || asksIn(newest, question)))
    return await answerMessage(ctx, answerOf(newest), newest.root, newest);
  // Older than the newest question: nothing. Edited while it waited: it has taken the place of its question in the lane.
  const replaced = (ctx.job.outcome?.dropped ?? 0) > 0;
  const waited = newest === undefined ? replaced : question > newest.root;
  if (waited) await answerMessage(ctx, question, question, newest);
});

/** What has no words (pictures, files, voice) answers no dialog. */
answeringAgain.on("message").filter(
  (ctx) => ctx.messages.every((message) => wordsOf(message, ctx.me) === ""),
  (ctx) => answerNew(ctx),
);

/** Turn lane, last: `/retry`, and every message that is not something else is a question. */
export const answering = new Composer<BotContext>();

answering.filter(isCommand("retry"), async (ctx) => {
  await leaveWaiting(ctx, "asked-else");
  const newest = await ctx.deps.store.newestTurn(ctx.job.conversation);
  const messageId = ctx.message?.message_id;
  if (newest === undefined || newest.asked.length === 0 || messageId === undefined)
    return await say(ctx, ctx.texts.nothingToRetry);
  await answer(ctx, messageId, newest.root, await wholeAnswer(ctx, newest), newest);
});

answering.on("message", (ctx) => answerNew(ctx));

async function answerNew(ctx: BotContext): Promise<void> {
  await leaveWaiting(ctx, "asked-else");
  const newest = await ctx.deps.store.newestTurn(ctx.job.conversation);
  const question = ctx.job.question ?? ctx.message?.message_id ?? 0;
  await answerMessage(ctx, question, question, newest);
}

/** Goes on with a turn that has waited for a person. */
export async function resumeAnswer(ctx: BotContext, turn: Turn): Promise<void> {
  await answer(ctx, turn.question, turn.root, { ...turn, known: turn, resumes: true }, undefined);
}

/** The turn that began the answer which the newest one may only have gone on with. */
async function wholeAnswer(ctx: BotContext, newest: Turn): Promise<Turn> {
  if (newest.continues === undefined) return newest;
  return (await ctx.deps.store.readTurn(newest.conversation, newest.continues.question)) ?? newest;
}

/** What a turn asks: the words, and the lines for below its answer; or the answer that it goes on with. */
type Asked = Pick<Question, "asked" | "parts" | "askedAt" | "questionNotes" | "continuing" | "known" | "resumes">;

async function answerMessage(ctx: BotContext, id: number, root: number, newest: Turn | undefined): Promise<void> {
  const [message] = ctx.messages;
  if (message === undefined) return;
  // Delivered again it asks what it asked, unless more has come: the conversation has its own turn as the newest now.
  // A turn that this update has ended has its run, too.
  const again = newest?.run === ctx.job.updateId && newest.question === id;
  const missing = again && (newest.parts?.length ?? 1) < ctx.messages.length;
  const same = again && !(missing && newest.state === "writing");
  if (same && missing) ctx.job.handlesOnly?.(newest.parts?.length ?? 1);
  const asked = same ? newest : ctx.work(() => askedBy(ctx, newest));
  if (asked.asked.length === 0) return await sayUnsupported(ctx, id);
  // Of an edit Telegram tells when the message was written.
  await answer(ctx, id, root, { ...asked, askedAt: message.date * 1000 }, newest);
}

/** Once, also when a crash has it handled again. */
async function sayUnsupported(ctx: BotContext, question: number): Promise<void> {
  const first = await ctx.deps.store.firstWithin(`unsupported:${ctx.job.conversation}:${question}`, sayOnceWithinMs);
  if (first) await say(ctx, ctx.texts.unsupported);
}

function askedBy({ messages, me }: BotContext, newest: Turn | undefined): Asked {
  const asked = questionParts(messages, me, (message) => knownOf(message, newest));
  const [edited, ...others] = asked;
  // The queue knows the other messages of an edited question only while that is not over.
  const former = newest?.parts ?? [];
  const isPart = others.length === 0 && former.some(({ message }) => message === edited?.message);
  const whole = isPart && edited !== undefined ? editedParts(former, edited) : asked;
  const unseen = messages.map((message) => unseenOf(message, me)).find((one) => one !== undefined);
  return {
    asked: joinedParts(whole),
    ...(whole.length > 1 ? { parts: whole } : {}),
    ...(unseen === undefined ? {} : { questionNotes: [{ kind: "unseen", what: unseen.kind }] }),
  };
}

/** Ids of the messages with which the conversation ends that the model is shown. */
function knownOf(message: Message, newest: Turn | undefined): readonly number[] {
  if (newest === undefined) return [];
  const { parts, outcome, answer: text = "", messages, file } = newest;
  // An edit replies to what its question replied to, which was quoted or not.
  const { asked } = parts?.find((part) => part.message === message.message_id) ?? newest;
  if (asksIn(newest, message.message_id))
    return asked.some((part) => part.type === "text" && part.text.startsWith("> "))
      ? []
      : [message.reply_to_message?.message_id ?? 0];
  const isInHistory = outcome === "complete" || (outcome === "stopped" && text !== "");
  return isInHistory ? [...messages, file ?? 0] : [];
}

async function answer(
  ctx: BotContext,
  id: number,
  root: number,
  { asked, parts, askedAt, questionNotes, continuing, known, resumes }: Asked,
  newest: Turn | undefined,
): Promise<void> {
  const { deps, job } = ctx;
  const { conversation } = job;
  const question: Question = {
    conversation,
    id,
    root,
    run: job.updateId,
    userId: senderOf(ctx.update) ?? 0,
    language: ctx.from?.language_code,
    asked,
    parts,
    askedAt,
    questionNotes,
    retires: retiredBy(ctx, id, newest),
    continuing,
    resumes,
    known: known ?? (newest?.question === id ? newest : undefined),
  };
  // Asked anew, it does not wait for anybody any more.
  if (resumes !== true && newest?.question === id && newest.run !== job.updateId)
    await retireButtons(ctx, newest.asks?.message);
  const sinceArrival = () => Math.max(0, deps.now() - job.receivedAt);
  const line = answerLine(deps.log, sinceArrival);
  const formerButtons = createFormerButtons(ctx, question);
  const fetches = asked.some(({ type }) => type !== "text");
  const left = untilAsked(deps, job.signal, fetches ? deps.leaving : undefined);
  const { hearing } = left;
  const run = answerQuestion(
    {
      ...deps,
      models: left.models,
      hearing: hearing && {
        ...hearing,
        openEar: (turn, keep) => openEar(ctx, turn, keep),
      },
      speaking: speakingIn(ctx),
      permission: permissionIn(ctx),
      visible: showsAnything,
      work: ctx.work,
      observer: {
        turnEnded(ending) {
          deps.observer.turnEnded(ending.outcome, sinceArrival());
          if (ending.cached) deps.observer.answerCached();
          line.turnEnded(ending);
        },
        usage(entry) {
          deps.observer.usage(entry);
          line.usage(entry);
        },
      },
    },
    question,
    (turn, before, dropped) =>
      openScreen(ctx, turn, { before, dropped }, () => {
        job.showing?.();
        deps.observer.firstText(sinceArrival());
        line.firstText();
        formerButtons.take();
      }),
    left.signal,
    job.keeping,
  );
  try {
    await run;
  } catch (error) {
    await formerButtons.left();
    throw error;
  } finally {
    left.unlink();
  }
  await formerButtons.ended();
}

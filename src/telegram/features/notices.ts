/** Who is turned away, and with which words: strangers, those who write too fast, messages that the bot cannot read. */
import { Composer, GrammyError, type NextFunction } from "grammy";
import { messageOf } from "../../base/errors.ts";
import { standIns } from "../../base/stand-ins.ts";
import { classify, type TelegramVerdict } from "../../screen/telegram-errors.ts";
import { hasContent } from "../content.ts";
import { answerPress, type BotContext, callOf, placeOf, say } from "../context.ts";
import { mentions } from "../mentions.ts";
import { isPrivate, upgradeIn } from "../messages.ts";
import { senderOf } from "../senders.ts";

const strangerNoticeEveryMs = 3_600_000;
const forGood: ReadonlySet<TelegramVerdict> = new Set(["blocked", "refused", "message-gone", "moved", "topic-gone"]);

/**
 * A call that Telegram refuses for good is no reason to handle its update again: nobody reads here any more, the topic is
 * gone, the bot may not write. What may work later goes on to the queue.
 */
export async function refusedCalls(ctx: BotContext, next: NextFunction): Promise<void> {
  try {
    await next();
  } catch (error) {
    // The conversations plugin wraps what is thrown inside a dialog.
    const cause = error instanceof Error && error.cause instanceof GrammyError ? error.cause : error;
    const verdict = classify(cause);
    if (!forGood.has(verdict)) throw error;
    const place = placeOf(ctx);
    if (verdict === "blocked" && place !== undefined) await ctx.deps.store.markBlocked(place.chatId, ctx.deps.now());
    ctx.deps.log.warn({ reason: messageOf(cause) }, "Telegram refused a call for good");
  }
}

/** A group has become a supergroup, whoever has done it: its conversation goes along. Told twice, nothing happens. */
export async function upgrades(ctx: BotContext, next: NextFunction): Promise<void> {
  const upgrade = ctx.message === undefined ? undefined : upgradeIn(ctx.message);
  if (upgrade === undefined) return await next();
  const { store, log, allowed } = ctx.deps;
  await store.moveConversation(String(upgrade.from), String(upgrade.to));
  log.warn(upgrade, "a group has become a supergroup; its conversation goes on there");
  if (allowed(undefined, upgrade.from) && !allowed(undefined, upgrade.to)) {
    log.warn(upgrade, "ALLOWED_CHAT_IDS names the former id of a group; put its new one there");
  }
}

/** Keeps the marks of chats that cannot be written to, and drops what waited in one when it was blocked. */
export async function membership(ctx: BotContext, next: NextFunction): Promise<void> {
  const { store } = ctx.deps;
  const change = ctx.myChatMember;
  if (change !== undefined) {
    const status = change.new_chat_member.status;
    if (status === "kicked" || status === "left") await store.markBlocked(change.chat.id, ctx.job.receivedAt);
    else await store.unmarkBlocked(change.chat.id);
    return;
  }
  const place = placeOf(ctx);
  const blockedAt = place === undefined ? undefined : await store.blockedAt(place.chatId);
  if (place !== undefined && blockedAt !== undefined) {
    // A mark of a later time than now was made by a clock that has been set back.
    if (ctx.job.receivedAt <= blockedAt && blockedAt <= ctx.deps.now()) return;
    await store.unmarkBlocked(place.chatId);
  }
  await next();
}

/**
 * Tells strangers the id that their operator can let in, once an hour: their own, or, where somebody writes as a chat, that of
 * the group. Their commands in groups are met with silence.
 */
export async function access(ctx: BotContext, next: NextFunction): Promise<void> {
  const { allowed, log, store } = ctx.deps;
  const sender = senderOf(ctx.update);
  if (allowed(sender, ctx.chat?.id)) return await next();
  const id = sender !== undefined && sender > 0 ? sender : ctx.chat?.id;
  if (id === undefined || standIns.has(id)) return;
  const notice = id > 0 ? ctx.texts.notAllowed(id) : ctx.texts.groupNotAllowed(id);
  if (await store.firstWithin(`stranger-logged:${id}`, strangerNoticeEveryMs)) {
    log.info({}, "a stranger was turned away");
  }
  await answerPress(ctx, notice);
  const message = ctx.message;
  if (message === undefined || (!isPrivate(message.chat) && callOf(ctx) !== undefined)) return;
  const first = await store.firstWithin(`stranger:${id}`, strangerNoticeEveryMs);
  // A delivery that was cut short may have been the first, and said nothing yet.
  if (first || ctx.job.attempt > 1) await say(ctx, notice);
}

/** Answers what ingress has refused to carry out. */
export async function refusals(ctx: BotContext, next: NextFunction): Promise<void> {
  const { refusal } = ctx.job;
  if (refusal === undefined) return await next();
  const tell = refusal.reason === "lane-full" || refusal.tell;
  const text = refusal.reason === "rate" ? ctx.texts.rateLimited(refusal.waitSeconds) : ctx.texts.laneFull;
  if (ctx.callbackQuery !== undefined) await answerPress(ctx, tell ? text : undefined);
  else if (tell) await say(ctx, text);
}

/** What is left in the quick lane: unknown commands, messages without words, old buttons. */
export const leftovers = new Composer<BotContext>();

leftovers.on("callback_query", (ctx) => answerPress(ctx, ctx.texts.oldButton));
leftovers.on("message", async (ctx) => {
  if (callOf(ctx) !== undefined) await say(ctx, ctx.texts.unknownCommand);
  else if (ctx.message.text !== undefined && mentions(ctx.message, ctx.me)) await say(ctx, ctx.texts.emptyMention);
  else if (hasContent(ctx.message)) await say(ctx, ctx.texts.unsupported);
});

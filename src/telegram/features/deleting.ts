/** `/privacy` and `/delete`: what is kept of people, and the end of it. */
import { createHash } from "node:crypto";
import { Composer } from "grammy";
import type { Update } from "grammy/types";
import type { DeadUpdate } from "../../ports/queue.ts";
import { isExpired, type Press, pressData } from "../../screen/buttons.ts";
import { answerPress, type BotContext, buttonsOf, isCommand, pressOf, retire, say, tolerate } from "../context.ts";
import { isPrivate } from "../messages.ts";
import { senderOf } from "../senders.ts";
import { waitingHere } from "./permissions.ts";

/** Whoever is forgotten begins anew with a full bucket; that must not be a way around the rate limit. */
const onceInMs = 60_000;

type ErasePress = Extract<Press, { readonly action: "erase" }>;

/** Quick lane: what is said before anything is deleted, and the presses that delete nothing. */
export const privacy = new Composer<BotContext>();

privacy.filter(isCommand("privacy"), (ctx) => say(ctx, ctx.texts.privacy(ctx.deps.privacy)));

privacy.filter(isCommand("delete"), async (ctx) => {
  const user = senderOf(ctx.update);
  // Nobody can press a button as a chat.
  if (user === undefined || user <= 0) return await say(ctx, ctx.texts.deleteAsYourself);
  const at = Math.floor(ctx.job.receivedAt / 1000);
  const buttons = (["yes", "no"] as const).map((choice) => [
    {
      text: choice === "yes" ? ctx.texts.labels.erase : ctx.texts.labels.cancel,
      callback_data: pressData({ action: "erase", choice, user, at }),
    },
  ]);
  const group = ctx.chat !== undefined && !isPrivate(ctx.chat);
  await say(ctx, ctx.texts.deleteAsk(group), { inline_keyboard: buttons });
});

privacy.filter(
  (ctx) => pressOf(ctx)?.action === "erase",
  async (ctx) => {
    const { user } = pressOf(ctx) as ErasePress;
    if (user !== senderOf(ctx.update)) return await answerPress(ctx, ctx.texts.notYourButton);
    await answerPress(ctx);
    await answerInPlace(ctx, ctx.texts.deleteCancelled);
  },
);

/** Turn lane of the asker's own conversation, whose answer the press has ended as `/new` does. */
export const erasing = new Composer<BotContext>();

erasing.filter(
  (ctx) => pressOf(ctx)?.action === "erase",
  async (ctx) => {
    const { store, directory, spending, now } = ctx.deps;
    const { receivedAt, attempt } = ctx.job;
    const { user, at } = pressOf(ctx) as ErasePress;
    if (isExpired(at, receivedAt)) return await answerInPlace(ctx, ctx.texts.deleteExpired);
    const mark = createHash("sha256")
      .update(`${user} ${Math.floor(now() / 86_400_000)}`)
      .digest("base64url");
    const first = await store.firstWithin(`erased:${mark}`, onceInMs);
    // A delivery before this one may have come to its middle.
    if (!first && attempt === 1) return await answerInPlace(ctx, ctx.texts.deletedJustNow);
    const own = String(user);
    const newest = await store.newestTurn(own);
    const buttons = buttonsOf(ctx, newest);
    const asking = (await waitingHere(ctx, own)).flatMap(({ asks }) => asks?.message ?? []);
    await store.eraseUser(user);
    const budgets = Object.keys(spending.budgets).length > 0;
    await store.ledger.erase(user, budgets);
    await ctx.deps.eraseDead((update) => update.conversation === own || isFrom(update, user));
    await ctx.deps.forgetRates(user);
    await directory.forget(user);
    await answerInPlace(ctx, ctx.texts.deleted(budgets));
    if (buttons !== undefined) await retire(ctx, { ...buttons, chatId: user });
    for (const messageId of asking) await retire(ctx, { chatId: user, messageId });
  },
);

/** The question is replaced by what came of it, so that a delivery of the same press says nothing twice. */
async function answerInPlace(ctx: BotContext, text: string): Promise<void> {
  await tolerate(ctx, ctx.editMessageText(text));
}

function isFrom({ body }: DeadUpdate, user: number): boolean {
  try {
    return senderOf(JSON.parse(body) as Update) === user;
  } catch {
    return false;
  }
}

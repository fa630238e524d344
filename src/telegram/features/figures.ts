import { Composer } from "grammy";
import { type BotContext, isAdmin, isCommand, say } from "../context.ts";
import { senderOf } from "../senders.ts";

/** `/stats` and `/usage`. */
export const figures = new Composer<BotContext>();

figures.filter(isCommand("stats"), async (ctx) => {
  const { deps } = ctx;
  const queue = isAdmin(ctx) ? await deps.queueStats() : undefined;
  const megabytes = Math.round(process.memoryUsage.rss() / 1e6);
  await say(ctx, ctx.texts.stats({ ...deps.figures(), queue, megabytes }));
});

figures.filter(isCommand("usage"), async (ctx) => {
  const sender = senderOf(ctx.update);
  if (sender === undefined) return;
  const { store, now } = ctx.deps;
  const midnight = new Date(now()).setUTCHours(0, 0, 0, 0);
  const of = { userId: sender };
  const [[today], [total]] = await Promise.all([
    store.ledger.totals({ of, from: midnight }),
    store.ledger.totals({ of }),
  ]);
  if (today !== undefined && total !== undefined) await say(ctx, ctx.texts.usage(today, total));
});

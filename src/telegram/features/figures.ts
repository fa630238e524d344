import { Composer, GrammyError, InputFile } from "grammy";
import { messageOf } from "../../base/errors.ts";
import { sendOptions } from "../../screen/place.ts";
import { type BotContext, isAdmin, isCommand, placeOf, say } from "../context.ts";
import { isPrivate } from "../messages.ts";
import { senderOf } from "../senders.ts";

/** Telegram's limit for the words below a picture, in UTF-16 units. */
const maxCaptionUnits = 1024;

/** `/stats` and `/usage`. */
export const figures = new Composer<BotContext>();

figures.filter(isCommand("stats"), async (ctx) => {
  const { deps } = ctx;
  const megabytes = Math.round(process.memoryUsage.rss() / 1e6);
  if (!isAdmin(ctx)) return await say(ctx, ctx.texts.stats({ ...deps.figures(), queue: undefined, megabytes }));
  const { readCostStats, drawCosts } = await import("./cost-stats.ts");
  const [queue, costs] = await Promise.all([deps.queueStats(), readCostStats(deps, ctx.texts)]);
  const words = `${ctx.texts.stats({ ...deps.figures(), queue, megabytes })}\n\n${ctx.texts.costStats(costs)}`;
  const picture = await drawCosts(deps, ctx.texts);
  if (picture === undefined || words.length > maxCaptionUnits || !(await show(ctx, picture, words))) {
    await say(ctx, words);
  }
});

/** Sends a picture with words below it; false when Telegram does not take it. */
async function show(ctx: BotContext, picture: Buffer, caption: string): Promise<boolean> {
  const [place, message] = [placeOf(ctx), ctx.message];
  if (place === undefined || message === undefined) return false;
  const replyTo = isPrivate(message.chat) ? undefined : message.message_id;
  try {
    const options = { caption, ...sendOptions({ threadId: place.threadId, replyTo }) };
    await ctx.api.sendPhoto(place.chatId, new InputFile(picture, "costs.png"), options);
    return true;
  } catch (error) {
    if (!(error instanceof GrammyError)) throw error;
    ctx.deps.log.warn({ reason: messageOf(error) }, "Telegram did not take the picture of the costs");
    return false;
  }
}

figures.filter(isCommand("usage"), async (ctx) => {
  const sender = senderOf(ctx.update);
  if (sender === undefined) return;
  const { store, now } = ctx.deps;
  const { ledger } = store;
  const of = { userId: sender };
  const at = now();
  const [[today], [month], [total], byModel] = await Promise.all([
    ledger.totals({ of, from: at }),
    ledger.totals({ of, from: new Date(at).setUTCDate(1) }),
    ledger.totals({ of }),
    ledger.totals({ of, by: "model" }),
  ]);
  if (today === undefined || month === undefined || total === undefined) return;
  const models = byModel.map((totals) => ({ model: totals.key, totals }));
  models.sort((one, other) => other.totals.cost - one.totals.cost || other.totals.answers - one.totals.answers);
  await say(ctx, ctx.texts.usage(today, month, total, models));
});

import { Composer } from "grammy";
import { sendOptions } from "../../screen/place.ts";
import { type BotContext, isAdmin, isCommand, placeOf, say } from "../context.ts";
import { isPrivate } from "../messages.ts";
import { aside } from "../waiting.ts";

/** For all admins together: each look asks models, which costs. */
const onceInMs = 60_000;

/** `/doctor`: what `npm run doctor` looks at, from within the bot. */
export const examining = new Composer<BotContext>();

examining.filter(isCommand("doctor"), async (ctx) => {
  const { deps, job, texts } = ctx;
  const place = placeOf(ctx);
  if (!isAdmin(ctx) || place === undefined) return await say(ctx, texts.unknownCommand);
  if (ctx.message === undefined || !isPrivate(ctx.message.chat)) return await say(ctx, texts.doctorElsewhere);
  const first = await deps.store.firstWithin("doctor", onceInMs);
  // A delivery before this one may have taken the minute, and then failed.
  if (!first && job.attempt === 1) return await say(ctx, texts.doctorTooSoon);
  const { message_id } = await ctx.api.sendMessage(place.chatId, texts.doctorLooking, sendOptions(place));
  const report = texts.doctorReport(await aside(job, deps.examine()));
  await ctx.api.editMessageText(place.chatId, message_id, report);
});

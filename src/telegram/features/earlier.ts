/** The button below the first answer after a pause: the model is shown again what stands before it. */
import { Composer } from "grammy";
import { answerOf, mayBringBack } from "../../chat/continuation.ts";
import { keyboardBelow } from "../../screen/buttons.ts";
import { chatOf, markupOf } from "../../screen/place.ts";
import { type BotContext, placeOf, pressOf, retirePressed, tolerate } from "../context.ts";

/** Turn lane, before the dialogs, so that a question behind the press has its effect. */
export const earlier = new Composer<BotContext>();

earlier.filter(
  (ctx) => pressOf(ctx)?.action === "earlier",
  async (ctx) => {
    const { store } = ctx.deps;
    const press = pressOf(ctx);
    const pressed = ctx.callbackQuery?.message?.message_id;
    const newest = await store.newestTurn(ctx.job.conversation);
    const place = placeOf(ctx);
    // The press itself was answered when it arrived.
    if (press?.action !== "earlier" || newest === undefined || answerOf(newest) !== press.question) {
      return await retirePressed(ctx);
    }
    if (pressed === undefined || place === undefined || newest.messages.at(-1) !== pressed) return;
    if (mayBringBack(newest, press)) {
      await ctx.session.set("broughtBack", String(newest.root));
      await store.beginTurn({ ...newest, button: "regenerate" });
      // A delivery before this one may have come no further; a second press finds nothing to do.
    } else if (ctx.job.attempt === 1) return;
    const keyboard = keyboardBelow(ctx.texts.labels, "regenerate", newest, newest.notes);
    await tolerate(ctx, ctx.api.editMessageReplyMarkup(chatOf(newest, place.chatId), pressed, markupOf(keyboard)));
  },
);

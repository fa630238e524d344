import { Composer } from "grammy";
import type { ReplyKeyboardMarkup } from "grammy/types";
import { modelFor } from "../../chat/turn.ts";
import type { Texts } from "../../texts/texts.ts";
import { commandLines } from "../commands.ts";
import { type BotContext, isAdmin, isCommand, say } from "../context.ts";
import { isPrivate } from "../messages.ts";
import { modelLabel } from "../model-list.ts";

/** `/start` and `/help`. */
export const welcome = new Composer<BotContext>();

welcome.filter(isCommand("start"), async (ctx) => {
  const { names } = ctx.deps.models;
  const { model } = await ctx.session.read();
  const text = ctx.texts.start(modelLabel(names, modelFor(names, model)));
  if (ctx.message === undefined || !isPrivate(ctx.message.chat)) return await say(ctx, text);
  // Marked first: taking away a keyboard that is not there does no harm.
  await ctx.session.set("examples", "shown");
  await say(ctx, text, exampleQuestions(ctx.texts));
});

welcome.filter(isCommand("help"), (ctx) =>
  say(ctx, ctx.texts.help(commandLines(ctx.texts, isAdmin(ctx) ? "admins" : "everybody"))),
);

/** A press is the user's own message, so nothing has to be handled here. */
function exampleQuestions({ examples, examplesPlaceholder }: Texts): ReplyKeyboardMarkup {
  return {
    keyboard: examples.map((text) => [{ text }]),
    one_time_keyboard: true,
    resize_keyboard: true,
    input_field_placeholder: examplesPlaceholder,
  };
}

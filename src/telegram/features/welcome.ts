import { Composer } from "grammy";
import type { ReplyKeyboardMarkup } from "grammy/types";
import { modelFor } from "../../chat/turn.ts";
import { examples, texts } from "../../texts/english.ts";
import { commands } from "../commands.ts";
import { type BotContext, isCommand, say } from "../context.ts";
import { isPrivate } from "../messages.ts";
import { modelLabel } from "../model-list.ts";

/** `/start` and `/help`. */
export const welcome = new Composer<BotContext>();

welcome.filter(isCommand("start"), async (ctx) => {
  const { names } = ctx.deps.models;
  const { model } = await ctx.session.read();
  const text = texts.start(modelLabel(names, modelFor(names, model)));
  if (ctx.message === undefined || !isPrivate(ctx.message.chat)) return await say(ctx, text);
  // Marked first: to take away what is not there harms nobody.
  await ctx.session.set("examples", "shown");
  await say(ctx, text, exampleQuestions);
});

welcome.filter(isCommand("help"), (ctx) => say(ctx, texts.help(commands)));

/** A press is the user's own message, so nothing has to be handled here. */
const exampleQuestions: ReplyKeyboardMarkup = {
  keyboard: examples.map((text) => [{ text }]),
  one_time_keyboard: true,
  resize_keyboard: true,
  input_field_placeholder: texts.examplesPlaceholder,
};

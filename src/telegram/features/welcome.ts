import { Composer } from "grammy";
import { modelFor } from "../../chat/turn.ts";
import { texts } from "../../texts.ts";
import { commands } from "../commands.ts";
import { type BotContext, isCommand, say } from "../context.ts";

/** `/start` and `/help`. */
export const welcome = new Composer<BotContext>();

welcome.filter(isCommand("start"), async (ctx) => {
  const { model } = await ctx.session.read();
  await say(ctx, texts.start(modelFor(ctx.deps.models.names, model)));
});

welcome.filter(isCommand("help"), (ctx) => say(ctx, texts.help(commands)));

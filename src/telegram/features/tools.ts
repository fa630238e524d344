/** `/tools`: what the model may have looked up and done here, and whether it may. */
import { Composer } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { pressData, type ToolsChoice, toolsChoices } from "../../screen/buttons.ts";
import { choosing } from "../choosing.ts";
import { type BotContext, callOf, isAdmin, isCommand, say } from "../context.ts";
import { senderOf } from "../senders.ts";
import { remembersHere } from "./memory.ts";

export const tools = new Composer<BotContext>();

const isTools = isCommand("tools");

tools.filter(
  (ctx) => isTools(ctx) && ctx.deps.tools === undefined,
  (ctx) => say(ctx, ctx.texts.noTools),
);

/** `/tools confirm NAME`: an admin takes a tool as its server has changed it. */
tools.filter(
  (ctx) => isTools(ctx) && isAdmin(ctx) && confirmedIn(ctx) !== undefined,
  async (ctx) => {
    const name = confirmedIn(ctx) ?? "";
    const isConfirmed = (await ctx.deps.tools?.confirm(name)) === true;
    await say(ctx, isConfirmed ? ctx.texts.toolConfirmed(name) : ctx.texts.toolNotChanged(name));
  },
);

tools.use(choosing({ name: "tools", choices: toolsChoices, choose, stateOf }));

function confirmedIn(ctx: BotContext): string | undefined {
  const [word, name] = (callOf(ctx)?.argument ?? "").trim().split(/\s+/);
  return word?.toLowerCase() === "confirm" ? name : undefined;
}

async function choose(ctx: BotContext, choice: ToolsChoice): Promise<void> {
  await ctx.session.set("tools", choice === "off" ? "off" : undefined);
}

async function stateOf(ctx: BotContext): Promise<{ text: string; keyboard: InlineKeyboardMarkup }> {
  const { tools: setting } = await ctx.session.read();
  const current: ToolsChoice = setting ?? "on";
  const { conversation } = ctx.job;
  const to = {
    ...{ conversation, userId: senderOf(ctx.update) ?? 0, isPrivate: !conversation.startsWith("-") },
    remembers: await remembersHere(ctx),
  };
  const listed = (await ctx.deps.tools?.listed(to)) ?? [];
  const { labels } = ctx.texts;
  const button = (text: string, choice: ToolsChoice) => ({
    text: choice === current ? `✅ ${text}` : text,
    callback_data: pressData({ action: "tools", choice }),
  });
  return {
    text: ctx.texts.toolList({ on: current === "on", listed, admin: isAdmin(ctx) }),
    keyboard: { inline_keyboard: [[button(labels.toolsOn, "on"), button(labels.toolsOff, "off")]] },
  };
}

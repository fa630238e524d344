/** `/tools`: what the model may have looked up and done here, whether it may, and each of them switched on and off. */
import { Composer } from "grammy";
import type { InlineKeyboardButton } from "grammy/types";
import { type ListedTool, switchedOff, switchOf } from "../../ports/tools.ts";
import { pressData, type ToolsChoice, toolsChoices } from "../../screen/buttons.ts";
import { choosing, type Shown, showAnew } from "../choosing.ts";
import { answerPress, type BotContext, callOf, isAdmin, isCommand, pressOf, say } from "../context.ts";
import { nameKey } from "../model-list.ts";
import { senderOf } from "../senders.ts";
import { remembersHere } from "./memory.ts";

export const tools = new Composer<BotContext>();

const isTools = isCommand("tools");
/** More buttons than these are too many for one message. */
const mostSwitches = 60;

tools.filter(
  (ctx) => isTools(ctx) && ctx.deps.tools === undefined,
  (ctx) => say(ctx, ctx.texts.noTools),
);

/** `/tools confirm NAME`: an admin takes a tool as its server has changed it. */
tools.filter(
  (ctx) => isTools(ctx) && isAdmin(ctx) && argumentsIn(ctx)?.word === "confirm",
  async (ctx) => {
    const name = argumentsIn(ctx)?.name ?? "";
    const isConfirmed = (await ctx.deps.tools?.confirm(name)) === true;
    await say(ctx, isConfirmed ? ctx.texts.toolConfirmed(name) : ctx.texts.toolNotChanged(name));
  },
);

/** `/tools off NAME`, `/tools on NAME`: one tool, or all of a server. */
tools.filter(
  (ctx) => isTools(ctx) && choiceIn(argumentsIn(ctx)?.word) !== undefined,
  async (ctx) => {
    const { word, name = "" } = argumentsIn(ctx) ?? {};
    const wanted = name.toLowerCase();
    const listed = await listedHere(ctx);
    const found = listed.find((tool) => [switchOf(tool), tool.name].some((one) => one.toLowerCase() === wanted));
    if (found === undefined) return await say(ctx, ctx.texts.noSuchTool(name));
    await flip(ctx, switchOf(found), choiceIn(word) ?? "on");
    const { text, keyboard } = await stateOf(ctx);
    await say(ctx, text, keyboard);
  },
);

tools.filter(
  (ctx) => pressOf(ctx)?.action === "tool",
  async (ctx) => {
    const press = pressOf(ctx);
    if (press?.action !== "tool") return;
    const name = (await listedHere(ctx)).map(switchOf).find((one) => nameKey(one) === press.key);
    if (name !== undefined) await flip(ctx, name, press.choice);
    await answerPress(ctx);
    await showAnew(ctx, await stateOf(ctx));
  },
);

tools.use(choosing({ name: "tools", choices: toolsChoices, choose, stateOf }));

/** What follows the command, where that is a word and a name. */
function argumentsIn(ctx: BotContext): { readonly word: string; readonly name: string } | undefined {
  const [word, name] = (callOf(ctx)?.argument ?? "").trim().split(/\s+/);
  return word === undefined || name === undefined ? undefined : { word: word.toLowerCase(), name };
}

function choiceIn(word: string | undefined): ToolsChoice | undefined {
  return toolsChoices.find((one) => one === word);
}

async function choose(ctx: BotContext, choice: ToolsChoice): Promise<void> {
  await ctx.session.set("tools", choice === "off" ? "off" : undefined);
}

/** Presses of a conversation come one after another, so none is lost between reading and writing. */
async function flip(ctx: BotContext, name: string, choice: ToolsChoice): Promise<void> {
  const off = new Set(switchedOff((await ctx.session.read()).toolsOff));
  if (choice === "off") off.add(name);
  else off.delete(name);
  await ctx.session.set("toolsOff", off.size === 0 ? undefined : [...off].join(" "));
}

async function listedHere(ctx: BotContext): Promise<readonly ListedTool[]> {
  const { toolsOff } = await ctx.session.read();
  const { conversation } = ctx.job;
  const to = {
    ...{ conversation, userId: senderOf(ctx.update) ?? 0, isPrivate: !conversation.startsWith("-") },
    ...{ remembers: await remembersHere(ctx), without: switchedOff(toolsOff) },
  };
  return (await ctx.deps.tools?.listed(to)) ?? [];
}

async function stateOf(ctx: BotContext): Promise<Shown> {
  const { tools: setting } = await ctx.session.read();
  const current: ToolsChoice = setting ?? "on";
  const listed = await listedHere(ctx);
  const { labels } = ctx.texts;
  const button = (text: string, choice: ToolsChoice) => ({
    text: choice === current ? `✅ ${text}` : text,
    callback_data: pressData({ action: "tools", choice }),
  });
  const all = [button(labels.toolsOn, "on"), button(labels.toolsOff, "off")];
  return {
    text: ctx.texts.toolList({ on: current === "on", listed, admin: isAdmin(ctx) }),
    keyboard: { inline_keyboard: [all, ...(current === "on" ? switches(listed) : [])] },
  };
}

/** A button for each tool of our own and each server, two in a row. */
function switches(listed: readonly ListedTool[]): InlineKeyboardButton[][] {
  const usable = listed.filter(({ disabled }) => disabled === undefined);
  const names = new Map(usable.map((tool) => [switchOf(tool), tool.off === true]));
  const buttons = [...names].slice(0, mostSwitches).map(([name, off]) => ({
    text: off ? name : `✅ ${name}`,
    callback_data: pressData({ action: "tool", choice: off ? "on" : "off", key: nameKey(name) }),
  }));
  return buttons.flatMap((_, at) => (at % 2 === 0 ? [buttons.slice(at, at + 2)] : []));
}

import type { InlineKeyboardMarkup } from "grammy/types";
import { modelFor } from "../../chat/turn.ts";
import { pressData, type ThinkChoice, thinkChoices } from "../../screen/buttons.ts";
import { choosing } from "../choosing.ts";
import type { BotContext } from "../context.ts";
import { senderOf } from "../senders.ts";

/** `/think`: how much the model thinks in this conversation, and whether who asks sees a summary of it. */
export const think = choosing({ name: "think", choices: thinkChoices, choose, stateOf });

async function choose(ctx: BotContext, choice: ThinkChoice): Promise<void> {
  const user = userOf(ctx);
  if (choice === "show" || choice === "hide") {
    if (user !== undefined) {
      await ctx.deps.store.setSetting(user, "thoughts", choice === "show" ? "shown" : undefined);
    }
  } else await ctx.session.set("effort", choice === "default" ? undefined : choice);
}

async function stateOf(ctx: BotContext): Promise<{ text: string; keyboard: InlineKeyboardMarkup }> {
  const { models } = ctx.deps;
  const settings = await ctx.session.read();
  const model = modelFor(models.names, settings.model);
  const { efforts, known } = models.capabilities(model);
  const { effort } = settings;
  const strong = model === models.auto?.name ? models.auto.models.strong : undefined;
  const shown = await shows(ctx);
  return {
    text: ctx.texts.think({ model, strong, effort, efforts, known, shown }),
    keyboard: keyboardOf(ctx, effort ?? "default", shown),
  };
}

async function shows(ctx: BotContext): Promise<boolean> {
  const user = userOf(ctx);
  return user !== undefined && (await ctx.deps.store.readSettings(user)).thoughts !== undefined;
}

/** What a person has set for all chats stands where a private chat with them has its settings. */
function userOf(ctx: BotContext): string | undefined {
  const sender = senderOf(ctx.update);
  return sender === undefined ? undefined : String(sender);
}

function keyboardOf({ texts }: BotContext, current: ThinkChoice, shown: boolean): InlineKeyboardMarkup {
  const { labels } = texts;
  const button = (text: string, choice: ThinkChoice) => ({
    text: choice === current ? `✅ ${text}` : text,
    callback_data: pressData({ action: "think", choice }),
  });
  return {
    inline_keyboard: [
      [button(labels.thinkOff, "off"), button(labels.thinkLow, "low"), button(labels.thinkHigh, "high")],
      [
        button(labels.default, "default"),
        shown ? button(labels.hideThoughts, "hide") : button(labels.showThoughts, "show"),
      ],
    ],
  };
}

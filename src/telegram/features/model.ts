import { createHash } from "node:crypto";
import { Composer } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { modelFor } from "../../chat/turn.ts";
import { pressData } from "../../reply/buttons.ts";
import { texts } from "../../texts.ts";
import { answerPress, type BotContext, callOf, isCommand, pressOf, say, tolerate } from "../context.ts";

/** Telegram takes 100 buttons; the rest of a longer list is chosen by name. */
const maxButtons = 90;

/** `/model`: the list of models as buttons, or a model by name. */
export const model = new Composer<BotContext>();

model.filter(isCommand("model"), async (ctx) => {
  const { names } = ctx.deps.models;
  const current = modelFor(names, (await ctx.session.read()).model);
  const wanted = callOf(ctx)?.argument ?? "";
  if (wanted === "") return await say(ctx, texts.chooseModel(current), modelKeyboard(names, current));
  const chosen = findModel(names, wanted);
  if (chosen === undefined) {
    return await say(ctx, texts.unknownModel(wanted.slice(0, 100)), modelKeyboard(names, current));
  }
  await ctx.session.set("model", chosen);
  await say(ctx, texts.modelSet(chosen));
});

model.filter(
  (ctx) => pressOf(ctx)?.action === "model",
  async (ctx) => {
    const { names } = ctx.deps.models;
    const press = pressOf(ctx);
    const chosen = names.find((name) => press?.action === "model" && modelKey(name) === press.key);
    if (chosen === undefined) return await answerPress(ctx, texts.modelGone);
    const former = modelFor(names, (await ctx.session.read()).model);
    await ctx.session.set("model", chosen);
    await answerPress(ctx, texts.modelSet(chosen));
    if (former === chosen) return;
    const text = texts.chooseModel(chosen);
    await tolerate(ctx, ctx.editMessageText(text, { reply_markup: modelKeyboard(names, chosen) }));
  },
);

/** Finds a model by `provider/model`, or by the model's name alone where only one provider has it; any case. */
export function findModel(names: readonly string[], wanted: string): string | undefined {
  const lower = wanted.toLowerCase();
  const exact = names.find((name) => name === wanted) ?? names.find((name) => name.toLowerCase() === lower);
  if (exact !== undefined) return exact;
  const alone = names.filter((name) => name.slice(name.indexOf("/") + 1).toLowerCase() === lower);
  return alone.length === 1 ? alone[0] : undefined;
}

function modelKeyboard(names: readonly string[], current: string): InlineKeyboardMarkup {
  return {
    inline_keyboard: names.slice(0, maxButtons).map((name) => [
      {
        text: name === current ? `✅ ${name}` : name,
        callback_data: pressData({ action: "model", key: modelKey(name) }),
      },
    ]),
  };
}

/** A name may be longer than the 64 bytes of a button's data, and the list may change while buttons stand in chats. */
function modelKey(name: string): string {
  return createHash("sha256").update(name).digest("base64url").slice(0, 16);
}

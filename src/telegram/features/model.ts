import { Composer } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { modelFor } from "../../chat/turn.ts";
import { answerPress, type BotContext, callOf, isCommand, pressOf, say, tolerate } from "../context.ts";
import {
  carriedSearch,
  findModel,
  isLongList,
  type ModelView,
  matchingModels,
  modelKeyboard,
  modelWithKey,
  providerWithKey,
  remarked,
} from "../model-list.ts";

/** `/model`: the models as buttons, those that a word finds, or a model by its name. */
export const model = new Composer<BotContext>();

model.filter(isCommand("model"), async (ctx) => {
  const { names } = ctx.deps.models;
  const current = await currentModel(ctx);
  const wanted = callOf(ctx)?.argument ?? "";
  const chosen = findModel(names, wanted);
  if (chosen !== undefined) {
    await ctx.session.set("model", chosen);
    return await say(ctx, ctx.texts.modelSet(described(ctx, chosen)));
  }
  const search = carriedSearch(wanted);
  const found = search !== "" && matchingModels(names, search).length > 0;
  const view = { page: 0, search: found ? search : undefined };
  const text =
    found || wanted === "" ? headingOf(ctx, names, current, view) : ctx.texts.unknownModel(wanted.slice(0, 100));
  const told = await lastChoice(ctx, current);
  await say(
    ctx,
    told === undefined ? text : `${told}\n\n${text}`,
    modelKeyboard(ctx.texts.labels, names, current, view),
  );
});

model.filter(
  (ctx) => pressOf(ctx)?.action === "models",
  async (ctx) => {
    const press = pressOf(ctx);
    if (press?.action !== "models") return;
    const { names } = ctx.deps.models;
    const { action: _known, ...view } = press;
    const current = await currentModel(ctx);
    await answerPress(ctx);
    await show(ctx, headingOf(ctx, names, current, view), modelKeyboard(ctx.texts.labels, names, current, view));
  },
);

model.filter(
  (ctx) => pressOf(ctx)?.action === "model",
  async (ctx) => {
    const { names } = ctx.deps.models;
    const press = pressOf(ctx);
    const chosen = press?.action === "model" ? modelWithKey(names, press.key) : undefined;
    if (chosen === undefined) return await answerPress(ctx, ctx.texts.modelGone);
    const former = await currentModel(ctx);
    await ctx.session.set("model", chosen);
    await answerPress(ctx, ctx.texts.modelSet(chosen));
    if (former === chosen) return;
    const shown = ctx.callbackQuery?.message?.reply_markup;
    await show(
      ctx,
      ctx.texts.chooseModel(described(ctx, chosen)),
      shown === undefined ? modelKeyboard(ctx.texts.labels, names, chosen, { page: 0 }) : remarked(shown, chosen),
    );
  },
);

async function currentModel(ctx: BotContext): Promise<string> {
  return modelFor(ctx.deps.models.names, (await ctx.session.read()).model);
}

/** A model with what answers in its place when it fails. */
function described({ deps, texts }: BotContext, name: string): string {
  const behind = deps.models.behind(name);
  return behind.length === 0 ? name : texts.withBehind(name, behind);
}

/** Which model `auto` has sent the newest question to, and why, where `auto` goes on choosing. */
async function lastChoice({ deps, job, texts }: BotContext, current: string): Promise<string | undefined> {
  if (current !== deps.models.auto?.name) return undefined;
  const chosen = (await deps.store.newestTurn(job.conversation))?.auto;
  return chosen === undefined ? undefined : texts.autoChose(chosen.model, chosen.because);
}

function headingOf(
  ctx: BotContext,
  names: readonly string[],
  chosenModel: string,
  { provider, search }: ModelView,
): string {
  const { texts } = ctx;
  const current = described(ctx, chosenModel);
  if (search !== undefined) return texts.modelsFound(current, search);
  const chosen = provider === undefined ? undefined : providerWithKey(names, provider);
  if (chosen !== undefined) return texts.modelsOf(current, chosen);
  return isLongList(names) ? texts.chooseFromMany(current) : texts.chooseModel(current);
}

async function show(ctx: BotContext, text: string, keyboard: InlineKeyboardMarkup): Promise<void> {
  await tolerate(ctx, ctx.editMessageText(text, { reply_markup: keyboard }));
}

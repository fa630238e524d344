import { Composer } from "grammy";
import { modelFor } from "../../chat/turn.ts";
import { type BotContext, buttonsOf, isCommand, retire, say } from "../context.ts";
import { leaveWaiting } from "./permissions.ts";

/** `/new` and `/reset`: turn lane, so that they come after the answer which they interrupted. */
export const forgetting = new Composer<BotContext>();

forgetting.filter(isCommand("new"), async (ctx) => {
  await forget(ctx);
  await say(ctx, ctx.texts.newConversation);
});

forgetting.filter(isCommand("reset"), async (ctx) => {
  await forget(ctx);
  await ctx.session.set("model", undefined);
  await ctx.session.set("persona", undefined);
  await ctx.session.set("effort", undefined);
  await say(ctx, ctx.texts.reset(modelFor(ctx.deps.models.names, undefined)));
});

/** Forgets the conversation, and leaves a mark so that edits of the questions before it are known to be old. */
async function forget(ctx: BotContext): Promise<void> {
  const { store } = ctx.deps;
  const { conversation, updateId } = ctx.job;
  await leaveWaiting(ctx, "stopped");
  const newest = await store.newestTurn(conversation);
  await ctx.session.forget();
  const question = ctx.message?.message_id ?? 0;
  await store.beginTurn({
    conversation,
    question,
    root: question,
    run: updateId,
    state: "done",
    asked: [],
    messages: [],
  });
  await retire(ctx, buttonsOf(ctx, newest));
}

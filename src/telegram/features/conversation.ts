import { Composer, InputFile } from "grammy";
import { modelFor } from "../../chat/turn.ts";
import type { Exchange } from "../../ports.ts";
import { texts } from "../../texts.ts";
import { type BotContext, isCommand, placeOf, say, tolerate } from "../context.ts";

/** `/new` and `/reset`: turn lane, so that they come after the answer which they interrupted. */
export const forgetting = new Composer<BotContext>();

forgetting.filter(isCommand("new"), async (ctx) => {
  await forget(ctx);
  await say(ctx, texts.newConversation);
});

forgetting.filter(isCommand("reset"), async (ctx) => {
  await forget(ctx);
  await ctx.session.set("model", undefined);
  await ctx.session.set("persona", undefined);
  await say(ctx, texts.reset(modelFor(ctx.deps.models.names, undefined)));
});

/** Forgets the conversation, and leaves a mark so that edits of the questions before it are known to be old. */
async function forget(ctx: BotContext): Promise<void> {
  const { store } = ctx.deps;
  const { conversation, updateId } = ctx.job;
  const newest = await store.newestTurn(conversation);
  await ctx.session.forget();
  const question = ctx.message?.message_id ?? 0;
  await store.beginTurn({
    conversation,
    question,
    root: question,
    run: updateId,
    state: "done",
    asked: "",
    messages: [],
  });
  const last = newest?.messages.at(-1);
  const place = placeOf(ctx);
  if (last === undefined || place === undefined || newest?.button === undefined) return;
  await tolerate(ctx, ctx.api.editMessageReplyMarkup(place.chatId, last));
}

/** `/export`: the conversation as a Markdown file. */
export const exporting = new Composer<BotContext>();

exporting.filter(isCommand("export"), async (ctx) => {
  const history = await ctx.session.history();
  const place = placeOf(ctx);
  if (history.length === 0 || place === undefined) return await say(ctx, texts.exportEmpty);
  const { chatId, threadId } = place;
  await ctx.api.sendDocument(chatId, new InputFile(Buffer.from(exportMarkdown(history)), "conversation.md"), {
    caption: texts.exportCaption,
    ...(threadId === undefined ? {} : { message_thread_id: threadId }),
  });
});

/** Writes a conversation as Markdown, oldest exchange first, with the time of each in UTC. */
export function exportMarkdown(history: readonly Exchange[]): string {
  const parts = history.map((exchange) => {
    const time = new Date(exchange.at).toISOString().slice(0, 16).replace("T", " ");
    const asked = exchange.asked.split("\n").map((line) => `> ${line}`);
    return `## ${time} UTC\n\n${asked.join("\n")}\n\n${exchange.answered}\n`;
  });
  return `# Conversation\n\n${parts.join("\n")}`;
}

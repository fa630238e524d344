/** `/image`: a picture of words, or one that changes what the command replies to. */
import { Composer, InputFile } from "grammy";
import type { Message } from "grammy/types";
import { messageOf } from "../../base/errors.ts";
import { drawPicture, type Easel, type Motif, motifOf } from "../../chat/drawing.ts";
import type { MediaReference } from "../../ports/content.ts";
import { MediaError } from "../../ports/media.ts";
import { drawnKeyboard } from "../../screen/buttons.ts";
import { createForerunner } from "../../screen/forerunner.ts";
import { sendOptions } from "../../screen/place.ts";
import { linesOf } from "../../texts/texts.ts";
import { answerPress, type BotContext, callOf, isCommand, placeOf, pressOf, retirePressed, say } from "../context.ts";
import { referenceIn } from "../references.ts";
import { senderOf } from "../senders.ts";
import { sendPicture } from "../sent-pictures.ts";
import { aside } from "../waiting.ts";

/** More than any photo of Telegram has. */
const largestBytes = 20 * 2 ** 20;

/** Turn lane: what asks for a picture. */
export const drawing = new Composer<BotContext>();

drawing.filter(isCommand("image"), async (ctx) => {
  const { message } = ctx;
  if (message === undefined) return;
  const prompt = callOf(ctx)?.argument ?? "";
  if (ctx.deps.brush === undefined) return await say(ctx, ctx.texts.nobodyDraws);
  if (prompt === "") return await say(ctx, ctx.texts.drawWhat);
  await draw(ctx, message.message_id, { prompt, from: pictureIn(message.reply_to_message as Message | undefined) });
});

drawing.filter(
  (ctx) => isDrawn(ctx, "again"),
  async (ctx) => {
    const press = pressOf(ctx);
    if (press?.action !== "drawn") return;
    const motif = await motifOf(ctx.deps.store, ctx.job.conversation, press.command);
    // The press itself was answered when it arrived.
    if (motif !== undefined) await draw(ctx, press.command, motif);
    else await retirePressed(ctx);
  },
);

/** Quick lane: a picture as Telegram has it, as a file. */
export const drawnFiles = new Composer<BotContext>();

drawnFiles.filter(
  (ctx) => isDrawn(ctx, "file"),
  async (ctx) => {
    await answerPress(ctx);
    const place = placeOf(ctx);
    const pressed = ctx.callbackQuery?.message as Message | undefined;
    const picture = pressed?.photo === undefined ? undefined : referenceIn({ photo: pressed.photo.slice(-1) });
    const { brush } = ctx.deps;
    if (place === undefined || pressed === undefined || picture === undefined || brush === undefined) return;
    const bytes = await brush.source.fetch(picture, largestBytes, ctx.job.signal).catch((error: unknown) => {
      if (!(error instanceof MediaError) || ctx.job.signal.aborted) throw error;
      ctx.deps.log.warn({ kind: error.kind, reason: messageOf(error) }, "a picture could not be fetched");
      return undefined;
    });
    if (bytes === undefined) return await say(ctx, ctx.texts.drawnLost);
    const options = sendOptions({ threadId: place.threadId, replyTo: pressed.message_id });
    await ctx.api.sendDocument(place.chatId, new InputFile(bytes, "picture.jpg"), options);
  },
);

/** What a message shows, as a photo or as a file. */
function pictureIn(message: Message | undefined): MediaReference | undefined {
  const carried = message === undefined ? undefined : referenceIn(message);
  const isPicture = carried?.type === "picture" || (carried?.type === "file" && carried.mime?.startsWith("image/"));
  return isPicture ? carried : undefined;
}

function isDrawn(ctx: BotContext, what: "again" | "file"): boolean {
  const press = pressOf(ctx);
  return press?.action === "drawn" && press.what === what;
}

async function draw(ctx: BotContext, id: number, motif: Motif): Promise<void> {
  const { deps, job } = ctx;
  const question = {
    ...motif,
    conversation: job.conversation,
    id,
    userId: senderOf(ctx.update) ?? 0,
    run: job.updateId,
  };
  const note = await drawPicture({ ...deps, work: ctx.work }, question, easelOf(ctx, id, motif.prompt), job.signal);
  if (note !== undefined) await say(ctx, linesOf(ctx.texts, [note]));
}

function easelOf(ctx: BotContext, id: number, prompt: string): Easel {
  const { api, texts, deps, job } = ctx;
  const place = placeOf(ctx);
  if (place === undefined) throw new Error("a picture without a chat");
  const { chatId } = place;
  const options = sendOptions({ threadId: place.threadId, replyTo: id });
  return {
    begin(messages, keep) {
      const what = { api, texts, log: deps.log, says: texts.drawing, keep };
      return createForerunner(what, { ...place, replyTo: id, question: id, run: job.updateId }, messages);
    },
    async show(picture, by) {
      const line = by === undefined ? undefined : linesOf(texts, [by]);
      const more = { ...options, reply_markup: drawnKeyboard(texts.labels, id) };
      await aside(job, sendPicture({ api, log: deps.log }, chatId, { ...picture, caption: prompt, below: line }, more));
    },
  };
}

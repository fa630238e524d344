/** `/voice`: whether answers are spoken as well in this conversation. */
import { Composer, GrammyError, InputFile } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import type { Speaking } from "../../chat/speaking.ts";
import type { Spoken } from "../../ports/media-models.ts";
import { pressData, type VoiceChoice, voiceChoices } from "../../screen/buttons.ts";
import { plainWords } from "../../screen/live-message.ts";
import { sendOptions } from "../../screen/place.ts";
import { choosing } from "../choosing.ts";
import { type BotContext, isCommand, placeOf, say, tolerate } from "../context.ts";
import { aside } from "../waiting.ts";

export const voice = new Composer<BotContext>();

const isVoice = isCommand("voice");

voice.filter(
  (ctx) => isVoice(ctx) && ctx.deps.speaking === undefined,
  (ctx) => say(ctx, ctx.texts.nobodySpeaks),
);

voice.use(choosing({ name: "voice", choices: voiceChoices, choose, stateOf }));

async function choose(ctx: BotContext, choice: VoiceChoice): Promise<void> {
  await ctx.session.set("voice", choice === "off" ? undefined : choice);
}

async function stateOf(ctx: BotContext): Promise<{ text: string; keyboard: InlineKeyboardMarkup }> {
  const { voice: current = "off" } = await ctx.session.read();
  const { labels, voice: words } = ctx.texts;
  const button = (text: string, choice: VoiceChoice) => ({
    text: choice === current ? `✅ ${text}` : text,
    callback_data: pressData({ action: "voice", choice }),
  });
  const row = [button(labels.voiceOff, "off"), button(labels.voiceOn, "on"), button(labels.voiceAsked, "asked")];
  return { text: words(current), keyboard: { inline_keyboard: [row] } };
}

/** How answers of an update are spoken; undefined where nobody speaks. */
export function speakingIn(ctx: BotContext): Speaking | undefined {
  const { deps, job, texts } = ctx;
  const place = placeOf(ctx);
  const speak = deps.speaking?.speak;
  if (speak === undefined || place === undefined) return undefined;
  return {
    async speak(words, request, signal) {
      const { chatId, threadId } = place;
      const recording = ctx.api.sendChatAction(chatId, "record_voice", sendOptions({ threadId }));
      tolerate(ctx, recording).catch(() => undefined);
      return await speak(words, request, signal);
    },
    wordsOf: plainWords,
    async say({ bytes, seconds }: Spoken) {
      const options = { ...sendOptions({ threadId: place.threadId }), duration: Math.ceil(seconds) };
      try {
        const sending = ctx.api.sendVoice(place.chatId, new InputFile(bytes, "voice.ogg"), options);
        return (await aside(job, sending)).message_id;
      } catch (error) {
        if (!(error instanceof GrammyError)) throw error;
        deps.log.warn({ reason: error.description }, "Telegram did not take a voice message");
        if (!error.description.includes("VOICE_MESSAGES_FORBIDDEN")) return undefined;
        // Each further try would be paid for.
        await ctx.session.set("voice", undefined);
        await say(ctx, texts.voiceForbidden);
        return undefined;
      }
    },
  };
}

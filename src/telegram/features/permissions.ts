/** What somebody has to allow: how they are asked, and what ends the waiting without an answer. */
import { InputFile } from "grammy";
import type { InlineKeyboardMarkup, MessageEntity } from "grammy/types";
import { deliver } from "../../chat/delivery.ts";
import { type AskedFor, type LeftBecause, leaveUnallowed, type Permission } from "../../chat/permission.ts";
import type { Turn } from "../../ports/turns.ts";
import { type PermitChoice, pressData } from "../../screen/buttons.ts";
import { sendOptions } from "../../screen/place.ts";
import { type BotContext, placeOf, retireButtons } from "../context.ts";
import { isPrivate } from "../messages.ts";
import { senderOf } from "../senders.ts";
import { aside } from "../waiting.ts";
import { openScreen } from "./answer-screen.ts";

/** Longer arguments come as a file: what is allowed must be seen whole. In UTF-16 units. */
const longestShown = 3_000;

/** Ends what waits for the sender's word, since they ask something else; or for anybody's, since it was stopped. */
export async function leaveWaiting(ctx: BotContext, why: LeftBecause): Promise<number> {
  const { store } = ctx.deps;
  const { conversation } = ctx.job;
  let left = 0;
  for (const { question } of await store.waitingTurns(conversation)) {
    const turn = await store.readTurn(conversation, question);
    const isTheirs = why === "stopped" || turn?.asks?.userId === senderOf(ctx.update);
    if (turn === undefined || !isTheirs) continue;
    await leave(ctx, turn, why);
    left++;
  }
  return left;
}

/** Ends a turn that waits. */
export async function leave(ctx: BotContext, turn: Turn, why: LeftBecause): Promise<void> {
  const { store, now } = ctx.deps;
  const ended = await leaveUnallowed(store, turn, ctx.job.updateId, why, now());
  if (ended === undefined) return;
  await retireButtons(ctx, turn.asks?.message);
  const screen = openScreen(ctx, ended, { before: turn, dropped: [] }, () => undefined);
  await deliver(ctx.deps, ended, screen, async () => undefined);
}

/** Asks the one who has asked. */
export function permissionIn(ctx: BotContext): Permission {
  return {
    async ask(turn, call) {
      const place = placeOf(ctx);
      if (place === undefined || ctx.chat === undefined) return undefined;
      const { chatId, threadId } = place;
      const replyTo = isPrivate(ctx.chat) || turn.question < 0 ? undefined : turn.question;
      const options = { ...sendOptions({ threadId, replyTo }), reply_markup: keyboardOf(ctx, turn) };
      const { head, args } = ctx.work(() => wordsOf(ctx, call));
      if (head.length + args.length > longestShown) {
        const file = new InputFile(Buffer.from(args), "arguments.json");
        const sending = ctx.api.sendDocument(chatId, file, { ...options, caption: head });
        return (await aside(ctx.job, sending)).message_id;
      }
      const entities: MessageEntity[] = [
        { type: "pre", language: "json", offset: head.length + 1, length: args.length },
      ];
      const sending = ctx.api.sendMessage(chatId, `${head}\n${args}`, { ...options, entities });
      return (await aside(ctx.job, sending)).message_id;
    },
  };
}

function wordsOf({ texts }: BotContext, { name, arguments: given }: AskedFor): { head: string; args: string } {
  let args = given;
  try {
    args = JSON.stringify(JSON.parse(given), null, 2);
  } catch {
    // Shown as it is.
  }
  return { head: texts.mayI(name), args };
}

function keyboardOf({ texts: { labels } }: BotContext, { question }: Turn): InlineKeyboardMarkup {
  const button = (text: string, choice: PermitChoice) => ({
    text,
    callback_data: pressData({ action: "permit", choice, question }),
  });
  return {
    inline_keyboard: [
      [button(labels.allowOnce, "once"), button(labels.refuse, "refuse")],
      [button(labels.allowAlways, "always")],
    ],
  };
}

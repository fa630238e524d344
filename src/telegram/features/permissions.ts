/** What somebody has to allow: how they are asked, and what ends the waiting without an answer. */
import { InputFile } from "grammy";
import type { InlineKeyboardMarkup, MessageEntity } from "grammy/types";
import { shownJson } from "../../base/characters.ts";
import { deliver } from "../../chat/delivery.ts";
import {
  type AskedFor,
  type LeftBecause,
  leaveUnallowed,
  nameOfAsked,
  type Permission,
} from "../../chat/permission.ts";
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
  await leaveBegun(ctx, why);
  let left = 0;
  for (const turn of await waitingHere(ctx)) {
    // What this very update asks waits when it is delivered again; it is not something else.
    if (turn.run === ctx.job.updateId) continue;
    if (why !== "stopped" && turn.asks?.userId !== senderOf(ctx.update)) continue;
    await leave(ctx, turn, why);
    left++;
  }
  return left;
}

/** What a delivery of this update before this one had begun to end. */
async function leaveBegun(ctx: BotContext, why: LeftBecause): Promise<void> {
  const { store } = ctx.deps;
  const { conversation, updateId, question } = ctx.job;
  const newest = await store.newestTurn(conversation);
  if (newest?.run !== updateId || newest.question === (question ?? ctx.message?.message_id)) return;
  if (newest.state === "writing" && newest.asks !== undefined) await leave(ctx, newest, why);
  else if (newest.state === "answered") await show(ctx, newest, undefined);
}

/** Turns of the conversation that wait for somebody. */
export async function waitingHere(ctx: BotContext, conversation = ctx.job.conversation): Promise<readonly Turn[]> {
  const { store } = ctx.deps;
  const waiting = await store.waitingTurns(conversation);
  const turns = await Promise.all(waiting.map(({ question }) => store.readTurn(conversation, question)));
  return turns.flatMap((turn) => turn ?? []);
}

/** Ends a turn that waits. */
export async function leave(ctx: BotContext, turn: Turn, why: LeftBecause): Promise<void> {
  const { store, now } = ctx.deps;
  const ended = await leaveUnallowed(store, turn, ctx.job.updateId, why, now());
  if (ended === undefined) return;
  await retireButtons(ctx, turn.asks?.message);
  await show(ctx, ended, turn);
}

async function show(ctx: BotContext, ended: Turn, before: Turn | undefined): Promise<void> {
  const screen = openScreen(ctx, ended, { before, dropped: [] }, () => undefined);
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
      const { head, args } = ctx.work(() => wordsOf(ctx, call, turn.asks?.fromOutside));
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

function wordsOf(
  { texts }: BotContext,
  { name, arguments: given }: AskedFor,
  fromOutside = false,
): { head: string; args: string } {
  let args = given;
  try {
    args = JSON.stringify(JSON.parse(given), null, 2);
  } catch {
    // Shown as it is.
  }
  return { head: texts.mayI(name, fromOutside), args: shownJson(args) };
}

function keyboardOf({ texts: { labels } }: BotContext, turn: Turn): InlineKeyboardMarkup {
  const { question, asks } = turn;
  const call = asks && nameOfAsked(turn, asks);
  const button = (text: string, choice: PermitChoice) => ({
    text,
    callback_data: pressData({ action: "permit", choice, question, call }),
  });
  return {
    inline_keyboard: [
      [button(labels.allowOnce, "once"), button(labels.refuse, "refuse")],
      // What would be asked again the next time is not offered.
      ...(asks?.fromOutside ? [] : [[button(labels.allowAlways, "always")]]),
    ],
  };
}

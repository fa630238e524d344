/** The answer of somebody who was asked whether a call may be made. */
import { Composer } from "grammy";
import { decide, waitsFor } from "../../chat/permission.ts";
import { type BotContext, pressOf, retireButtons, retirePressed } from "../context.ts";
import { senderOf } from "../senders.ts";
import { resumeAnswer } from "./answers.ts";
import { leave } from "./permissions.ts";

/** Turn lane, before the dialogs: a press of somebody who was asked. */
export const permitting = new Composer<BotContext>();

permitting.filter(
  (ctx) => pressOf(ctx)?.action === "permit",
  async (ctx) => {
    const press = pressOf(ctx);
    if (press?.action !== "permit") return;
    const { store } = ctx.deps;
    const { conversation, updateId } = ctx.job;
    const asked = await store.readTurn(conversation, press.question);
    const below = ctx.callbackQuery?.message?.message_id;
    // Delivered again, it goes on from wherever the turn is by now.
    const isAgain = asked?.run === updateId;
    // The press itself was answered when it arrived.
    if (asked === undefined || !(isAgain || waitsFor(asked, { call: press.call, below })))
      return await retirePressed(ctx);
    if (!isAgain && asked.asks?.userId !== senderOf(ctx.update)) return;
    if (asked.state === "answered") return await resumeAnswer(ctx, asked);
    if (press.choice === "expired") return await leave(ctx, asked, "expired");
    const turn = await decide(store, { conversation, question: press.question }, updateId, press.choice);
    await retirePressed(ctx);
    // A crash may have left two messages that ask for it.
    if (turn?.asks?.message !== below) await retireButtons(ctx, turn?.asks?.message);
    if (turn !== undefined) await resumeAnswer(ctx, turn);
  },
);

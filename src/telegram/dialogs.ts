/**
 * Dialogs: short forms of the conversations plugin. Their state lives in the store under chat, topic and user, together
 * with the last update that a dialog consumed, so that an update delivered again neither repeats a step nor becomes a question.
 */

import type { ConversationData } from "@grammyjs/conversations";
import { type ConversationStorage, conversations, type VersionedState } from "@grammyjs/conversations";
import type { MiddlewareFn, NextFunction } from "grammy";
import type { Store } from "../ports/store.ts";
import type { ConversationId } from "../ports/updates.ts";
import { type BotContext, callOf, dialogKey, dialogKeyOf } from "./context.ts";

/** To be raised whenever the steps of a dialog change: a state of other steps cannot be replayed. */
const dialogVersion = 2;

interface DialogRecord {
  readonly state?: VersionedState<ConversationData>;
  readonly lastUpdateId: number;
  /** Ids of the messages that dialogs took, the newest last: edited, they are still no questions. */
  readonly taken?: readonly number[];
}

const remembered = 50;

async function readRecord(ctx: BotContext): Promise<DialogRecord | undefined> {
  const key = dialogKeyOf(ctx);
  const text = key === undefined ? undefined : await ctx.deps.store.readDialog(key);
  return text === undefined ? undefined : (JSON.parse(text) as DialogRecord);
}

async function writeRecord(ctx: BotContext, record: DialogRecord): Promise<void> {
  const key = dialogKeyOf(ctx);
  if (key !== undefined) await ctx.deps.store.writeDialog(key, JSON.stringify(record));
}

/** Whether a dialog of this sender waits in the conversation for its next step. */
export async function dialogWaits(
  store: Pick<Store, "readDialog">,
  conversation: ConversationId,
  sender: number,
): Promise<boolean> {
  const text = await store.readDialog(dialogKey(conversation, sender));
  return text !== undefined && (JSON.parse(text) as DialogRecord).state !== undefined;
}

/** The record after this update, which the dialog has consumed. */
async function consumed(ctx: BotContext): Promise<DialogRecord> {
  const taken = (await readRecord(ctx))?.taken ?? [];
  const messageId = ctx.message?.message_id;
  return {
    lastUpdateId: ctx.update.update_id,
    taken: messageId === undefined ? taken : [...taken, messageId].slice(-remembered),
  };
}

/**
 * Stands before the dialogs: an update that a dialog has consumed already is done. A command, and an example question of
 * `/start`, end a dialog that waits: they are never the dialog's answer.
 */
export async function guardDialogs(ctx: BotContext, next: NextFunction): Promise<void> {
  const record = await readRecord(ctx);
  if (record?.lastUpdateId === ctx.update.update_id) return;
  if (ctx.editedMessage !== undefined && record?.taken?.includes(ctx.editedMessage.message_id)) return;
  if (
    record?.state !== undefined &&
    (callOf(ctx) !== undefined || ctx.texts.examples.includes(ctx.message?.text ?? ""))
  ) {
    const { state: _ended, ...kept } = record;
    await writeRecord(ctx, kept);
  }
  await next();
}

/** The conversations plugin over our store. */
export function dialogs(): MiddlewareFn<BotContext> {
  const storage: ConversationStorage<BotContext, ConversationData> = {
    type: "context",
    version: dialogVersion,
    adapter: {
      read: async (ctx) => (await readRecord(ctx))?.state,
      write: async (ctx, state) => writeRecord(ctx, { ...(await consumed(ctx)), state }),
      delete: async (ctx) => writeRecord(ctx, await consumed(ctx)),
    },
  };
  return conversations<BotContext, BotContext>({ storage });
}

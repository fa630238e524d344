/**
 * Dialogs: short forms of the conversations plugin. Their state lives in the store under chat, topic and user, together
 * with the last update that a dialog consumed, so that an update delivered again neither repeats a step nor becomes a question.
 * Any command ends a dialog that waits. One of the quick lane overtakes what the turn lane still holds, so it leaves its
 * `update_id` when it arrives: for the updates behind it, a dialog of before it is over.
 */

import type { ConversationData } from "@grammyjs/conversations";
import { type ConversationStorage, conversations, type VersionedState } from "@grammyjs/conversations";
import type { MiddlewareFn, NextFunction } from "grammy";
import type { Store } from "../ports/store.ts";
import type { ConversationId } from "../ports/updates.ts";
import { isOfDialog } from "../screen/buttons.ts";
import { type BotContext, callOf, dialogKey, dialogKeyOf, pressOf, retireButtons } from "./context.ts";

/** To be raised whenever the steps of a dialog change: a state of other steps cannot be replayed. */
const dialogVersion = 2;

interface DialogRecord {
  readonly state?: VersionedState<ConversationData>;
  readonly lastUpdateId: number;
  /** Ids of the messages that dialogs took, the newest last: edited, they are still no questions. */
  readonly taken?: readonly number[];
  /** Id of the message that carries the buttons of a dialog that waits. */
  readonly asked?: number | undefined;
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
  const key = dialogKey(conversation, sender);
  const [text, command] = await Promise.all([store.readDialog(key), newestCommand(store, key)]);
  const record = text === undefined ? undefined : (JSON.parse(text) as DialogRecord);
  return record?.state !== undefined && command <= record.lastUpdateId;
}

/** Remembers a command of this sender, by its `update_id`. To be called before anything behind it can be handled. */
export async function noteCommand(
  store: Pick<Store, "readDialog" | "writeDialog">,
  conversation: ConversationId,
  sender: number,
  updateId: number,
): Promise<void> {
  const key = dialogKey(conversation, sender);
  // Telegram may deliver an older one once more.
  if (updateId > (await newestCommand(store, key))) await store.writeDialog(commandKey(key), String(updateId));
}

/** The `update_id` of the newest command under the key of a dialog; 0 when there was none for a day. */
async function newestCommand(store: Pick<Store, "readDialog">, key: string): Promise<number> {
  return Number((await store.readDialog(commandKey(key))) ?? 0);
}

function commandKey(key: string): string {
  return `${key}/command`;
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
  if (record?.state !== undefined && (await endsDialog(ctx, record))) {
    const { state: _ended, asked, ...kept } = record;
    await writeRecord(ctx, kept);
    // In a private chat a pressed button of the dialog is taken away by its handler.
    if (ctx.chat?.type !== "private" || !isOfDialog(pressOf(ctx))) await retireButtons(ctx, asked);
  }
  await next();
}

async function endsDialog(ctx: BotContext, { lastUpdateId }: DialogRecord): Promise<boolean> {
  if (callOf(ctx) !== undefined || ctx.texts.examples.includes(ctx.message?.text ?? "")) return true;
  const key = dialogKeyOf(ctx);
  const command = key === undefined ? 0 : await newestCommand(ctx.deps.store, key);
  return lastUpdateId < command && command < ctx.update.update_id;
}

/** The conversations plugin over our store. */
export function dialogs(): MiddlewareFn<BotContext> {
  const storage: ConversationStorage<BotContext, ConversationData> = {
    type: "context",
    version: dialogVersion,
    adapter: {
      read: async (ctx) => (await readRecord(ctx))?.state,
      write: async (ctx, state) => {
        const asked = ctx.asked ?? (await readRecord(ctx))?.asked;
        await writeRecord(ctx, { ...(await consumed(ctx)), state, asked });
      },
      delete: async (ctx) => writeRecord(ctx, await consumed(ctx)),
    },
  };
  return conversations<BotContext, BotContext>({ storage });
}

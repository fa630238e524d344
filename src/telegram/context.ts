/** What every handler finds on `ctx`, and the few ways to answer that all features share. */
import type { ConversationFlavor } from "@grammyjs/conversations";
import { type Api, type Context, GrammyError, HttpError, type NextFunction } from "grammy";
import type { InlineKeyboardMarkup, Message, ReplyKeyboardMarkup, ReplyKeyboardRemove } from "grammy/types";
import { messageOf } from "../base/errors.ts";
import type { InHand, Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Brush } from "../chat/drawing.ts";
import type { Hearing } from "../chat/listening.ts";
import type { Speaking } from "../chat/speaking.ts";
import type { TurnDeps } from "../chat/turn.ts";
import type { Directory } from "../ports/directory.ts";
import type { UsageEntry } from "../ports/ledger.ts";
import type { Models } from "../ports/models.ts";
import type { Finding } from "../ports/operators.ts";
import type { ActiveUpdate, DeadUpdate, QueueStats } from "../ports/queue.ts";
import type { Settings, Store } from "../ports/store.ts";
import type { Tools } from "../ports/tools.ts";
import type { Turn, TurnOutcome } from "../ports/turns.ts";
import type { ConversationId } from "../ports/updates.ts";
import { type Press, parsePress, undoKeyboard } from "../screen/buttons.ts";
import type { LiveMessageDeps } from "../screen/live-message.ts";
import { chatOf, sendOptions } from "../screen/place.ts";
import { takeButtons } from "../screen/take-buttons.ts";
import type { PrivacyFacts } from "../texts/facts.ts";
import type { Texts } from "../texts/texts.ts";
import type { CommandName } from "./commands.ts";
import { type CommandCall, commandOf, conversationOf, isPrivate, threadOf } from "./messages.ts";
import { senderOf } from "./senders.ts";
import { aside } from "./waiting.ts";

/** Telegram's limit for the notice that a press is answered with, in UTF-16 units. */
const maxNoticeUnits = 200;

/** Figures for `/stats`. */
export interface Figures {
  readonly requests: number;
  readonly errors: number;
  /** Milliseconds from question to final text; undefined until there is one. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly uptimeSeconds: number;
}

/** What metrics learn of an answer. Times in milliseconds since the question arrived. */
export interface AnswerObserver {
  firstText(milliseconds: number): void;
  turnEnded(outcome: TurnOutcome, milliseconds: number): void;
  /** An answer was one that had been kept. */
  answerCached(): void;
  usage(entry: UsageEntry): void;
}

/** What the handlers need of the outside world. */
export interface BotDeps {
  readonly store: Store;
  readonly directory: Directory;
  readonly models: Models;
  readonly outbox: LiveMessageDeps["outbox"];
  readonly observer: AnswerObserver;
  readonly log: Logger;
  readonly inHand: Pick<InHand, "workOf">;
  /** Is aborted when the process begins to leave. */
  readonly leaving?: AbortSignal | undefined;
  readonly defaultPersona: string;
  readonly historyLimits: TurnDeps["historyLimits"];
  readonly summaries?: TurnDeps["summaries"];
  readonly newTopicAfterMs?: TurnDeps["newTopicAfterMs"];
  readonly tokenFactors: TurnDeps["tokenFactors"];
  readonly spending: TurnDeps["spending"];
  readonly media: TurnDeps["media"];
  readonly answerCache?: TurnDeps["answerCache"];
  readonly files?: TurnDeps["files"];
  /** Left out: nobody speaks. */
  readonly speaking?: Pick<Speaking, "speak"> | undefined;
  readonly memory?: TurnDeps["memory"];
  /** Left out: no tool is there. */
  readonly tools?: Omit<Tools, "stop"> | undefined;
  /** Left out: nobody draws. */
  readonly brush?: Brush | undefined;
  /** Left out: nothing that is spoken can be heard. */
  readonly hearing?: Omit<Hearing, "openEar"> | undefined;
  readonly drafts: LiveMessageDeps["drafts"];
  /** Whether a sender may talk to the bot in a chat. */
  allowed(sender: number | undefined, chatId: number | undefined): boolean;
  readonly admins: ReadonlySet<number>;
  /** The sentences for people whose client speaks this language. */
  textsFor(language: string | undefined): Texts;
  readonly privacy: PrivacyFacts;
  /** See `UpdateQueue`. */
  eraseDead(matches: (update: DeadUpdate) => boolean): Promise<number>;
  /** Forgets how much a user has asked. */
  forgetRates(userId: number): Promise<void>;
  figures(): Figures;
  queueStats(): Promise<QueueStats>;
  /** Looks at everything that the bot stands on, with few calls. Takes 20 s at most, and never rejects. */
  examine(): Promise<readonly Finding[]>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The conversation's settings, written field by field, and its end. */
export interface Session {
  readonly conversation: ConversationId;
  read(): Promise<Settings>;
  set<F extends keyof Settings>(field: F, value: Settings[F] | undefined): Promise<void>;
  forget(): Promise<void>;
}

export type BotContext = ConversationFlavor<
  Context & {
    deps: BotDeps;
    /** The update as the queue handed it over: lane, verdict, signal. */
    job: ActiveUpdate;
    /** All messages of a question that came as several, in their order; else the one that the update is about. */
    messages: readonly Message[];
    /** Does work in the update's name. */
    work: Work;
    /** Telegram for calls that the outbox has admitted. */
    admitted: Api;
    session: Session;
    /** Every sentence, in the language of who has sent the update. */
    texts: Texts;
    /** Id of the message that `ask` has sent for this update. */
    asked?: number | undefined;
  }
>;

/** Puts the conversation's session on `ctx`. Reads nothing until a handler asks. */
export async function session(ctx: BotContext, next: NextFunction): Promise<void> {
  const { store } = ctx.deps;
  const { conversation } = ctx.job;
  ctx.session = {
    conversation,
    read: () => store.readSettings(conversation),
    set: (field, value) => store.setSetting(conversation, field, value),
    forget: () => store.forget(conversation),
  };
  await next();
}

/** Passes messages that call this command, whatever its case. */
export function isCommand(name: CommandName): (ctx: BotContext) => boolean {
  return (ctx) => callOf(ctx)?.name === name;
}

/** Whether the update comes from somebody of `ADMIN_USER_IDS`. */
export function isAdmin(ctx: BotContext): boolean {
  const sender = senderOf(ctx.update);
  return sender !== undefined && ctx.deps.admins.has(sender);
}

/** The command that the update calls. */
export function callOf(ctx: BotContext): CommandCall | undefined {
  return ctx.message === undefined ? undefined : commandOf(ctx.message);
}

/** What the pressed button asks for. */
export function pressOf(ctx: BotContext): Press | undefined {
  return parsePress(ctx.callbackQuery?.data);
}

/** The chat and topic that the update belongs to. */
export function placeOf(ctx: BotContext): { chatId: number; threadId: number | undefined } | undefined {
  const message = messageOfContext(ctx);
  const chat = message?.chat ?? ctx.chat;
  if (chat === undefined) return undefined;
  const threadId = threadOf(message) ?? ctx.stoppedMessageGeneration?.message_thread_id;
  return { chatId: chat.id, threadId };
}

function messageOfContext(ctx: BotContext): Message | undefined {
  const pressed = ctx.callbackQuery?.message;
  return ctx.message ?? ctx.editedMessage ?? (pressed as Message | undefined);
}

/** The key of a dialog: chat, topic and sender. */
export function dialogKey(conversation: ConversationId, sender: number): string {
  return `${conversation}/${sender}`;
}

/** The key of the dialog that the update may belong to. */
export function dialogKeyOf(ctx: BotContext): string | undefined {
  const place = placeOf(ctx);
  const sender = senderOf(ctx.update);
  if (place === undefined || sender === undefined) return undefined;
  return dialogKey(conversationOf(place.chatId, place.threadId), sender);
}

/** Sends a short text to where the update came from; in a group, as a reply to it. */
export async function say(
  ctx: BotContext,
  text: string,
  keyboard?: InlineKeyboardMarkup | ReplyKeyboardMarkup,
): Promise<void> {
  if (keyboard !== undefined || !(await hasExamples(ctx))) return void (await send(ctx, text, keyboard));
  // Clients keep a keyboard in reach until it is taken away, and only a message without buttons can do that.
  await send(ctx, text, { remove_keyboard: true });
  await ctx.deps.store.setSetting(ctx.job.conversation, "examples", undefined);
}

/** Like `say`, for what will be changed later. Resolves with the message's id. */
export async function ask(ctx: BotContext, text: string, keyboard: InlineKeyboardMarkup): Promise<number | undefined> {
  ctx.asked = await send(ctx, text, keyboard);
  return ctx.asked;
}

async function hasExamples({ deps, job }: BotContext): Promise<boolean> {
  return (await deps.store.readSettings(job.conversation)).examples !== undefined;
}

async function send(
  ctx: BotContext,
  text: string,
  keyboard: InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | undefined,
): Promise<number | undefined> {
  const place = placeOf(ctx);
  if (place === undefined) return undefined;
  const replyTo = ctx.message !== undefined && !isPrivate(ctx.message.chat) ? ctx.message.message_id : undefined;
  const sending = ctx.api.sendMessage(place.chatId, text, {
    ...sendOptions({ threadId: place.threadId, replyTo }),
    ...(keyboard === undefined ? {} : { reply_markup: keyboard }),
  });
  return (await aside(ctx.job, sending)).message_id;
}

/** Answers a pressed button, so that it stops spinning; a press that Telegram has forgotten is no failure. */
export async function answerPress(ctx: BotContext, text?: string): Promise<void> {
  if (ctx.callbackQuery === undefined) return;
  await tolerate(ctx, ctx.answerCallbackQuery(text?.slice(0, maxNoticeUnits)));
}

/** Takes the buttons from a message in the update's chat. Never rejects. */
export async function retireButtons(ctx: BotContext, messageId: number | undefined): Promise<void> {
  const chatId = placeOf(ctx)?.chatId;
  if (chatId !== undefined && messageId !== undefined) await retire(ctx, { chatId, messageId });
}

/** Takes the buttons from the message that was pressed. Never rejects. */
export async function retirePressed(ctx: BotContext): Promise<void> {
  await retireButtons(ctx, ctx.callbackQuery?.message?.message_id);
}

/** The message that carries the buttons of an answer, wherever it stands; undefined when none does. */
export function buttonsOf(ctx: BotContext, turn: Turn | undefined): Turn["retires"] {
  const [place, messageId] = [placeOf(ctx), turn?.messages.at(-1)];
  if (turn?.button === undefined || place === undefined || messageId === undefined) return undefined;
  const undo = turn.notes?.find((note) => note.kind === "remembered");
  return { chatId: chatOf(turn, place.chatId), messageId, ...(undo === undefined ? {} : { undo }) };
}

/** Takes the buttons from that message, but what it offers to undo. Never rejects; false when it may yet be done. */
export async function retire(ctx: BotContext, message: Turn["retires"]): Promise<boolean> {
  if (message === undefined) return true;
  const left = message.undo && undoKeyboard(ctx.texts.labels, message.undo);
  return await aside(ctx.job, takeButtons(ctx.api, message, ctx.deps.log, left));
}

/** Waits for a call whose failure costs nobody anything. */
export async function tolerate(ctx: BotContext, call: Promise<unknown>): Promise<void> {
  try {
    await aside(ctx.job, call);
  } catch (error) {
    if (!(error instanceof GrammyError) && !(error instanceof HttpError)) throw error;
    ctx.deps.log.debug({ reason: messageOf(error) }, "a call that nobody depends on failed");
  }
}

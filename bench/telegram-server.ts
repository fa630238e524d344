/** Telegram and everybody in it, in a process of their own: asks as it is told to, and notes when what is seen. */
import { createBotApi } from "../src/playground/bot-api/bot-api.ts";
import { withoutStatus } from "../src/screen/status-lines.ts";
import { createMediaFiles, type MediaFiles } from "./media-files.ts";
import {
  firstChat,
  type MediaToSend,
  type QuestionKey,
  questionIn,
  questionText,
  type SentMedia,
  type ShownAnswer,
  type ShownMessage,
  type Tally,
  type TelegramOrder,
  type TelegramReport,
} from "./messages.ts";

interface Asked extends QuestionKey {
  readonly askedAt: number;
  readonly messageId: number;
  firstTextAt: number | undefined;
}

const mostWrong = 20;

const botApi = await createBotApi({
  token: process.env["BOT_TOKEN"] ?? "",
  keepCalls: false,
  keepViews: false,
});
const open = new Map<number, Asked>();
let answers: ShownAnswer[] = [];
let calls: Record<string, number> = {};
let wrong: string[] = [];
let pauseMs = 0;
let asking = false;
let bursting = false;
let refused = 0;
/** Of a burst, by chat and id of the message. */
const shown = new Map<string, ShownMessage>();
let files: MediaFiles | undefined;
/** Of each file, the chat that it was sent in, until the bot asks where it is. */
const unfetched = new Map<string, number>();
const fetched: Record<number, number> = {};

function ask(chatId: number, round: number): void {
  if (!asking) return;
  const { message_id } = botApi.user.sendText(chatId, chatId, questionText({ chatId, round }));
  open.set(chatId, { chatId, round, askedAt: Date.now(), messageId: message_id, firstTextAt: undefined });
}

function seen(chatId: number, text: string | undefined, isFinal: boolean): void {
  const asked = open.get(chatId);
  if (asked === undefined || !text || withoutStatus(text) === "") return;
  asked.firstTextAt ??= Date.now();
  if (!isFinal) return;
  open.delete(chatId);
  const { round, askedAt, firstTextAt } = asked;
  answers.push({ chatId, round, askedAt, firstTextAt, finalAt: Date.now() });
  setTimeout(ask, pauseMs, chatId, round + 1);
}

botApi.onEvent((event) => {
  if (event.type === "draft") seen(event.chatId, event.draft.text, false);
  if (event.type === "message-new" || event.type === "message-edited") {
    const { message, chatId } = event;
    const asked = open.get(chatId);
    if (!message.from?.is_bot) return;
    const labels = message.reply_markup?.inline_keyboard.flat().map(({ text }) => text) ?? [];
    const isFinal = labels.some((label) => label.includes("Regenerate"));
    if (bursting) note(chatId, message.message_id, message.text, isFinal);
    if (asked === undefined || message.message_id < asked.messageId) return;
    seen(chatId, message.text, isFinal);
  }
  if (event.type === "call") {
    const { method, status, description } = event.call;
    calls[method] = (calls[method] ?? 0) + 1;
    if (method === "getFile") noteFetch(event.call);
    if (status === 200 || method === "getUpdates") return;
    refused++;
    if (wrong.length < mostWrong) wrong.push(`${method} ${status} ${description}`);
  }
});

function note(chatId: number, messageId: number, text: string | undefined, isFinal: boolean): void {
  const key = `${chatId} ${messageId}`;
  const before = shown.get(key);
  if (!text) return;
  const round = before?.round || (questionIn(text)?.round ?? 0);
  // What is final once stays so: the next answer takes its button away.
  const finalAt = before?.finalAt ?? (isFinal ? Date.now() : undefined);
  shown.set(key, {
    ...{ chatId, round, firstTextAt: before?.firstTextAt ?? Date.now() },
    ...(finalAt === undefined ? {} : { finalAt }),
  });
}

function burst(chats: number, questions: number, rampMs: number): void {
  bursting = true;
  for (let at = 0; at < chats; at++) {
    const chatId = botApi.user.createPrivateChat({ userId: firstChat + at, firstName: `Person ${at}` });
    setTimeout(
      () => {
        for (let round = 1; round <= questions; round++)
          botApi.user.sendText(chatId, chatId, questionText({ chatId, round }));
      },
      (rampMs * at) / chats,
    );
  }
}

async function send(media: readonly MediaToSend[]): Promise<SentMedia[]> {
  files ??= await createMediaFiles();
  const { bytesOf } = files;
  const ready = media.map((one) => ({ ...one, bytes: bytesOf(one.kind, one.chatId) }));
  return ready.map(({ chatId, kind, bytes }) => {
    botApi.user.createPrivateChat({ userId: chatId, firstName: `Person ${chatId}` });
    const options = { bytes, caption: questionText({ chatId, round: 1 }) };
    const sentAt = Date.now();
    const message = sendAs(kind, chatId, options);
    const file = message.document ?? message.voice ?? message.photo?.at(-1);
    unfetched.set(file?.file_id ?? "", chatId);
    return { chatId, kind, bytes: bytes.length, sentAt };
  });
}

function sendAs(kind: MediaToSend["kind"], chatId: number, options: { bytes: Uint8Array; caption: string }) {
  if (kind === "photo") return botApi.user.sendPhoto(chatId, chatId, options);
  if (kind === "voice") return botApi.user.sendVoice(chatId, chatId, options);
  const name = kind === "sheet" ? "sheet.xlsx" : "report.pdf";
  return botApi.user.sendDocument(chatId, chatId, { ...options, name });
}

function noteFetch({ at, params }: { readonly at: number; readonly params: Readonly<Record<string, unknown>> }): void {
  const chatId = unfetched.get(String(params["file_id"]));
  if (chatId !== undefined) fetched[chatId] ??= at;
}

function tally(): Tally {
  const mended = botApi.violations;
  return {
    messages: [...shown.values()],
    refused: refused + mended.length,
    wrong: [...wrong, ...mended.slice(0, mostWrong)],
  };
}

function report(): TelegramReport {
  return { answers, calls, wrong: [...wrong, ...botApi.violations.slice(0, mostWrong)], open: open.size };
}

process.on("message", (message: TelegramOrder) => {
  if (message.order === "ask") {
    asking = true;
    pauseMs = message.pauseMs;
    for (let at = 0; at < message.chats; at++) {
      const chatId = botApi.user.createPrivateChat({ userId: firstChat + at, firstName: `Person ${at}` });
      setTimeout(ask, (message.rampMs * at) / message.chats, chatId, 1);
    }
  } else if (message.order === "count") {
    answers = [];
    calls = {};
    wrong = [];
    botApi.clearLog();
  } else if (message.order === "burst") burst(message.chats, message.questions, message.rampMs);
  else if (message.order === "tally") process.send?.(tally());
  else if (message.order === "send") void send(message.media).then((sent) => process.send?.(sent));
  else if (message.order === "fetched") process.send?.(fetched);
  else if (message.order === "report") process.send?.(report());
  else asking = false;
});
process.on("disconnect", () => process.exit(0));
process.send?.({ url: botApi.url });

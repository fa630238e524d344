/** The emulated Telegram as the chat page wants it. */
import type { BotApi, BotApiEvent, ChatView } from "../bot-api/bot-api.ts";
import { type FileOptions, type FileSide, mostAlbumParts } from "../bot-api/file-side.ts";
import type { PageCall, PageChange, PageChat, PageSource, PageUpload } from "./source.ts";

/** People get ids from here on; a group's members are taken from those who are known. */
const firstPersonId = 1001;
const callsShown = 200;
const senders = {
  photo: "sendPhoto",
  video: "sendVideo",
  video_note: "sendVideoNote",
  voice: "sendVoice",
  audio: "sendAudio",
  document: "sendDocument",
} as const satisfies Record<PageUpload["kind"], keyof FileSide>;
/** A Telegram client stops to spin after about so long. */
const pressWaitMs = 20_000;

/** Creates the page's view of an emulated Bot API. */
export function createPageSource(botApi: BotApi): PageSource {
  let nextPersonId = firstPersonId;

  function person(name: string): { readonly userId: number; readonly firstName: string } {
    nextPersonId += 1;
    return { userId: nextPersonId - 1, firstName: name };
  }

  function changeOf(event: BotApiEvent): PageChange | undefined {
    switch (event.type) {
      case "chat-changed":
      case "reply-keyboard":
        return { type: "chat", data: pageChat(botApi.chat(event.chatId)) };
      case "message-new":
      case "message-edited":
        return { type: "message", data: { chatId: event.chatId, message: event.message } };
      case "message-deleted":
        return { type: "deleted", data: { chatId: event.chatId, messageIds: event.messageIds } };
      case "typing":
        return { type: "action", data: { ...placeOf(event), action: event.action } };
      case "draft":
        return { type: "draft", data: { ...placeOf(event), draft: event.draft } };
      case "draft-gone":
        return { type: "draft", data: placeOf(event) };
      case "description-changed":
        return { type: "description", data: event.description };
      case "commands-changed":
        return { type: "commands", data: event.commands };
      case "call":
        return { type: "call", data: pageCall(event.call) };
      case "callback-answered":
        // Whoever pressed gets it as the answer to the press.
        return undefined;
    }
  }

  function sendTogether(chatId: number, senderId: number, files: readonly PageUpload[], options: FileOptions): void {
    const { user } = botApi;
    const [only] = files;
    const parts = files.flatMap(({ kind, ...file }) =>
      kind === "voice" || kind === "video_note" ? [] : [{ kind, ...file }],
    );
    if (parts.length > 1) user.sendAlbum(chatId, senderId, parts, options);
    else if (only !== undefined) user[senders[only.kind]](chatId, senderId, { ...only, ...options });
  }

  return {
    bot: { ...botApi.bot, username: botApi.bot.username ?? "bot" },
    chats: () =>
      botApi.chats().map((chat) => ({ ...pageChat(chat), messages: chat.messages.map(({ message }) => message) })),
    commands: () => botApi.commands(),
    description: () => botApi.description(),
    calls: () => botApi.calls.slice(-callsShown).map(pageCall),
    follow: (listener) =>
      botApi.onEvent((event) => {
        const change = changeOf(event);
        if (change !== undefined) listener(change);
      }),
    createPrivateChat: (name) => ({ chatId: botApi.user.createPrivateChat({ ...person(name), topics: true }) }),
    createGroup(title, names) {
      const people = names.map(person);
      for (const one of people) botApi.user.createPerson(one);
      return { chatId: botApi.user.createGroup({ title, memberIds: people.map(({ userId }) => userId), forum: true }) };
    },
    createTopic({ chatId }, name) {
      const owner = botApi.chat(chatId).people.find(({ is_bot }) => !is_bot);
      return botApi.user.createTopic(chatId, name, owner?.id ?? "bot");
    },
    sendText({ chatId, senderId, text, threadId, replyTo }) {
      botApi.user.sendText(chatId, senderId, text, { threadId, replyTo });
    },
    sendFiles({ chatId, senderId, files, caption, threadId, replyTo }) {
      const albums = albumsOf(files);
      const apart = albums.length > 1 && caption !== undefined && caption !== "";
      if (apart) botApi.user.sendText(chatId, senderId, caption, { threadId, replyTo });
      for (const [index, album] of albums.entries()) {
        const first = index === 0 && !apart ? { caption, replyTo } : {};
        sendTogether(chatId, senderId, album, { threadId, ...first });
      }
    },
    share({ chatId, senderId, shared, ...options }) {
      if (shared.kind === "sticker") botApi.user.sendSticker(chatId, senderId, { ...options, moves: true });
      else botApi.user.share(chatId, senderId, shared, options);
    },
    editText({ chatId, messageId, text }) {
      botApi.user.edit(chatId, messageId, text);
    },
    async press({ chatId, senderId, messageId, data }) {
      const answer = await botApi.user.press(chatId, messageId, data, senderId, pressWaitMs);
      if (answer === undefined) return undefined;
      const { showAlert, ...rest } = answer;
      return { ...rest, alert: showAlert };
    },
    stopDraft({ chatId, threadId }) {
      botApi.user.stopDraft(chatId, threadId);
    },
    setBlocked(chatId, blocked) {
      if (blocked) botApi.user.block(chatId);
      else botApi.user.unblock(chatId);
    },
    readFile: (fileId) => botApi.file(fileId)?.bytes,
  };
}

/** As a client does it: what is seen, files and music each together, ten at most; what is spoken by itself. */
function albumsOf(files: readonly PageUpload[]): PageUpload[][] {
  const together = [["photo", "video"], ["document"], ["audio"]];
  const albums = together.flatMap((kinds) => inTens(files.filter(({ kind }) => kinds.includes(kind))));
  return [...albums, ...files.filter(({ kind }) => !together.flat().includes(kind)).map((spoken) => [spoken])];
}

function inTens(files: readonly PageUpload[]): PageUpload[][] {
  const starts = files.keys().filter((index) => index % mostAlbumParts === 0);
  return [...starts].map((start) => files.slice(start, start + mostAlbumParts));
}

function pageChat(chat: ChatView): PageChat {
  return {
    id: chat.id,
    kind: chat.kind,
    title: chat.title,
    people: chat.people.filter(({ is_bot }) => !is_bot).map(({ id, first_name }) => ({ id, name: first_name })),
    topics: chat.topics.map(({ threadId, name }) => ({ id: threadId, name })),
    topicsAllowed: chat.topicsAllowed,
    blocked: chat.blocked,
    replyKeyboards: chat.replyKeyboards.map(({ messageId, threadId, keyboard }) => ({
      messageId,
      threadId,
      rows: keyboard.keyboard.map((row) => row.map(({ text }) => text)),
      oneTime: keyboard.one_time_keyboard === true,
      small: keyboard.resize_keyboard === true,
      placeholder: keyboard.input_field_placeholder,
    })),
  };
}

function pageCall(call: BotApi["calls"][number]): PageCall {
  const { id, method, status, params, durationMs, chatId, description } = call;
  return {
    id,
    method,
    status,
    ms: Math.round(durationMs),
    params,
    chatId,
    error: description,
  };
}

function placeOf({ chatId, threadId }: { chatId: number; threadId?: number | undefined }) {
  return { chatId, threadId };
}

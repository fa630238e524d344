/** The emulated Telegram as the chat page wants it. */
import { secondsOfOgg } from "../../base/ogg.ts";
import type { BotApi, BotApiEvent, ChatView } from "../bot-api/bot-api.ts";
import type { PageCall, PageChange, PageChat, PageSource } from "./source.ts";

/** People get ids from here on; a group's members are taken from those who are known. */
const firstPersonId = 1001;
const callsShown = 200;
/** A Telegram client stops to spin after about so long. */
const pressWaitMs = 20_000;
const voiceBytesPerSecond = 3_000;

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
    sendVoice({ chatId, senderId, bytes, threadId, replyTo }) {
      botApi.user.sendVoice(chatId, senderId, { bytes, threadId, replyTo, seconds: secondsOf(bytes) });
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

/** As Ogg tells it; of anything else it is guessed by what a voice takes. */
function secondsOf(bytes: Uint8Array): number {
  return Math.max(1, Math.round(secondsOfOgg(bytes) || bytes.length / voiceBytesPerSecond));
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

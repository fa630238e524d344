/** A conversation's key: a chat, or one topic in it. */
export function keyOf(chatId, threadId) {
  return threadId === undefined ? String(chatId) : `${chatId}:${threadId}`;
}

/** What a Telegram client shows a chat action. */
const ACTION_MS = 5000;
/** What a Telegram client shows a draft without a word from the bot. */
const DRAFT_MS = 30_000;

/** What the page knows: filled by the server's events, read by the views. `onChange` is called with the parts that changed. */
export function createState(onChange) {
  const state = {
    bot: { id: 0, name: "Bot", username: "" },
    modelNote: "",
    /** Models that answer besides the one that `modelNote` names. */
    otherModels: [],
    /** What an empty chat offers to be sent. */
    suggestions: [],
    description: "",
    /** What the model was asked last. */
    request: undefined,
    commands: [],
    faults: [],
    /** Chat id to chat; a chat's `messages` map ids to messages as the Bot API writes them. */
    chats: new Map(),
    /** The newest last. */
    calls: [],
    open: undefined,
    /** Conversation key to draft, to chat action, to the number of unread messages. */
    drafts: new Map(),
    actions: new Map(),
    unread: new Map(),
    /** Chat id to the person who writes there. */
    senders: new Map(),
    replyTo: undefined,
    editing: undefined,
  };

  const openKey = () => (state.open === undefined ? undefined : keyOf(state.open.chatId, state.open.threadId));

  /** Conversation key to a number that grows with each new message; a chat's is that of its newest topic. */
  const touched = new Map();
  let touches = 0;

  function touch(chatId, threadId) {
    touches += 1;
    touched.set(keyOf(chatId), touches);
    if (threadId !== undefined) touched.set(keyOf(chatId, threadId), touches);
  }

  function expire(map, key, until, part) {
    setTimeout(() => {
      if (map.get(key)?.until !== until) return;
      map.delete(key);
      onChange(part);
    }, until - Date.now());
  }

  const handlers = {
    snapshot(snapshot) {
      const { chats, ...facts } = snapshot;
      Object.assign(state, facts);
      state.chats.clear();
      state.drafts.clear();
      state.actions.clear();
      for (const { messages, ...chat } of chats) {
        state.chats.set(chat.id, {
          ...chat,
          messages: new Map(messages.map((message) => [message.message_id, message])),
        });
      }
      // Oldest first; what has no message yet is as old as its chat.
      const all = snapshot.chats.flatMap(({ id, messages }) => messages.map((message) => ({ id, message })));
      all.sort((one, other) => one.message.date - other.message.date);
      for (const { id } of snapshot.chats) touch(id);
      for (const { id, message } of all) touch(id, threadOf(message));
      if (state.open === undefined || !state.chats.has(state.open.chatId)) {
        const first = state.chats.keys().next();
        state.open = first.done ? undefined : { chatId: first.value, threadId: undefined };
      }
      onChange("everything");
    },
    chat(chat) {
      const known = state.chats.get(chat.id);
      if (known === undefined) touch(chat.id);
      for (const { id } of chat.topics) if (!touched.has(keyOf(chat.id, id))) touch(chat.id, id);
      state.chats.set(chat.id, { ...chat, messages: known?.messages ?? new Map() });
      onChange("chats");
    },
    message({ chatId, message }) {
      const chat = state.chats.get(chatId);
      if (chat === undefined) return;
      const isNew = !chat.messages.has(message.message_id);
      chat.messages.set(message.message_id, message);
      const key = keyOf(chatId, threadOf(message));
      if (isNew) touch(chatId, threadOf(message));
      if (isNew && message.from?.id === state.bot.id) {
        // A client takes typing and draft away when the message they announced is there.
        state.drafts.delete(key);
        state.actions.delete(key);
        if (key !== openKey()) state.unread.set(key, (state.unread.get(key) ?? 0) + 1);
      }
      onChange("message", { chatId, message, isNew });
    },
    deleted({ chatId, messageIds }) {
      const chat = state.chats.get(chatId);
      for (const id of messageIds) chat?.messages.delete(id);
      if (messageIds.includes(state.replyTo)) state.replyTo = undefined;
      onChange("messages");
    },
    action({ chatId, threadId, action }) {
      const until = Date.now() + ACTION_MS;
      const key = keyOf(chatId, threadId);
      state.actions.set(key, { action, until });
      expire(state.actions, key, until, "status");
      onChange("status");
    },
    draft({ chatId, threadId, draft }) {
      const key = keyOf(chatId, threadId);
      if (draft === undefined) state.drafts.delete(key);
      else {
        const until = Date.now() + DRAFT_MS;
        state.drafts.set(key, { ...draft, until });
        expire(state.drafts, key, until, "draft");
      }
      onChange("draft");
    },
    call(call) {
      state.calls.push(call);
      if (state.calls.length > 400) state.calls.splice(0, 100);
      onChange("call", call);
    },
    request(request) {
      state.request = request;
      onChange("request");
    },
    description(description) {
      state.description = description;
      onChange("messages");
    },
    commands(commands) {
      state.commands = commands;
      onChange("commands");
    },
    fault(fault) {
      state.faults = state.faults.map((known) => (known.name === fault.name ? fault : known));
      onChange("faults");
    },
  };

  return {
    state,
    apply: (type, data) => handlers[type]?.(data),
    /** The chat on the screen, with the topic if one is open. */
    openChat: () => (state.open === undefined ? undefined : state.chats.get(state.open.chatId)),
    openKey,
    /** When something last came there: the higher, the later. */
    recency: (chatId, threadId) => touched.get(keyOf(chatId, threadId)) ?? 0,
    /** The other side: the bot, or the group. */
    titleOf: (chat) => (chat.kind === "group" ? chat.title : state.bot.name),
    open(chatId, threadId) {
      state.open = { chatId, threadId };
      state.replyTo = undefined;
      state.editing = undefined;
      state.unread.delete(openKey());
      onChange("everything");
    },
    /** The person who writes in this chat. */
    sender(chat) {
      return state.senders.get(chat.id) ?? chat.people[0]?.id;
    },
  };
}

/** The topic a message stands in; replies outside of topics may carry a thread id too, and do not count. */
export function threadOf(message) {
  return message.is_topic_message ? message.message_thread_id : undefined;
}

/** Whether its writer may change its text or its caption. */
export function isEditable({ text, document, photo, video, voice, audio }) {
  return (text ?? document ?? photo ?? video ?? voice ?? audio) !== undefined;
}

/** What of a message is neither words nor a file, as an icon and lines; undefined when there is nothing. */
export function sharedIn({ venue, location, contact, poll, dice }) {
  const point = ({ latitude, longitude }) => `${latitude}, ${longitude}`;
  if (venue) return { icon: "place", lines: [venue.title, venue.address] };
  if (location) return { icon: "place", lines: ["Location", point(location)] };
  if (contact) return { icon: "person", lines: [contact.first_name, contact.phone_number] };
  if (poll) return { icon: "poll", lines: [poll.question, ...poll.options.map(({ text }) => text)] };
  return dice && { icon: "dice", lines: ["Dice", String(dice.value)] };
}

/** A line that stands for a message in the chat list, in a quote, in an announcement. */
export function summaryOf(message) {
  const text = message.text ?? message.caption;
  if (text !== undefined && text !== "") return text.replace(/\s+/g, " ").slice(0, 160);
  if (message.document) return message.document.file_name ?? "File";
  if (message.photo) return "Photo";
  if (message.video) return "Video";
  if (message.voice) return "Voice message";
  if (message.audio) return message.audio.file_name ?? "Audio";
  if (message.video_note) return "Video message";
  if (message.sticker) return `Sticker ${message.sticker.emoji ?? ""}`;
  const shared = sharedIn(message);
  if (shared !== undefined) return shared.lines.join(": ");
  if (message.forum_topic_created) return `Topic “${message.forum_topic_created.name}” created`;
  return "Message";
}

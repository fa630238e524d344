import { avatar, byId, clock, drawn, element, icon, showToast } from "./dom.js";
import { keyOf, summaryOf, threadOf } from "./state.js";
import { post } from "./stream.js";

/** The list of chats with their topics, and the buttons that open more of them. */
export function createChatsView(store, onOpened) {
  const { state } = store;
  byId("new-chat").append(icon("chat"), "New chat");
  byId("new-group").append(icon("group"), "New group");
  byId("new-chat").addEventListener("click", () => create("chats", { kind: "private" }));
  byId("new-group").addEventListener("click", () => create("chats", { kind: "group" }));

  async function create(path, body) {
    try {
      const { chatId, threadId } = await post(path, body);
      // The event with the new chat may still be on its way behind this answer.
      await until(() => state.chats.has(chatId));
      store.open(chatId, threadId);
    } catch (error) {
      showToast(error.message);
    }
    // The toast, too, stands where a drawer would cover it.
    onOpened();
  }

  function row(chat, threadId, title, lastMessage) {
    const key = keyOf(chat.id, threadId);
    const unread = state.unread.get(key) ?? 0;
    const isOpen = key === store.openKey();
    const button = element(
      "button",
      {
        type: "button",
        class: threadId === undefined ? "chat-row" : "chat-row topic-row",
        "aria-current": isOpen ? "true" : undefined,
        "data-testid": "chat-row",
        "data-key": key,
      },
      threadId === undefined ? avatar(chat.id, title) : icon("topic"),
      element(
        "span",
        { class: "chat-row-text" },
        element(
          "span",
          { class: "chat-row-top" },
          element("span", { class: "chat-row-title", dir: "auto" }, title),
          chat.kind === "private" && threadId === undefined
            ? element("span", { class: "chat-row-who", dir: "auto" }, `as ${chat.people[0]?.name ?? "nobody"}`)
            : undefined,
          lastMessage === undefined ? undefined : element("time", {}, clock(lastMessage.date)),
        ),
        element(
          "span",
          { class: "chat-row-bottom" },
          element("span", { class: "chat-row-last", dir: "auto" }, ...drawn(lastLine(chat, lastMessage))),
          unread === 0
            ? undefined
            : element("span", { class: "unread", "aria-label": `${unread} unread` }, String(unread)),
        ),
      ),
    );
    button.addEventListener("click", () => {
      store.open(chat.id, threadId);
      onOpened();
    });
    return element("li", {}, button);
  }

  function lastLine(chat, message) {
    if (message === undefined)
      return chat.kind === "group" ? chat.people.map((person) => person.name).join(", ") : "No messages yet";
    const who =
      message.from?.id === state.bot.id ? "" : chat.kind === "group" ? `${message.from?.first_name ?? ""}: ` : "You: ";
    return `${who}${summaryOf(message)}`;
  }

  return {
    create,
    render() {
      const rows = [];
      const recentFirst = (one, other) => store.recency(...other) - store.recency(...one);
      const chats = [...state.chats.values()].sort((one, other) => recentFirst([one.id], [other.id]));
      for (const chat of chats) {
        const last = new Map();
        for (const message of chat.messages.values()) last.set(threadOf(message), message);
        rows.push(row(chat, undefined, store.titleOf(chat), last.get(undefined)));
        const topics = chat.topics.toSorted((one, other) => recentFirst([chat.id, one.id], [chat.id, other.id]));
        for (const topic of topics) rows.push(row(chat, topic.id, topic.name, last.get(topic.id)));
      }
      const list = byId("chat-list");
      const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
      list.replaceChildren(...rows);
      if (focused !== undefined) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    },
  };
}

async function until(condition) {
  for (let round = 0; round < 100 && !condition(); round += 1) await new Promise((resolve) => setTimeout(resolve, 20));
}

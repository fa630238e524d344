import { createAlbum } from "./albums.js";
import { createBubble, createDraftBubble } from "./bubble.js";
import { byId, drawn, element, icon, showToast } from "./dom.js";
import { summaryOf, threadOf } from "./state.js";
import { post } from "./stream.js";

/** Messages drawn at first, and more of them at each wish. */
const PAGE_SIZE = 150;
const ACTION_TEXTS = {
  typing: "typing…",
  upload_document: "sending a file…",
  upload_photo: "sending a photo…",
  record_voice: "recording…",
  upload_voice: "sending a voice message…",
  choose_sticker: "choosing a sticker…",
};

/** The open conversation: its messages, draft and typing, its head line, and following the newest text. */
export function createMessagesView(store, composer) {
  const { state } = store;
  const list = byId("messages");
  const jump = byId("jump");
  const bubbles = new Map();
  /** `media_group_id` to what shows it. */
  const albums = new Map();
  let shownKey;
  let shownCount = PAGE_SIZE;
  let following = true;
  let lastTop = 0;
  let draft;

  const typing = element(
    "div",
    { class: "message in typing", "data-testid": "typing", "aria-hidden": "true" },
    element("div", { class: "bubble" }, element("i"), element("i"), element("i")),
  );
  const earlier = element("button", { type: "button", class: "button earlier" }, "Show earlier messages");
  earlier.addEventListener("click", () => {
    shownCount += PAGE_SIZE;
    const fromEnd = list.scrollHeight - list.scrollTop;
    renderList();
    list.scrollTop = list.scrollHeight - fromEnd;
  });
  jump.append(icon("down"));
  jump.addEventListener("click", () => {
    following = true;
    list.scrollTo({ top: list.scrollHeight, behavior: "smooth" });
    jump.hidden = true;
  });
  // Only a move upwards is a wish to read on one's own: content that grows moves nothing.
  list.addEventListener("scroll", () => {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 48;
    if (atEnd) following = true;
    else if (list.scrollTop < lastTop - 2) following = false;
    lastTop = list.scrollTop;
    jump.hidden = following;
  });
  let lastHeight = list.clientHeight;
  // Whatever takes room away, a toast or a keyboard, moves no message under the reader's hand: their lower end stays.
  new ResizeObserver(() => {
    if (!following) list.scrollTop += lastHeight - list.clientHeight;
    lastHeight = list.clientHeight;
    follow();
  }).observe(list);

  const deps = {
    get botId() {
      return state.bot.id;
    },
    sender: () => store.sender(store.openChat()),
    onCommand: (text) => composer.sendText(text),
    onReply: (id) => composer.replyTo(id),
    onEdit: (id) => composer.edit(id),
    onShow: show,
  };

  function show(messageId) {
    const bubble = bubbles.get(messageId);
    if (bubble === undefined) return showToast("That message is not here any more.");
    following = false;
    bubble.node.scrollIntoView({ block: "center", behavior: "smooth" });
    bubble.node.classList.remove("flash");
    requestAnimationFrame(() => bubble.node.classList.add("flash"));
  }

  function follow() {
    if (following) list.scrollTop = list.scrollHeight;
    jump.hidden = following;
  }

  function wanted(chat) {
    const threadId = state.open.threadId;
    const all = [...chat.messages.values()].filter((message) => threadOf(message) === threadId);
    return { messages: all.slice(-shownCount), more: all.length > shownCount };
  }

  function renderList() {
    const chat = store.openChat();
    const key = store.openKey();
    if (key !== shownKey) {
      shownKey = key;
      shownCount = PAGE_SIZE;
      following = true;
      bubbles.clear();
      albums.clear();
      draft = undefined;
      list.replaceChildren();
    }
    if (chat === undefined) return;
    const { messages, more } = wanted(chat);
    const ids = new Set(messages.map((message) => message.message_id));
    for (const [id, bubble] of bubbles) {
      if (ids.has(id)) continue;
      bubble.node.remove();
      bubbles.delete(id);
    }
    if (more) list.prepend(earlier);
    else earlier.remove();
    let previous = more ? earlier : undefined;
    for (const node of blocksOf(chat, messages)) {
      // Moving a node that already stands right would take its focus away.
      const next = previous === undefined ? list.firstChild : previous.nextSibling;
      if (node !== next) list.insertBefore(node, next);
      previous = node;
    }
    renderEmpty(chat, messages);
    renderStatus();
    renderDraft();
    follow();
  }

  /** A node for each message, and one for each album. */
  function blocksOf(chat, messages) {
    const together = new Map();
    const nodes = new Set();
    for (const message of messages) {
      let bubble = bubbles.get(message.message_id);
      if (bubble === undefined) {
        bubble = createBubble(chat, message, deps);
        bubbles.set(message.message_id, bubble);
      } else bubble.update(message);
      const group = message.media_group_id;
      if (group === undefined) nodes.add(bubble.node);
      else {
        if (!albums.has(group)) albums.set(group, createAlbum(message));
        nodes.add(albums.get(group).node);
        together.set(group, [...(together.get(group) ?? []), bubble]);
      }
    }
    for (const [group, album] of albums) {
      if (together.has(group)) album.hold(together.get(group));
      else {
        album.node.remove();
        albums.delete(group);
      }
    }
    return nodes;
  }

  function renderEmpty(chat, messages) {
    list.querySelector(".empty")?.remove();
    if (messages.length > 0) return;
    const hint =
      chat.kind === "group"
        ? `In a group ${state.bot.name} answers when it is called: write @${state.bot.username}, reply to it, or use a command.`
        : `Say something to ${state.bot.name}.`;
    const offers = ["/start", ...state.suggestions].map((text) =>
      element(
        "button",
        { type: "button", class: "button", "data-testid": "suggestion", onclick: () => composer.sendText(text) },
        text,
      ),
    );
    const about =
      chat.kind === "private" && state.description !== ""
        ? element(
            "div",
            { class: "about" },
            element("strong", {}, "What can this bot do?"),
            ...drawn(state.description),
          )
        : undefined;
    list.append(
      element(
        "div",
        { class: "empty" },
        about,
        element("p", {}, hint),
        chat.kind === "group" ? undefined : element("div", { class: "suggestions" }, ...offers),
      ),
    );
  }

  function renderMessage({ message }) {
    const bubble = bubbles.get(message.message_id);
    if (bubble === undefined) return renderList();
    bubble.update(message);
    follow();
  }

  function renderDraft() {
    const current = state.drafts.get(store.openKey());
    if (current === undefined) {
      draft?.node.remove();
      draft = undefined;
    } else {
      draft ??= createDraftBubble(stopDraft);
      draft.update(current);
      list.append(draft.node);
    }
    renderStatus();
    follow();
  }

  async function stopDraft() {
    const current = state.drafts.get(store.openKey());
    if (current === undefined) return;
    const { chatId, threadId } = state.open;
    await post("draft-stops", { chatId, threadId, draftId: current.draftId }).catch((error) =>
      showToast(error.message),
    );
  }

  function renderStatus() {
    const chat = store.openChat();
    if (chat === undefined) return;
    const topic = chat.topics.find(({ id }) => id === state.open.threadId);
    const action = state.actions.get(store.openKey());
    const status = byId("conversation-status");
    const people = chat.people.map((person) => person.name);
    const idle = chat.kind === "group" ? [...people, state.bot.name].join(", ") : `You are ${people[0] ?? "nobody"}`;
    byId("conversation-title").textContent = store.titleOf(chat);
    status.textContent = action ? (ACTION_TEXTS[action.action] ?? "busy…") : topic ? `${topic.name} · ${idle}` : idle;
    status.classList.toggle("active", action !== undefined);
    if (action?.action === "typing" && !state.drafts.has(store.openKey())) {
      if (list.lastChild !== typing) list.append(typing);
      follow();
    } else typing.remove();
  }

  /** Brings what was just sent into view: the newest text, or the message that was edited. */
  function reveal(editedId) {
    if (editedId !== undefined) return bubbles.get(editedId)?.node.scrollIntoView({ block: "nearest" });
    following = true;
    follow();
  }

  return { renderList, renderMessage, renderDraft, renderStatus, reveal };
}

/** Tells a screen reader about a new answer once, when it has stopped growing. */
export function createAnnouncer(store) {
  let timer;
  return (chatId, message) => {
    const open = store.state.open;
    if (message.from?.id !== store.state.bot.id || chatId !== open?.chatId) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      byId("announcer").textContent = `${store.state.bot.name}: ${summaryOf(message)}`;
    }, 1800);
  };
}

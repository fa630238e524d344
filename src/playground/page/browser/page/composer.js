import { byId, drawn, element, icon, showToast } from "./dom.js";
import { summaryOf, threadOf } from "./state.js";
import { post } from "./stream.js";

/**
 * The box one writes in: sending, editing, replying, the menu of commands. `onSend` is called when something goes out, with
 * the id of the message if it is an edit.
 */
export function createComposer(store, onSend) {
  const { state } = store;
  const box = byId("composer-text");
  const menu = byId("command-menu");
  const toggle = byId("commands-toggle");
  const context = byId("composer-context");
  const sender = byId("sender");
  let marked = 0;
  /** Conversation key to the text that was begun there. */
  const unsent = new Map();
  let shownKey;
  let shownEditing;
  toggle.append(icon("slash"));
  byId("send").append(icon("send"));

  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  box.addEventListener("input", () => {
    fitHeight();
    openMenu(/^\/\w*$/.test(box.value));
  });
  box.addEventListener("keydown", onKey);
  toggle.addEventListener("click", () => {
    openMenu(menu.hidden);
    box.focus();
  });
  document.addEventListener("click", (event) => {
    if (!menu.hidden && !menu.contains(event.target) && !toggle.contains(event.target)) openMenu(false);
  });
  sender.addEventListener("change", () => {
    state.senders.set(state.open.chatId, Number(sender.value));
  });

  function onKey(event) {
    // While an input method composes (Chinese, Japanese, Korean), Enter belongs to it.
    if (event.isComposing) return;
    if (!menu.hidden && menuKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void submit();
    } else if (event.key === "Escape") clearContext();
    else if (event.key === "ArrowUp" && box.value === "") {
      const last = ownLast();
      if (last === undefined) return;
      event.preventDefault();
      edit(last.message_id);
    }
  }

  function menuKey(event) {
    const items = [...menu.children];
    if (event.key === "Escape") openMenu(false);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      marked = (marked + (event.key === "ArrowDown" ? 1 : items.length - 1)) % Math.max(items.length, 1);
      mark();
    } else if (event.key === "Tab" && !event.shiftKey && items[marked] !== undefined) {
      box.value = `/${items[marked].dataset.command} `;
      openMenu(false);
    } else if (event.key === "Enter" && !event.shiftKey && items[marked] !== undefined) items[marked].click();
    else return false;
    event.preventDefault();
    return true;
  }

  function openMenu(wish) {
    const typed = box.value.startsWith("/") ? box.value.slice(1).toLowerCase() : "";
    const matching = wish ? state.commands.filter(({ command }) => command.startsWith(typed)) : [];
    marked = 0;
    menu.replaceChildren(
      ...matching.map(({ command, description }, index) =>
        element(
          "div",
          {
            role: "option",
            id: `command-${index}`,
            "data-command": command,
            "data-testid": "command",
            onclick: () => choose(command),
          },
          element("span", { class: "command-name" }, `/${command}`),
          element("span", { class: "command-description", dir: "auto" }, description),
        ),
      ),
    );
    if (wish && state.commands.length === 0)
      menu.replaceChildren(element("div", { class: "command-none" }, "The bot has set no commands yet."));
    menu.hidden = menu.children.length === 0;
    toggle.setAttribute("aria-expanded", String(!menu.hidden));
    mark();
  }

  function mark() {
    for (const [index, item] of [...menu.children].entries())
      item.setAttribute("aria-selected", String(index === marked));
    menu.children[marked]?.scrollIntoView({ block: "nearest" });
    if (menu.hidden) box.removeAttribute("aria-activedescendant");
    else box.setAttribute("aria-activedescendant", `command-${marked}`);
  }

  function choose(command) {
    openMenu(false);
    box.value = "";
    fitHeight();
    void sendText(`/${command}`);
  }

  async function submit() {
    const text = box.value;
    if (text.trim() === "") return;
    openMenu(false);
    box.value = "";
    fitHeight();
    const editing = state.editing;
    const replyTo = state.replyTo;
    clearContext();
    const done =
      editing === undefined ? await sendText(text, replyTo) : await send("edits", { messageId: editing, text });
    // A text that did not go out must not be lost.
    if (!done && box.value === "") {
      box.value = text;
      fitHeight();
    }
  }

  /** What is too long for one message goes out as several, as a Telegram client does it. */
  async function sendText(text, replyTo) {
    for (const piece of pieces(text.trim())) {
      if (!(await send("messages", { text: piece, replyTo }))) return false;
    }
    return true;
  }

  async function send(path, body) {
    const chat = store.openChat();
    if (chat === undefined) return false;
    onSend(body.messageId);
    const editedBy = body.messageId === undefined ? undefined : chat.messages.get(body.messageId)?.from?.id;
    try {
      await post(path, {
        chatId: chat.id,
        threadId: state.open.threadId,
        senderId: editedBy ?? store.sender(chat),
        ...body,
      });
      return true;
    } catch (error) {
      showToast(error.message);
      return false;
    }
  }

  function ownLast() {
    const chat = store.openChat();
    const mine = [...(chat?.messages.values() ?? [])].filter(
      (message) =>
        message.from?.id !== state.bot.id && message.text !== undefined && threadOf(message) === state.open.threadId,
    );
    return mine.at(-1);
  }

  function edit(messageId) {
    const message = store.openChat()?.messages.get(messageId);
    if (message?.text === undefined) return;
    state.editing = messageId;
    state.replyTo = undefined;
    box.value = message.text;
    renderContext();
    focus();
  }

  function replyTo(messageId) {
    if (state.editing !== undefined) box.value = "";
    state.editing = undefined;
    state.replyTo = messageId;
    renderContext();
    focus();
  }

  function focus() {
    fitHeight();
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  }

  function clearContext() {
    if (state.editing !== undefined) box.value = "";
    state.editing = undefined;
    state.replyTo = undefined;
    renderContext();
    fitHeight();
  }

  function renderContext() {
    shownEditing = state.editing;
    const id = state.editing ?? state.replyTo;
    const message = id === undefined ? undefined : store.openChat()?.messages.get(id);
    context.hidden = message === undefined;
    byId("send").replaceChildren(icon(state.editing === undefined ? "send" : "check"));
    byId("send").setAttribute("aria-label", state.editing === undefined ? "Send" : "Save the edit");
    if (message === undefined) return;
    context.replaceChildren(
      icon(state.editing === undefined ? "reply" : "pencil"),
      element(
        "span",
        { class: "context-text" },
        element(
          "strong",
          {},
          state.editing === undefined ? `Reply to ${message.from?.first_name ?? ""}` : "Edit message",
        ),
        element("span", { dir: "auto" }, ...drawn(summaryOf(message))),
      ),
      element(
        "button",
        { type: "button", class: "icon-button", "aria-label": "Cancel", onclick: clearContext },
        icon("close"),
      ),
    );
  }

  function fitHeight() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 180)}px`;
    byId("send").disabled = box.value.trim() === "";
  }

  return {
    sendText,
    async sendVoice(recording) {
      const { replyTo } = state;
      clearContext();
      await send("voices", { ...recording, replyTo });
    },
    edit,
    replyTo,
    focus: () => box.focus(),
    render() {
      const key = store.openKey();
      if (key !== shownKey) {
        unsent.set(shownKey, shownEditing === undefined ? box.value : "");
        box.value = unsent.get(key) ?? "";
        shownKey = key;
      }
      const chat = store.openChat();
      const people = chat?.kind === "group" ? chat.people : [];
      byId("sender-label").hidden = people.length === 0;
      sender.replaceChildren(...people.map((person) => element("option", { value: person.id }, person.name)));
      if (chat !== undefined && people.length > 0) sender.value = String(store.sender(chat));
      renderContext();
      fitHeight();
    },
  };
}

const LONGEST = 4096;

/** Cuts at a line's or a word's end where there is one, and never inside a surrogate pair. */
function pieces(text) {
  const cut = [];
  let rest = text;
  while (rest.length > LONGEST) {
    const head = rest.slice(0, LONGEST);
    const gap = Math.max(head.lastIndexOf("\n"), head.lastIndexOf(" "));
    const hard = /[\ud800-\udbff]$/.test(head) ? LONGEST - 1 : LONGEST;
    const end = gap > LONGEST / 2 ? gap + 1 : hard;
    cut.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...cut, rest];
}

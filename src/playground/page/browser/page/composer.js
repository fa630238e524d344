import { createAttachMenu } from "./attach-menu.js";
import { createCommandMenu } from "./command-menu.js";
import { byId, drawn, element, icon, showToast } from "./dom.js";
import { createRecorder } from "./recorder.js";
import { LONGEST_CAPTION } from "./sizes.js";
import { isEditable, summaryOf, threadOf } from "./state.js";
import { post, upload } from "./stream.js";
import { createTray } from "./tray.js";

/**
 * The box one writes in: sending, editing, replying, the menu of commands. `onSend` is called when something goes out, with
 * the id of the message if it is an edit.
 */
export function createComposer(store, onSend) {
  const { state } = store;
  const box = byId("composer-text");
  const context = byId("composer-context");
  const sender = byId("sender");
  /** Conversation key to the text that was begun there. */
  const unsent = new Map();
  let shownKey;
  let shownEditing;
  const tray = createTray(store, () => {
    if (state.editing !== undefined) clearContext();
    fitHeight();
    box.focus();
  });
  createAttachMenu(
    (round) => tray.choose(round),
    (shared) => void share(shared),
  );
  createRecorder((sound, seconds) => void sendRecording(sound, seconds));
  const menu = createCommandMenu(state, box, (command) => {
    box.value = "";
    fitHeight();
    void sendText(`/${command}`);
  });
  byId("send").append(icon("send"));

  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  box.addEventListener("input", () => {
    fitHeight();
    menu.open(/^\/\w*$/.test(box.value));
  });
  box.addEventListener("keydown", onKey);
  box.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    // A text that was copied with its picture is a text.
    if (files.length === 0 || types.includes("text/plain")) return;
    event.preventDefault();
    void tray.add([...files]);
  });
  sender.addEventListener("change", () => {
    state.senders.set(state.open.chatId, Number(sender.value));
  });

  function onKey(event) {
    // While an input method composes (Chinese, Japanese, Korean), Enter belongs to it.
    if (event.isComposing) return;
    if (menu.takesKey(event)) return;
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

  async function submit() {
    await tray.ready();
    const text = box.value;
    const { editing, replyTo } = state;
    if (!isSendable()) return;
    const withFiles = editing === undefined && !tray.isEmpty;
    if ((withFiles || editsCaption()) && text.trim().length > LONGEST_CAPTION) {
      return showToast(`A caption has room for 1,024 characters; this one has ${text.trim().length}.`);
    }
    menu.open(false);
    box.value = "";
    clearContext();
    const done = withFiles
      ? await sendFiles(tray.take(), { caption: text.trim(), replyTo })
      : editing === undefined
        ? await sendText(text, replyTo)
        : await send("edits", { messageId: editing, text: text.trim() });
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

  async function sendFiles({ uploads, restore }, message) {
    const done = await send("uploads", message, uploads);
    if (!done) restore();
    return done;
  }

  /** By itself, as a client does it: a text that was begun stays. */
  async function sendRecording(sound, seconds) {
    const { replyTo } = state;
    if (state.editing === undefined) clearContext();
    const name = `voice.${sound.type.split("/")[1]}`;
    await send("uploads", { replyTo }, [{ kind: "voice", name, mimeType: sound.type, seconds, forms: [sound] }]);
  }

  async function share(shared) {
    const { replyTo } = state;
    if (state.editing === undefined) clearContext();
    await send("shares", { shared, replyTo });
    box.focus();
  }

  function edited() {
    return state.editing === undefined ? undefined : store.openChat()?.messages.get(state.editing);
  }

  function editsCaption() {
    const message = edited();
    return message !== undefined && message.text === undefined;
  }

  /** A caption may be taken away. */
  function isSendable() {
    if (box.value.trim() !== "" || editsCaption()) return true;
    return state.editing === undefined && !tray.isEmpty;
  }

  async function send(path, body, uploads) {
    const chat = store.openChat();
    if (chat === undefined) return false;
    onSend(body.messageId);
    const editedBy = body.messageId === undefined ? undefined : chat.messages.get(body.messageId)?.from?.id;
    try {
      const message = {
        chatId: chat.id,
        threadId: state.open.threadId,
        senderId: editedBy ?? store.sender(chat),
        ...body,
      };
      if (uploads === undefined) await post(path, message);
      else await upload(message, uploads);
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
        message.from?.id !== state.bot.id && isEditable(message) && threadOf(message) === state.open.threadId,
    );
    return mine.at(-1);
  }

  function edit(messageId) {
    const message = store.openChat()?.messages.get(messageId);
    if (message === undefined || !isEditable(message)) return;
    state.editing = messageId;
    state.replyTo = undefined;
    box.value = message.text ?? message.caption ?? "";
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
          state.editing === undefined
            ? `Reply to ${message.from?.first_name ?? ""}`
            : `Edit ${message.text === undefined ? "caption" : "message"}`,
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
    byId("send").disabled = !isSendable();
  }

  return {
    sendText,
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
      tray.render();
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

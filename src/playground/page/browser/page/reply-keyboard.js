import { byId, drawn, element, icon } from "./dom.js";

/** Keys of the bot that stand in place of the letters. A press sends the key's label as the person's own message. */
export function createReplyKeyboard(store, composer) {
  const { state } = store;
  const box = byId("composer-text");
  const frame = byId("reply-keyboard");
  const toggle = byId("keys-toggle");
  const usualPlaceholder = box.placeholder;
  /** Messages whose keys were put away by hand, or by being used once. */
  const putAway = new Set();
  let drawnFor;
  toggle.append(icon("keyboard"));

  toggle.addEventListener("click", () => {
    const id = idOf(current());
    if (!putAway.delete(id)) putAway.add(id);
    render();
  });

  function current() {
    return store.openChat()?.replyKeyboards.find(({ threadId }) => threadId === state.open.threadId);
  }

  /** Ids of messages count anew in each chat. */
  function idOf(keyboard) {
    return `${state.open.chatId}/${keyboard.messageId}`;
  }

  function press(keyboard, label) {
    box.focus();
    // In a group a client sends it as a reply, so that the bot sees it.
    void composer.sendText(label, store.openChat()?.kind === "group" ? keyboard.messageId : undefined);
  }

  function key(keyboard, label) {
    const attributes = { type: "button", class: "key", dir: "auto", "data-testid": "reply-key" };
    return element("button", { ...attributes, onclick: () => press(keyboard, label) }, ...drawn(label));
  }

  function render() {
    const keyboard = current();
    const shown = keyboard !== undefined && !putAway.has(idOf(keyboard));
    toggle.hidden = keyboard === undefined;
    toggle.setAttribute("aria-expanded", String(shown));
    toggle.title = shown ? "Put the bot's keys away" : "Show the bot's keys";
    box.placeholder = (shown ? keyboard.placeholder : undefined) ?? usualPlaceholder;
    frame.hidden = !shown;
    if (!shown || drawnFor === idOf(keyboard)) return;
    drawnFor = idOf(keyboard);
    frame.classList.toggle("tall", !keyboard.small);
    frame.replaceChildren(
      ...keyboard.rows.map((row) =>
        element("div", { class: "keyboard-row" }, ...row.map((label) => key(keyboard, label))),
      ),
    );
  }

  return {
    render,
    /** The person has written something: one-time keys make way. */
    written() {
      const keyboard = current();
      if (keyboard?.oneTime) putAway.add(idOf(keyboard));
      render();
    },
  };
}

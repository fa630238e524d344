import { avatar, clock, copyText, drawn, element, hueOf, icon, showAlert, showToast } from "./dom.js";
import { renderText, safeHref } from "./entities.js";
import { mediaOf } from "./media.js";
import { isEditable, summaryOf } from "./state.js";
import { post } from "./stream.js";

/**
 * One message on the screen. `update` changes only the parts that differ, so that a button keeps its focus and its
 * spinner, and a selection outside of the text lives on, while an answer is being written. `line` holds text and time; an
 * album shows it elsewhere.
 */
export function createBubble(chat, message, deps) {
  const fromBot = message.from?.id === deps.botId;
  const service = message.forum_topic_created !== undefined;
  const node = element("article", {
    class: service ? "message service" : `message ${fromBot ? "in" : "out"}`,
    "data-testid": "message",
    "data-from": service ? "service" : fromBot ? "bot" : "person",
    "data-message-id": message.message_id,
  });
  if (service) {
    node.append(element("p", { dir: "auto" }, summaryOf(message)));
    return { node, line: undefined, update() {} };
  }

  const text = element("div", { class: "text", "data-testid": "message-text", dir: "auto" });
  const edited = element("span", { class: "edited", "data-testid": "edited", hidden: true }, "edited");
  const keyboard = element("div", {
    class: "keyboard",
    role: "group",
    "aria-label": "Buttons",
    "data-testid": "keyboard",
    hidden: true,
  });
  const body = element("div", { class: "bubble" });
  if (chat.kind === "group") {
    const name = message.from?.first_name ?? "";
    body.append(element("p", { class: `sender-name hue-${hueOf(message.from?.id ?? 0)}`, dir: "auto" }, name));
    if (!fromBot) node.append(avatar(message.from?.id ?? 0, name));
  }
  if (message.reply_to_message !== undefined && !isTopicRoot(message)) body.append(quote(message, deps));
  const media = mediaOf(message, fromBot);
  if (media !== undefined) body.append(media);
  const time = element("time", { datetime: new Date(message.date * 1000).toISOString() }, clock(message.date));
  const line = element("div", { class: "text-line" }, text, element("footer", {}, edited, time));
  body.append(line);
  const actions = element(
    "div",
    { class: "message-actions" },
    action("reply", "Reply", "reply", () => deps.onReply(message.message_id)),
    !fromBot && isEditable(message)
      ? action("pencil", "Edit", "edit", () => deps.onEdit(message.message_id))
      : undefined,
  );
  node.append(body, actions, keyboard);

  let shownText;
  let shownKeyboard;
  function update(next) {
    const nextText = JSON.stringify([next.text ?? next.caption, next.entities ?? next.caption_entities]);
    if (nextText !== shownText) {
      shownText = nextText;
      const entities = next.entities ?? next.caption_entities ?? [];
      text.replaceChildren(renderText(next.text ?? next.caption ?? "", entities, deps.onCommand));
    }
    edited.hidden = next.edit_date === undefined || next.edit_hide === true;
    const nextKeyboard = JSON.stringify(next.reply_markup?.inline_keyboard ?? []);
    if (nextKeyboard !== shownKeyboard) {
      shownKeyboard = nextKeyboard;
      const rows = next.reply_markup?.inline_keyboard ?? [];
      keyboard.hidden = rows.length === 0;
      keyboard.replaceChildren(
        ...rows.map((row) =>
          element("div", { class: "keyboard-row" }, ...row.map((button) => keyboardButton(chat, next, button, deps))),
        ),
      );
    }
  }
  update(message);
  return { node, line, update };
}

/** In a topic each message replies to the one that opened it, unless it replies to another; clients do not show that. */
function isTopicRoot(message) {
  return message.reply_to_message.forum_topic_created !== undefined;
}

function action(iconName, label, testId, onClick) {
  return element(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-label": label,
      title: label,
      "data-testid": testId,
      onclick: onClick,
    },
    icon(iconName),
  );
}

function quote(message, deps) {
  const target = message.reply_to_message;
  return element(
    "button",
    {
      type: "button",
      class: `reply-quote hue-${hueOf(target.from?.id ?? 0)}`,
      "data-testid": "reply-quote",
      onclick: () => deps.onShow(target.message_id),
    },
    element("span", { class: "reply-name", dir: "auto" }, target.from?.first_name ?? ""),
    element("span", { class: "reply-text", dir: "auto" }, ...drawn(message.quote?.text ?? summaryOf(target))),
  );
}

function keyboardButton(chat, message, button, deps) {
  const href = button.url === undefined ? undefined : safeHref(button.url);
  const className = `key${button.style ? ` key-${button.style}` : ""}`;
  if (href !== undefined) {
    return element(
      "a",
      { class: className, href, target: "_blank", rel: "noopener noreferrer", dir: "auto" },
      ...drawn(button.text),
      icon("link"),
    );
  }
  const node = element(
    "button",
    { type: "button", class: className, dir: "auto", "data-testid": "key" },
    ...drawn(button.text),
  );
  if (button.copy_text !== undefined) {
    node.addEventListener("click", async () => {
      if (await copyText(button.copy_text.text)) showToast("Copied.");
    });
  } else if (button.callback_data !== undefined && button.disabled === undefined) {
    node.addEventListener("click", () => press(node, chat, message.message_id, button, deps));
  } else node.disabled = true;
  return node;
}

async function press(node, chat, messageId, button, deps) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    const answer = await post("presses", {
      chatId: chat.id,
      messageId,
      senderId: deps.sender(),
      data: button.callback_data,
    });
    if (answer.text) (answer.alert ? showAlert : showToast)(answer.text);
    const href = answer.url === undefined ? undefined : safeHref(answer.url);
    if (href !== undefined) window.open(href, "_blank", "noopener,noreferrer");
  } catch (error) {
    showToast(error.message);
  } finally {
    node.removeAttribute("aria-busy");
  }
}

/** The live text of an answer that is not a message yet, with Telegram's own Stop button. */
export function createDraftBubble(onStop) {
  const text = element("div", { class: "text", "data-testid": "draft-text", dir: "auto" });
  const stop = element(
    "button",
    { type: "button", class: "key draft-stop", "data-testid": "draft-stop", onclick: onStop },
    icon("stop"),
    "Stop",
  );
  const node = element(
    "article",
    { class: "message in draft", "data-testid": "draft" },
    element("div", { class: "bubble" }, text),
    element("div", { class: "keyboard" }, stop),
  );
  return {
    node,
    update(draft) {
      const thinking = draft.text === "";
      text.replaceChildren(thinking ? "Thinking…" : renderText(draft.text, draft.entities, () => {}));
      text.classList.toggle("thinking", thinking);
      stop.parentElement.hidden = !draft.canStop;
    },
  };
}

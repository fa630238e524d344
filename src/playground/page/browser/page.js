import { createChatsView } from "./page/chats.js";
import { createComposer } from "./page/composer.js";
import { byId, element, icon, showToast } from "./page/dom.js";
import { createLogView } from "./page/log.js";
import { createAnnouncer, createMessagesView } from "./page/messages.js";
import { createPanels, createTheme } from "./page/panels.js";
import { createReplyKeyboard } from "./page/reply-keyboard.js";
import { createRequestView } from "./page/request.js";
import { createState } from "./page/state.js";
import { followServer, post } from "./page/stream.js";

const dirty = new Set();
const changedMessages = new Map();
const newCalls = [];

const store = createState((part, detail) => {
  if (part === "message") {
    changedMessages.set(`${detail.chatId}/${detail.message.message_id}`, detail);
    announce(detail.chatId, detail.message);
  } else if (part === "call") newCalls.push(detail);
  else dirty.add(part);
  schedule();
});
const { state } = store;
const composer = createComposer(store, (editedId) => {
  messages.reveal(editedId);
  replyKeyboard.written();
});
const replyKeyboard = createReplyKeyboard(store, composer);
const messages = createMessagesView(store, composer);
const panels = createPanels();
const chats = createChatsView(store, () => {
  panels.close();
  composer.focus();
});
const log = createLogView(store);
const request = createRequestView(state);
const announce = createAnnouncer(store);
createTheme();

let scheduled = false;

/** Many events may come in one frame: each part is drawn once. A hidden window has no frames, so there a timer draws. */
function schedule() {
  if (scheduled) return;
  scheduled = true;
  if (document.hidden) setTimeout(draw, 100);
  else requestAnimationFrame(draw);
}

function draw() {
  scheduled = false;
  const all = dirty.delete("everything");
  const open = state.open?.chatId;
  if (all) {
    drawFrame();
    messages.renderList();
    composer.render();
    log.render();
    log.renderFaults();
    request.render();
    replyKeyboard.render();
  } else {
    if (dirty.has("messages") || dirty.has("chats")) messages.renderList();
    for (const detail of changedMessages.values()) if (detail.chatId === open) messages.renderMessage(detail);
    if (dirty.has("draft") || changedMessages.size > 0) messages.renderDraft();
    if (dirty.has("status")) messages.renderStatus();
    if (dirty.has("faults")) log.renderFaults();
    if (dirty.has("chats")) {
      drawFrame();
      composer.render();
      replyKeyboard.render();
    }
    if (dirty.has("request")) request.render();
    for (const call of newCalls) log.add(call);
  }
  if (all || dirty.has("chats") || dirty.has("messages") || changedMessages.size > 0) chats.render();
  dirty.clear();
  changedMessages.clear();
  newCalls.length = 0;
}

function drawFrame() {
  byId("brand").textContent = `${state.bot.name} playground`;
  byId("model-note").textContent = state.modelNote;
  byId("models-open").hidden = state.otherModels.length === 0;
  byId("models-open").textContent = `+${state.otherModels.length}`;
  byId("models-open").setAttribute("aria-label", `and ${state.otherModels.length} further models`);
  byId("models").replaceChildren(...state.otherModels.map((name) => element("li", {}, name)));
  const chat = store.openChat();
  const blocked = chat?.blocked === true;
  byId("new-topic").hidden = chat?.topicsAllowed !== true;
  byId("block-bot").hidden = chat?.kind !== "private";
  byId("block-bot").setAttribute("aria-pressed", String(blocked));
  byId("block-bot").setAttribute("aria-label", blocked ? "Unblock the bot" : "Block the bot");
  byId("block-bot").title = blocked ? "Unblock the bot" : "Block the bot";
}

byId("new-topic").append(icon("topic"));
byId("new-topic").setAttribute("aria-label", "New topic");
byId("new-topic").title = "New topic";
byId("new-topic").addEventListener("click", () => {
  const chat = store.openChat();
  if (chat !== undefined) void chats.create("topics", { chatId: chat.id, name: `Topic ${chat.topics.length + 1}` });
});
byId("block-bot").append(icon("block"));
byId("block-bot").addEventListener("click", () => {
  const chat = store.openChat();
  if (chat === undefined) return;
  post("blocks", { chatId: chat.id, blocked: !chat.blocked }).catch((error) => showToast(error.message));
});

followServer(store.apply, (connected) => {
  const lamp = byId("connection");
  lamp.classList.toggle("connected", connected);
  lamp.setAttribute("aria-label", connected ? "Connected" : "Connection lost, trying again");
  lamp.title = connected ? "Connected" : "Connection lost, trying again";
});

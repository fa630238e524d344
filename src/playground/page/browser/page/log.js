import { byId, element, showToast } from "./dom.js";
import { post } from "./stream.js";

/** Lines kept on the page; older ones leave it. */
const LINES = 200;

/** The live log of Bot API calls, the newest on top, and the switches that make something fail. */
export function createLogView(store) {
  const { state } = store;
  const list = byId("call-list");
  const filter = byId("calls-filter");
  const errors = byId("calls-errors");
  const polling = byId("calls-polling");
  for (const control of [filter, errors, polling]) control.addEventListener("input", render);
  byId("calls-clear").addEventListener("click", () => {
    state.calls.length = 0;
    render();
  });

  function matches(call) {
    if (!polling.checked && call.method === "getUpdates" && call.status < 400) return false;
    if (errors.checked && call.status < 400) return false;
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return true;
    const text =
      `${call.method} ${call.status} ${chatTitle(call.chatId)} ${call.chatId ?? ""} ${JSON.stringify(call.params)} ${call.error ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  }

  function chatTitle(id) {
    return id === undefined ? "" : (state.chats.get(id)?.title ?? String(id));
  }

  function line(call) {
    const failed = call.status >= 400 || call.status === 0;
    const details = element(
      "details",
      { class: failed ? "call failed" : "call", "data-testid": "call", "data-method": call.method },
      element(
        "summary",
        {},
        element("span", { class: "call-status" }, String(call.status)),
        element("span", { class: "call-method" }, call.method),
        element("span", { class: "call-chat", dir: "auto" }, chatTitle(call.chatId)),
        element("span", { class: "call-time" }, `${Math.round(call.ms)} ms`),
      ),
    );
    if (call.error) details.append(element("p", { class: "call-error" }, call.error));
    // Written out only when somebody looks: most lines are never opened.
    details.addEventListener(
      "toggle",
      () => details.append(element("pre", { tabindex: "0" }, JSON.stringify(call.params, undefined, 2))),
      { once: true },
    );
    return element("li", {}, details);
  }

  function count() {
    byId("calls-count").textContent = list.children.length === 0 ? "" : String(list.children.length);
  }

  function render() {
    const shown = state.calls.filter(matches).slice(-LINES).reverse();
    list.replaceChildren(...shown.map(line));
    if (shown.length === 0) list.replaceChildren();
    count();
  }

  return {
    render,
    add(call) {
      if (!matches(call)) return;
      const top = list.scrollTop;
      const node = line(call);
      list.prepend(node);
      // Somebody who reads further down keeps the place.
      if (top > 4) list.scrollTop = top + node.offsetHeight;
      while (list.children.length > LINES) list.lastChild.remove();
      count();
    },
    renderFaults() {
      byId("faults-section").hidden = state.faults.length === 0;
      byId("faults").replaceChildren(
        ...state.faults.map((fault) =>
          element(
            "li",
            {},
            element(
              "button",
              {
                type: "button",
                role: "switch",
                class: "switch",
                "aria-checked": String(fault.on),
                "data-testid": `fault-${fault.name}`,
                onclick: () =>
                  post("faults", { name: fault.name, on: !fault.on }).catch((error) => showToast(error.message)),
              },
              element("span", {}, fault.label),
              element("span", { class: "switch-track", "aria-hidden": "true" }),
            ),
          ),
        ),
      );
    },
  };
}

import { byId, element } from "./dom.js";

/** What the model was asked last, and how it went. */
export function createRequestView(state) {
  const list = byId("request-messages");
  const details = byId("request-details");
  let writtenFor;
  // Written out only when somebody looks.
  details.addEventListener("toggle", writeMessages);

  function writeMessages() {
    const { request } = state;
    if (!details.open || request === undefined || writtenFor === request.id) return;
    writtenFor = request.id;
    const earlier = request.count - request.messages.length;
    list.replaceChildren(
      ...(request.tools.length > 0 ? [entry("tools", request.tools.join(", "))] : []),
      ...(earlier > 0 ? [element("li", { class: "request-role" }, `${earlier} earlier ones are not shown`)] : []),
      ...request.messages.map(({ role, content }) => entry(role, content)),
    );
  }

  return {
    render() {
      const { request } = state;
      byId("request-section").hidden = request === undefined;
      if (request === undefined) return;
      byId("request-model").textContent = request.model;
      byId("request-count").textContent = [
        counted(request.count, "message"),
        ...(request.tools.length > 0 ? [counted(request.tools.length, "tool")] : []),
      ].join(", ");
      byId("request-facts").replaceChildren(
        fact("First token", milliseconds(request.firstTokenMs)),
        fact("Last token", milliseconds(request.endMs)),
        fact("Outcome", request.outcome, request.failed),
        fact("Tokens in", tokens(request, request.inputTokens, request.cachedTokens)),
        fact("Tokens out", tokens(request, request.outputTokens, 0)),
        fact("Calls", String(request.calls)),
      );
      writeMessages();
    },
  };
}

function entry(role, content) {
  return element("li", {}, element("span", { class: "request-role" }, role), element("p", { dir: "auto" }, content));
}

function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function fact(term, value, bad = false) {
  return element("div", {}, element("dt", {}, term), element("dd", { class: bad ? "bad" : undefined }, value));
}

function milliseconds(value) {
  return value === undefined ? "–" : `${value} ms`;
}

/** Providers count tokens when an answer is complete, if at all. */
function tokens({ endMs }, count, cached) {
  if (count === undefined) return endMs === undefined ? "–" : "not told";
  return cached > 0 ? `${count} (${cached} cached)` : String(count);
}

import { copyText, drawn, element, icon } from "./dom.js";

const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const INLINE_TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code" };
/** Inside these nothing is detected; they are links already, or literal. */
const LITERAL = new Set(["pre", "code", "text_link", "text_mention", "url", "email", "mention", "bot_command"]);
const DETECTED =
  /https?:\/\/[^\s<>"]+|(?<![\w@./])@[a-zA-Z]\w{3,31}(?!\w)|(?<![\w/<>@.:])\/[a-zA-Z0-9_]{1,32}(?:@\w{3,32})?(?![\w/])/g;

/**
 * Text with its entities as nodes. Offsets count UTF-16 units, as JavaScript strings do. Every piece of the text
 * goes in as a text node. `onCommand` is called with a bot command that was clicked.
 */
export function renderText(text, entities, onCommand) {
  const sorted = entities
    .filter((entity) => entity.length > 0)
    .sort((one, other) => one.offset - other.offset || other.length - one.length);
  const fragment = document.createDocumentFragment();
  fragment.append(...build({ text, onCommand }, 0, text.length, sorted, false));
  return fragment;
}

function build(source, start, end, entities, literal) {
  const nodes = [];
  const rest = [...entities];
  let at = start;
  let afterBlock = false;
  const pushText = (to, beforeBlock) => {
    let piece = source.text.slice(at, to);
    // A block brings its own line break; the one beside it would show as an empty line.
    if (afterBlock && piece.startsWith("\n")) piece = piece.slice(1);
    if (beforeBlock && piece.endsWith("\n")) piece = piece.slice(0, -1);
    if (piece !== "") nodes.push(...(literal ? [document.createTextNode(piece)] : detect(piece, source.onCommand)));
    at = to;
  };
  while (rest.length > 0) {
    const entity = rest.shift();
    const entityEnd = Math.min(entity.offset + entity.length, end);
    if (entity.offset >= end || entityEnd <= at) continue;
    const isBlock = BLOCKS.has(entity.type);
    pushText(Math.max(entity.offset, at), isBlock);
    const inside = [];
    while (rest.length > 0 && rest[0].offset < entityEnd) inside.push(rest.shift());
    // What crosses this entity's end goes on behind it.
    for (const child of [...inside].reverse()) {
      const childEnd = child.offset + child.length;
      if (childEnd > entityEnd) rest.unshift({ ...child, offset: entityEnd, length: childEnd - entityEnd });
    }
    const children = build(source, at, entityEnd, inside, literal || LITERAL.has(entity.type));
    nodes.push(wrap(entity, children, source.text.slice(at, entityEnd), source.onCommand));
    at = entityEnd;
    afterBlock = isBlock;
  }
  pushText(end, false);
  return nodes;
}

function detect(piece, onCommand) {
  const nodes = [];
  let at = 0;
  for (const match of piece.matchAll(DETECTED)) {
    const found = match[0].startsWith("http") ? trimUrl(match[0]) : match[0];
    if (match.index > at) nodes.push(...drawn(piece.slice(at, match.index)));
    const type = found.startsWith("/") ? "bot_command" : found.startsWith("@") ? "mention" : "url";
    nodes.push(wrap({ type }, [document.createTextNode(found)], found, onCommand));
    at = match.index + found.length;
  }
  nodes.push(...drawn(piece.slice(at)));
  return nodes;
}

function trimUrl(url) {
  let end = url.length;
  while (/[.,;:!?'"…]/.test(url.charAt(end - 1))) end -= 1;
  let trimmed = url.slice(0, end);
  while (trimmed.endsWith(")") && !trimmed.includes("(")) trimmed = trimmed.slice(0, -1);
  return trimmed;
}

function wrap(entity, children, text, onCommand) {
  const tag = INLINE_TAGS[entity.type];
  if (tag !== undefined) return element(tag, {}, ...children);
  switch (entity.type) {
    case "pre":
      return codeBlock(entity.language, children, text);
    case "blockquote":
      return element("blockquote", { dir: "auto" }, ...children);
    case "expandable_blockquote":
      return expandableQuote(children);
    case "spoiler":
      return spoiler(children);
    case "text_link":
      return link(entity.url, children);
    case "url":
      return link(text, children);
    case "email":
      return link(`mailto:${text}`, children);
    case "bot_command":
      return element("button", { type: "button", class: "command", onclick: () => onCommand(text) }, ...children);
    case "mention":
    case "text_mention":
    case "hashtag":
    case "cashtag":
      return element("span", { class: "mention" }, ...children);
    default:
      return element("span", {}, ...children);
  }
}

function link(target, children) {
  const href = safeHref(target);
  if (href === undefined) return element("span", { class: "mention" }, ...children);
  return element("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, ...children);
}

/** The address if it is one that a chat may open, else undefined: no script, file or app address. */
export function safeHref(target) {
  const withScheme = /^[a-z][a-z0-9+.-]*:/i.test(target) ? target : `http://${target}`;
  try {
    const url = new URL(withScheme);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function spoiler(children) {
  const node = element("span", {
    class: "spoiler",
    role: "button",
    tabindex: "0",
    "aria-label": "Hidden text, press to show",
  });
  const content = element("span", { class: "spoiler-content", "aria-hidden": "true" }, ...children);
  node.append(content);
  const reveal = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    if (node.classList.contains("revealed")) return;
    event.preventDefault();
    node.classList.add("revealed");
    content.removeAttribute("aria-hidden");
    for (const name of ["role", "tabindex", "aria-label"]) node.removeAttribute(name);
  };
  node.addEventListener("click", reveal);
  node.addEventListener("keydown", reveal);
  return node;
}

function expandableQuote(children) {
  const quote = element("blockquote", { dir: "auto", class: "expandable" });
  const toggle = element("button", { type: "button", class: "link-button", "aria-expanded": "false" }, "Show more");
  toggle.addEventListener("click", () => {
    const open = quote.classList.toggle("open");
    toggle.textContent = open ? "Show less" : "Show more";
    toggle.setAttribute("aria-expanded", String(open));
  });
  quote.append(element("div", { class: "quote-body" }, ...children), toggle);
  return quote;
}

function codeBlock(language, children, text) {
  const label = element("span", {}, "Copy");
  const button = element(
    "button",
    { type: "button", class: "code-copy", "data-testid": "code-copy", "aria-label": "Copy the code" },
    icon("copy"),
    label,
  );
  button.addEventListener("click", async () => {
    if (!(await copyText(text))) return;
    label.textContent = "Copied";
    setTimeout(() => {
      label.textContent = "Copy";
    }, 1500);
  });
  return element(
    "div",
    { class: "code-block", "data-testid": "code-block" },
    element(
      "div",
      { class: "code-head" },
      element("span", { class: "code-language", "data-testid": "code-language" }, language ?? ""),
      button,
    ),
    element("pre", { tabindex: "0", dir: "ltr" }, element("code", {}, ...children)),
  );
}

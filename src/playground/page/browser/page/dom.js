const SVG = "http://www.w3.org/2000/svg";

/** Paths on a 24 x 24 grid, drawn with strokes; those of `FILLED` are filled, too. */
const ICONS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  send: "M5 12h13M12 5l7 7-7 7",
  check: "M5 12.5l4.5 4.500L19 7.5",
  slash: "M14.5 5l-5 14M4 4h16v16H4z",
  pulse: "M3 12h4l3-7 4 14 3-7h4",
  reply: "M9 6L4 11l5 5M4 11h9a7 7 0 0 1 7 7",
  pencil: "M4 20l1-4L16 5l3 3L8 19l-4 1M14 7l3 3",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  down: "M12 5v13M6 12l6 6 6-6",
  chat: "M4 5h16v11H10l-4 4v-4H4zM12 8v5M9.5 10.500h5",
  group:
    "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M3 19c0-3 2.5-5 6-5s6 2 6 5M16 5.500a3 3 0 0 1 0 5.500M17 14.300c2.5.5 4 2.3 4 4.7",
  topic: "M9 4L7 20M17 4l-2 16M4 9h16M4 15h16",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M5.3 18.700l1.4-1.400M17.3 6.700l1.4-1.4",
  moon: "M20 14.500A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.500z",
  block: "M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M6 6l12 12",
  file: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  stop: "M7 7h10v10H7z",
  link: "M8 16l8-8M9.5 8H16v6.5",
  refresh: "M19 12a7 7 0 1 1-2.200-5.100M17.500 3v4h-4",
  repeat: "M4 11V9a3 3 0 0 1 3-3h12M16 3l3 3-3 3M20 13v2a3 3 0 0 1-3 3H5M8 21l-3-3 3-3",
  save: "M5 4h11l3 3v13H5zM8 4v5h7V4M8 20v-6h8v6",
  tick: "M4.500 4.500h15v15h-15zM8 12.200l3 3 5.500-6",
  play: "M8 5.500v13l10-6.500z",
  forward: "M5 6v12l7-6zM12 6v12l7-6z",
  hourglass:
    "M7 3.500h10M7 20.500h10M8 3.500c0 5 8 6 8 8.500s-8 3.500-8 8.500M16 3.500c0 5-8 6-8 8.500s8 3.500 8 8.500",
  undo: "M9 5L4 10l5 5M4 10h10a5 5 0 0 1 0 10h-4",
  thought: "M8.500 14.500a4 4 0 0 1-.5-8 5 5 0 0 1 9.300.700 3.700 3.700 0 0 1-.3 7.300zM8 17.800v.2M5.500 20.500v.1",
  wrench:
    "M14 7a4.300 4.300 0 0 1 5.500-2.500L16.500 7.500 18 9l3-3a4.300 4.300 0 0 1-5.500 5.500L8.500 19a2.100 2.100 0 0 1-3-3l7.500-7.500A4 4 0 0 1 14 7z",
  warning: "M12 4L2.800 20h18.400zM12 10v4.500M12 17.300v.2",
  clip: "M20 11l-8.500 8.500a5 5 0 0 1-7-7L13 4a3.300 3.300 0 0 1 4.700 4.700L9.500 17a1.600 1.600 0 0 1-2.300-2.300L14.500 7.500",
  scissors:
    "M6.500 4a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5M6.500 15a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5M8.500 8L20 18M8.500 16L20 6",
  trash: "M4 6.500h16M9 6.500V4h6v2.500M6 6.500l1 14h10l1-14M10 10.500v6M14 10.500v6",
  coin: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17M14.500 9a2.500 2.500 0 0 0-2.500-1.500c-3.500 0-3.500 4.500 0 4.500s3.500 4.500 0 4.500A2.500 2.500 0 0 1 9.500 15M12 6v12",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 2.500-2.500L20 17M15.500 9v.2",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.500 20c0-4 3-6.500 7.500-6.500s7.500 2.500 7.500 6.500",
  key: "M8 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 12h9v4M17 12v3",
  card: "M3 6h18v12H3zM3 10h18M6.500 14.500h4",
  compass: "M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M15.500 8.500l-2 5-5 2 2-5z",
  unseen:
    "M2.500 12s3.500-6.500 9.500-6.500 9.500 6.500 9.500 6.500-3.500 6.500-9.500 6.500S2.500 12 2.500 12zM12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5M4.500 4.500l15 15",
  microphone: "M12 4a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V7a3 3 0 0 1 3-3M6 11.500a6 6 0 0 0 12 0M12 17.500V21M8.500 21h7",
  speaker: "M4 10v4h3.500L12 18V6L7.500 10zM15 9a4 4 0 0 1 0 6M17.500 6.500a8 8 0 0 1 0 11",
  silent: "M4 10v4h3.500L12 18V6L7.500 10zM15.500 9.500l5 5M20.500 9.500l-5 5",
  place:
    "M12 21c4-5 6.500-8 6.500-11.500a6.500 6.500 0 0 0-13 0C5.500 13 8 16 12 21M12 7.500a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  poll: "M5 19V11h3v8zM10.500 19V5h3v14zM16 19v-5h3v5z",
  dice: "M4.500 4.500h15v15h-15zM8.500 8.500v.2M15.500 8.500v.2M12 12v.2M8.500 15.500v.2M15.500 15.500v.2",
  film: "M4 5.500h16v13H4zM10 9v6l5-3z",
  keyboard: "M3 6.500h18v11H3zM7 10v.2M10.500 10v.2M14 10v.2M17.500 10v.2M8 14h8",
};

/** An empty square looks like a character that no font has. */
const FILLED = new Set(["stop", "play", "forward"]);

/**
 * Signs that the bot writes, drawn here: a system without a font for emoji would show boxes. All others are left to the
 * system.
 */
const SIGNS = {
  "⏹": "stop",
  "🔄": "refresh",
  "🔁": "repeat",
  "♻": "refresh",
  "💾": "save",
  "✖": "close",
  "✅": "tick",
  "▶": "play",
  "⏩": "forward",
  "⏭": "forward",
  "⏳": "hourglass",
  "💭": "thought",
  "↩": "undo",
  "🔧": "wrench",
  "⚠": "warning",
  "📎": "clip",
  "🎤": "microphone",
  "🎨": "pencil",
  "🔊": "speaker",
  "🔇": "silent",
  "✂": "scissors",
  "🖼": "picture",
  "📄": "file",
  "🗑": "trash",
  "💸": "coin",
  "🆕": "chat",
  "💬": "chat",
  "👤": "person",
  "🔑": "key",
  "💳": "card",
  "💰": "coin",
  "🧭": "compass",
  "🧩": "slash",
  "👻": "block",
  "🛑": "block",
  "❌": "close",
  "📪": "down",
  "📥": "down",
  "⚰": "trash",
  "🩺": "pulse",
  "⚙": "wrench",
  "🙈": "unseen",
  "⏸": "hourglass",
  "🧰": "wrench",
  "🔎": "compass",
  "🌐": "compass",
  "🧮": "slash",
  "📝": "pencil",
  "🚫": "block",
  "🔐": "key",
};
const SIGN = new RegExp(`(${Object.keys(SIGNS).join("|")})\\ufe0f?`, "u");

/** A text as nodes: its known signs drawn, each with its character for whoever copies the text or has it read. */
export function drawn(text) {
  const nodes = [];
  let rest = text;
  for (let match = SIGN.exec(rest); match !== null; match = SIGN.exec(rest)) {
    if (match.index > 0) nodes.push(document.createTextNode(rest.slice(0, match.index)));
    nodes.push(element("span", { class: "sign" }, icon(SIGNS[match[1]]), element("span", {}, match[0])));
    rest = rest.slice(match.index + match[0].length);
  }
  if (rest !== "") nodes.push(document.createTextNode(rest));
  return nodes;
}

/** An icon for a control that carries its own label. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", FILLED.has(name) ? "icon filled" : "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Makes an element; strings among the children become text nodes, never markup. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

/** The element with this id, which page.html is known to hold. */
export function byId(id) {
  return document.getElementById(id);
}

/** A clock time as short as the reader's language writes it. */
export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** One of eight colours that stays with its chat or person. */
export function hueOf(id) {
  return Math.abs(id) % 8;
}

/** A round letter in place of a photo. */
export function avatar(id, name) {
  const letter = [...name.trim()][0] ?? "?";
  return element("span", { class: `avatar hue-${hueOf(id)}`, "aria-hidden": "true" }, letter.toUpperCase());
}

let toastTimer;

/** Shows a short text for four seconds, in a line of its own: it lies on no button. */
export function showToast(text) {
  const toast = byId("toast");
  toast.replaceChildren(...drawn(text));
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    toast.hidden = true;
  }, 4000);
}

/** Shows a text that must be confirmed. */
export function showAlert(text) {
  byId("alert-text").replaceChildren(...drawn(text));
  const dialog = byId("alert");
  if (!dialog.open) dialog.showModal();
}

/** Copies a text and says so. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    showToast("The browser did not allow copying.");
    return false;
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** Paths on a 24 x 24 grid, drawn with strokes. */
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
};

/** An icon for a control that carries its own label. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
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

/** Shows a short text above everything for four seconds. */
export function showToast(text) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    toast.hidden = true;
  }, 4000);
}

/** Shows a text that must be confirmed. */
export function showAlert(text) {
  byId("alert-text").textContent = text;
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

import { byId, icon } from "./dom.js";

/** On narrow windows the chat list and the log are drawers; here they open, close and leave the tab order. */
export function createPanels() {
  const drawers = {
    chats: { panel: byId("chats"), narrow: matchMedia("(max-width: 767px)"), opener: byId("chats-open") },
    log: { panel: byId("log"), narrow: matchMedia("(max-width: 1099px)"), opener: byId("log-open") },
  };
  let open;

  function arrange() {
    for (const [name, { panel, narrow, opener }] of Object.entries(drawers)) {
      const isOpen = open === name && narrow.matches;
      panel.classList.toggle("open", isOpen);
      panel.inert = narrow.matches && !isOpen;
      opener.setAttribute("aria-expanded", String(isOpen));
    }
    byId("shade").classList.toggle("open", open !== undefined && drawers[open].narrow.matches);
  }

  function toggle(name) {
    const former = open;
    open = name;
    arrange();
    if (open !== undefined) drawers[open].panel.querySelector("button, input")?.focus();
    else if (former !== undefined && drawers[former].narrow.matches) drawers[former].opener.focus();
  }

  byId("chats-open").append(icon("menu"));
  byId("log-open").append(icon("pulse"));
  byId("chats-close").append(icon("close"));
  byId("log-close").append(icon("close"));
  byId("chats-open").addEventListener("click", () => toggle("chats"));
  byId("log-open").addEventListener("click", () => toggle("log"));
  for (const id of ["chats-close", "log-close", "shade"]) byId(id).addEventListener("click", () => toggle(undefined));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open !== undefined) toggle(undefined);
  });
  for (const { narrow } of Object.values(drawers)) narrow.addEventListener("change", arrange);
  arrange();
  return { close: () => toggle(undefined) };
}

const THEME = "parley-playground-theme";

/** Light or dark: what the system says, until the button says otherwise. */
export function createTheme() {
  const button = byId("theme-toggle");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const saved = read();
  if (saved !== null) document.documentElement.dataset.theme = saved;

  function render() {
    const label = isDark() ? "Switch to light" : "Switch to dark";
    button.replaceChildren(icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", label);
    button.title = label;
  }
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem(THEME, document.documentElement.dataset.theme);
    } catch {
      // Storage may be forbidden; then the choice holds until the page is loaded again.
    }
    render();
  });
  system.addEventListener("change", render);
  render();
}

function read() {
  try {
    return localStorage.getItem(THEME);
  } catch {
    return null;
  }
}

import { byId, element, icon } from "./dom.js";

/** The bot's commands above the box, by what is typed there. `onChoose` gets the one that was chosen. */
export function createCommandMenu(state, box, onChoose) {
  const menu = byId("command-menu");
  const toggle = byId("commands-toggle");
  let marked = 0;
  toggle.append(icon("slash"));
  toggle.addEventListener("click", () => {
    open(menu.hidden);
    box.focus();
  });
  document.addEventListener("click", (event) => {
    if (!menu.hidden && !menu.contains(event.target) && !toggle.contains(event.target)) open(false);
  });

  function open(wish) {
    const typed = box.value.startsWith("/") ? box.value.slice(1).toLowerCase() : "";
    const matching = wish ? state.commands.filter(({ command }) => command.startsWith(typed)) : [];
    marked = 0;
    menu.replaceChildren(
      ...matching.map(({ command, description }, index) =>
        element(
          "div",
          {
            role: "option",
            id: `command-${index}`,
            "data-command": command,
            "data-testid": "command",
            onclick: () => choose(command),
          },
          element("span", { class: "command-name" }, `/${command}`),
          element("span", { class: "command-description", dir: "auto" }, description),
        ),
      ),
    );
    if (wish && state.commands.length === 0)
      menu.replaceChildren(element("div", { class: "command-none" }, "The bot has set no commands yet."));
    menu.hidden = menu.children.length === 0;
    toggle.setAttribute("aria-expanded", String(!menu.hidden));
    mark();
  }

  function mark() {
    for (const [index, item] of [...menu.children].entries())
      item.setAttribute("aria-selected", String(index === marked));
    menu.children[marked]?.scrollIntoView({ block: "nearest" });
    if (menu.hidden) box.removeAttribute("aria-activedescendant");
    else box.setAttribute("aria-activedescendant", `command-${marked}`);
  }

  function choose(command) {
    open(false);
    onChoose(command);
  }

  return {
    open,
    /** Whether a key that was pressed in the box was meant for the menu. */
    takesKey(event) {
      if (menu.hidden) return false;
      const items = [...menu.children];
      if (event.key === "Escape") open(false);
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        marked = (marked + (event.key === "ArrowDown" ? 1 : items.length - 1)) % Math.max(items.length, 1);
        mark();
      } else if (event.key === "Tab" && !event.shiftKey && items[marked] !== undefined) {
        box.value = `/${items[marked].dataset.command} `;
        open(false);
      } else if (event.key === "Enter" && !event.shiftKey && items[marked] !== undefined) items[marked].click();
      else return false;
      event.preventDefault();
      return true;
    },
  };
}

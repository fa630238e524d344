import { element } from "./dom.js";

/** Messages that were sent together, as one block: its parts, and below them what is written. */
export function createAlbum(message) {
  const kind = message.photo === undefined ? "files" : "photos";
  const parts = element("div", { class: `album-parts ${kind}` });
  const foot = element("div", { class: "album-foot" });
  const node = element("section", { "data-testid": "album" }, parts, foot);
  return {
    node,
    /** Shows these bubbles, in their order. */
    hold(bubbles) {
      node.className = `album ${bubbles[0].node.classList.contains("in") ? "in" : "out"}`;
      node.setAttribute("aria-label", `Album of ${bubbles.length}`);
      // Moving a node that already stands right would take its focus away.
      for (const [index, bubble] of bubbles.entries()) {
        if (parts.children[index] !== bubble.node) parts.insertBefore(bubble.node, parts.children[index] ?? null);
        if (foot.children[index] !== bubble.line) foot.insertBefore(bubble.line, foot.children[index] ?? null);
      }
      while (foot.children.length > bubbles.length) foot.lastChild.remove();
    },
  };
}

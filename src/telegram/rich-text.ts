/** A rich message in words, as Markdown writes it: people forward what other bots have written. Pure. */
import type { RichBlock, RichBlockCaption, RichMessage, RichText } from "grammy/types";
import { type Carrier, unseenIn, unseenText } from "./content.ts";
import { codeSpan, fenced, linked, quoted } from "./written-text.ts";

/** Telegram nests no deeper. */
const deepest = 16;

/** The words of a rich message; of what it shows besides, that it cannot be seen. */
export function richWords({ blocks }: Partial<RichMessage>): string {
  return stacked(blocks, 0);
}

function stacked(blocks: readonly RichBlock[] | undefined, depth: number): string {
  if (depth > deepest) return "";
  const parts = (blocks ?? []).map((block) => written(block, depth + 1));
  return parts.filter((part) => part !== "").join("\n\n");
}

function written(block: RichBlock, depth: number): string {
  switch (block.type) {
    case "heading":
      return `${"#".repeat(block.size)} ${inline(block.text)}`;
    case "pre":
      return fenced(inline(block.text), block.language);
    case "mathematical_expression":
      return `$$${block.expression}$$`;
    case "divider":
      return "---";
    case "list":
      return block.items
        .map(({ label, blocks, has_checkbox, is_checked }) => {
          const box = has_checkbox ? `[${is_checked ? "x" : " "}] ` : "";
          return `${label} ${box}${stacked(blocks, depth).replaceAll("\n", "\n  ")}`;
        })
        .join("\n");
    case "blockquote":
      return quoted(stacked(block.blocks, depth));
    case "expandable_blockquote":
    case "pullquote":
      return quoted(inline(block.text));
    case "table":
      return block.cells.map((row) => row.map(({ text }) => inline(text)).join(" | ")).join("\n");
    case "details":
      return `${inline(block.summary)}\n\n${stacked(block.blocks, depth)}`;
    case "collage":
    case "slideshow":
      return [stacked(block.blocks, depth), inline(block.caption?.text)].filter((part) => part !== "").join("\n\n");
    default:
      return captioned(block);
  }
}

/** A paragraph, or something to be seen with words below it. */
function captioned(block: RichBlock): string {
  if ("text" in block) return inline(block.text);
  const unseen = unseenIn("voice_note" in block ? { voice: block.voice_note } : (block as Carrier));
  const { caption } = block as { readonly caption?: RichBlockCaption };
  const parts = [unseen === undefined ? "" : unseenText(unseen), inline(caption?.text)];
  return parts.filter((part) => part !== "").join("\n");
}

function inline(text: RichText | undefined, depth = 0): string {
  if (text === undefined || depth > deepest) return "";
  if (typeof text === "string") return text;
  if (Array.isArray(text)) return text.map((part) => inline(part, depth + 1)).join("");
  switch (text.type) {
    case "code":
      return codeSpan(inline(text.text, depth + 1));
    case "url":
      return linked(inline(text.text, depth + 1), text.url);
    case "custom_emoji":
      return text.alternative_text;
    case "mathematical_expression":
      return `$${text.expression}$`;
    default:
      return "text" in text ? inline(text.text, depth + 1) : "";
  }
}

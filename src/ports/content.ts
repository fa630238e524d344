/** What a message consists of: for now words alone. */

export type ContentPart = { readonly type: "text"; readonly text: string };

/** In their order; empty when nothing is said. */
export type Content = readonly ContentPart[];

/** A text as content: one part, or none when it is empty. */
export function textParts(text: string): Content {
  return text === "" ? [] : [{ type: "text", text }];
}

/** The words of all parts, a line each. */
export function textOf(content: Content): string {
  return content.map(({ text }) => text).join("\n");
}

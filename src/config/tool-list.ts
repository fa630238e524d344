/** How the list of tools is written, and who may be asked to search. */
import { field, Mistake } from "./fields.ts";

/** In the order in which they are looked for. */
export const searchProviders = ["tavily", "brave", "exa", "serper", "searxng"] as const;

export type SearchProvider = (typeof searchProviders)[number];

/** `auto`, `off`, or names separated by commas. */
export function toolList() {
  return field((given): "auto" | "off" | readonly string[] => {
    const names = given.split(/[\s,]+/).filter((name) => name !== "");
    const [first] = names;
    if (names.length === 1 && (first === "auto" || first === "off")) return first;
    const misplaced = names.flatMap((name, index) =>
      /^[\w.-]{1,64}$/.test(name) && name !== "auto" && name !== "off" ? [] : [index + 1],
    );
    if (names.length > 0 && misplaced.length === 0) return [...new Set(names)];
    throw new Mistake(
      `must be auto, off, or names of tools and servers separated by commas, like web_search,read_page${names.length > 1 ? `; there is none in place ${misplaced.join(", ")}` : ""}`,
    );
  });
}

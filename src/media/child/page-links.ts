/** The links of a page. */
import type { PageLink } from "../../ports/pages.ts";
import { maxLinks, maxPageDepth } from "./limits.ts";

const pieceCharacters = 16_384;
const mostWords = 120;
const mostAddress = 2_000;

/** The first links of a page that lead somewhere else on the web, as whole addresses; each address once. */
export async function linksIn(html: string, base: string): Promise<readonly PageLink[]> {
  const { Parser } = await import("htmlparser2");
  const found = new Map<string, string>();
  let href: string | undefined;
  let words = "";
  let depth = 0;
  const parser = new Parser({
    onopentag(name, attributes) {
      depth++;
      if (name !== "a") return;
      href = attributes["href"];
      words = "";
    },
    ontext(text) {
      if (href !== undefined && words.length < mostWords * 4) words += text;
    },
    onclosetag(name) {
      depth--;
      if (name !== "a") return;
      const address = href === undefined ? undefined : resolved(href, base);
      const said = words.replaceAll(/\s+/g, " ").trim().slice(0, mostWords).toWellFormed();
      if (address !== undefined && said !== "" && !found.has(address)) found.set(address, said);
      href = undefined;
    },
  });
  const goesOn = () => found.size < maxLinks && depth <= maxPageDepth;
  for (let at = 0; at < html.length && goesOn(); at += pieceCharacters)
    parser.write(html.slice(at, at + pieceCharacters));
  return [...found].slice(0, maxLinks).map(([address, said]) => ({ words: said, address }));
}

function resolved(href: string, base: string): string | undefined {
  if (href.length > mostAddress || href.trim().startsWith("#") || !URL.canParse(href, base)) return undefined;
  const url = new URL(href, base);
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined;
  url.hash = "";
  return url.href === base ? undefined : url.href;
}

/** How much there is in a page, before anybody builds a tree of it. */
import {
  maxArticleAttributes,
  maxArticleDepth,
  maxArticleElements,
  maxArticleNodes,
  maxArticleWeight,
} from "./limits.ts";

export interface PageSurvey {
  /** A tree may be built of it, and its article be looked for. */
  readonly fits: boolean;
  /** Empty when it has none, or none was found before it became too much. */
  readonly title: string;
  /** What its links start from, as the page says; empty when it does not. */
  readonly base: string;
}

const pieceCharacters = 16_384;
/** Of a title. */
const mostTitle = 1_000;

/** Looks a page through, to its end or until it is too much. */
export async function surveyed(html: string): Promise<PageSurvey> {
  const { Parser } = await import("htmlparser2");
  let [elements, nodes, depth, weight, attributes] = [0, 0, 0, 0, 0];
  let fits = true;
  let title = "";
  let base = "";
  let inTitle = false;
  const count = () => {
    if (++nodes > maxArticleNodes) fits = false;
  };
  const parser = new Parser({
    onopentagname() {
      attributes = 0;
    },
    onattribute() {
      count();
      if (++attributes > maxArticleAttributes) fits = false;
    },
    onopentag(name, { href = "" }) {
      count();
      depth++;
      weight += depth;
      if (++elements > maxArticleElements || depth > maxArticleDepth || weight > maxArticleWeight) fits = false;
      if (name === "base" && base === "") base = href.slice(0, 2_000);
      inTitle = name === "title" && title === "";
    },
    ontext(text) {
      count();
      if (inTitle && title.length < mostTitle) title += text;
    },
    oncomment: count,
    onclosetag(name) {
      depth--;
      if (name === "title") inTitle = false;
    },
  });
  for (let at = 0; at < html.length && fits; at += pieceCharacters) parser.write(html.slice(at, at + pieceCharacters));
  if (fits) parser.end();
  return { fits, title, base };
}

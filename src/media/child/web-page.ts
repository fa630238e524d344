/** Pages of the web: their article where one is found, else all their words. */
import type { PageText, PageToRead } from "../../ports/pages.ts";
import { createCollector } from "./collector.ts";
import { decodedText } from "./encodings.ts";
import { collectHtml } from "./html.ts";
import { maxCharacters, maxNameCharacters, maxWebCharacters } from "./limits.ts";
import { linksIn } from "./page-links.ts";
import { surveyed } from "./page-survey.ts";
import { Refused } from "./refusal.ts";
import { strippedText } from "./stripped-text.ts";

/** Below it, an article is rather a notice that stands beside what the page is about. */
const shortArticle = 500;
/** What stands around what a page is about. */
const besides = ["nav", "footer", "aside", "form", "dialog"];

/** Reads a page. `wordsOnly`: its article was looked for before, and cost too much. */
export async function readWebPage(page: PageToRead, wordsOnly: boolean): Promise<PageText> {
  const text = await decodedText(page.bytes, undefined, page.charset);
  if (text === undefined) throw new Refused("unknown");
  if (text.trim() === "") throw new Refused("empty");
  if (!page.html) {
    const cut = text.length > maxCharacters;
    return { kind: "page", text: cut ? text.slice(0, maxCharacters).toWellFormed() : text, links: [], cut };
  }
  const cut = text.length > maxWebCharacters;
  const html = cut ? text.slice(0, maxWebCharacters).toWellFormed() : text;
  const survey = await surveyed(html);
  const base = URL.canParse(survey.base, page.address) ? new URL(survey.base, page.address).href : page.address;
  const words = await wordsOf(html);
  const article = survey.fits && !wordsOnly ? await articleOf(html) : undefined;
  const content = article?.content ?? "";
  const found = content === "" ? "" : await wordsOf(content);
  const isArticle = found.length >= shortArticle || found.length * 2 > words.length;
  const said = isArticle ? found : words;
  if (said.trim() === "") throw new Refused("empty");
  const title = (article?.title || survey.title).replaceAll(/\s+/g, " ").trim().slice(0, maxNameCharacters);
  return {
    kind: "page",
    title: title === "" ? undefined : title.toWellFormed(),
    text: said.slice(0, maxCharacters).toWellFormed(),
    links: await linksIn(isArticle ? content : html, base),
    cut: cut || said.length > maxCharacters,
  };
}

interface Article {
  readonly title: string;
  readonly content: string;
}

async function articleOf(html: string): Promise<Article | undefined> {
  const [{ parseHTML }, { Readability }] = await Promise.all([import("linkedom"), import("@mozilla/readability")]);
  const { document } = parseHTML(html);
  // Where it trips over a page, the words are there.
  try {
    const { title, content } = new Readability(document, { disableJSONLD: true }).parse() ?? {};
    return { title: title ?? "", content: content ?? "" };
  } catch (error) {
    if (error instanceof RangeError) throw error;
    return undefined;
  }
}

/** As a reader sees them, or, of a page that its parser cannot bear, whatever stands between its tags. */
async function wordsOf(html: string): Promise<string> {
  const collector = createCollector();
  try {
    await collectHtml(html, collector, false, besides);
    return collector.parts.map(({ text }) => text).join("\n");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return strippedText(html);
  }
}

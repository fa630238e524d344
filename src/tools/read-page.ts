/** The tool `read_page`: the words of a page of the web. */
import { seenText, splitsCharacter } from "../base/characters.ts";
import type { PageReader, PageReading, PageText } from "../ports/pages.ts";
import { failedWith, type ToolResult } from "../ports/tool-results.ts";
import type { Tool, ToolCall } from "../ports/tools.ts";
import { knownAddress, pageAddress } from "./addresses.ts";
import { mostResultCharacters, seenLine } from "./framing.ts";
import { type FetchedPage, PageError, type PageSource } from "./page-source.ts";

export interface ReadPageDeps {
  readonly source: PageSource;
  readonly reader: Pick<PageReader, "read">;
  /** A clock that never goes back. Milliseconds. */
  readonly now?: () => number;
}

/** Fetching it, its turn at the host and both ways of reading it. */
const mostMs = 25_000;
/** Room for the line that says which part of a page it is. */
const whereCharacters = 150;
const mostTitle = 200;
const mostLinks = 30;
/** Of all links together. */
const linkCharacters = 2_000;
/** Pages that are kept, so that reading on costs their hosts nothing, and for how long. */
const mostKept = 8;
const keepMs = 10 * 60_000;

const htmlTypes: ReadonlySet<string> = new Set(["text/html", "application/xhtml+xml"]);
const textTypes = /^(?:text\/[\w.+-]+|application\/(?:[\w.-]+\+)?(?:json|xml)|application\/(?:x-)?(?:ndjson|yaml))$/;

interface KnownPage {
  readonly address: string;
  readonly page: PageText;
  readonly at: number;
}

/** Creates the tool. */
export function createReadPage({ source, reader, now = () => performance.now() }: ReadPageDeps): Tool {
  const kept = new Map<string, KnownPage>();

  /** A page, or why there is none. */
  async function pageAt(asked: string, signal: AbortSignal): Promise<KnownPage | string> {
    const known = kept.get(asked);
    if (known !== undefined && now() - known.at < keepMs) return known;
    kept.delete(asked);
    const fetched = await source.fetch(asked, signal);
    const objection = unreadable(fetched);
    if (objection !== undefined) return objection;
    const { address, bytes, charset } = fetched;
    const reading = await reader.read({ bytes, address, charset, html: isHtml(fetched) }, signal);
    if (reading.kind === "refused") return refusalWords(reading);
    const page = { ...reading, text: seenText(reading.text).trim(), cut: reading.cut || fetched.cut };
    const found = { address, page, at: now() };
    const [oldest] = kept.keys();
    if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
    kept.set(asked, found);
    return found;
  }

  return {
    name: "read_page",
    description:
      "Reads a page of the web as text. Takes only addresses that the user has written, that web_search has found, or that stand on a page that was read, exactly as they were written there. A long page comes in parts.",
    parameters: {
      type: "object",
      properties: {
        url: { type: "string", description: "The address of the page." },
        from: { type: "integer", description: "Where to read on: the number that the part before has named." },
      },
      required: ["url"],
    },
    class: "safe",
    asks: false,
    carriesOut: false,
    mostMs,
    activity(args) {
      const address = pageAddress(argsOf(args).url);
      return { doing: "reading-page", host: address === undefined ? "a page" : new URL(address).host };
    },
    async run({ args, turn }: ToolCall, signal) {
      const { url, from } = argsOf(args);
      if (url === "") return failedWith("read_page needs url, the address of a page.");
      const address = knownAddress(url, turn.addresses);
      if (address === undefined) return failedWith(unknownAddress);
      try {
        const found = await pageAt(address, signal);
        return typeof found === "string" ? failedWith(found) : turn.work(() => partOf(found, from));
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof PageError) return failedWith(error.message);
        throw error;
      }
    },
  };
}

const unknownAddress =
  "This address may not be read: only those are that the user has written, that web_search has found, or that stand on a page that was read, unchanged. Search for the page, or ask the user for its address.";

function argsOf(args: unknown): { readonly url: string; readonly from: number } {
  const { url, from } = (typeof args === "object" && args !== null ? args : {}) as Record<string, unknown>;
  const number = Number(from);
  return {
    url: typeof url === "string" ? url.trim() : "",
    from: Number.isSafeInteger(number) && number > 0 ? number : 0,
  };
}

function isHtml({ contentType, bytes }: FetchedPage): boolean {
  return htmlTypes.has(contentType) || (contentType === "" && /^\s*</.test(bytes.toString("latin1", 0, 200)));
}

/** Why a page is not read whose host says this of it. */
function unreadable({ contentType, bytes }: FetchedPage): string | undefined {
  if (bytes.length === 0) return "The page is empty.";
  if (contentType === "application/pdf" || bytes.toString("latin1", 0, 5) === "%PDF-")
    return "This is a PDF, which is not read from the web. Tell the user that they can download it and send it here as a file: files are read.";
  if (contentType === "" || htmlTypes.has(contentType) || textTypes.test(contentType)) return undefined;
  return "There is no text at this address, but a file of another kind. Only web pages and texts are read.";
}

function refusalWords({ reason }: Extract<PageReading, { readonly kind: "refused" }>): string {
  if (reason === "empty") return "There is no text in the page: it may need a browser that runs its programs.";
  if (reason === "unknown") return "There is no text at this address, but something else.";
  return "The page could not be read.";
}

function partOf({ address, page }: KnownPage, from: number): ToolResult {
  const { text } = page;
  if (from >= text.length && from > 0) return failedWith(`The page has only ${text.length} characters.`);
  const begin = splitsCharacter(text, from) ? from + 1 : from;
  const title = seenLine(page.title ?? "", mostTitle);
  const links = begin === 0 ? shownLinks(page) : [];
  const above = [...(title === "" ? [] : [`Title: ${title}`]), `Address: ${address}`].join("\n");
  const below = links.length === 0 ? "" : ["\n\nLinks of the page:", ...links.map(({ line }) => line)].join("\n");
  // All links are shown that may be read from now on.
  const end = endOf(text, begin, mostResultCharacters - above.length - below.length - whereCharacters);
  const rest = end < text.length ? `read on with from=${end}` : page.cut ? "what follows is not read" : "the end";
  const isWhole = begin === 0 && end === text.length && !page.cut;
  const where = isWhole ? "" : `\nCharacters ${begin} to ${end} of ${text.length}; ${rest}.`;
  return {
    text: `${above}${where}\n\n${text.slice(begin, end)}${below}`,
    untrusted: true,
    sources: [{ title: title === "" ? new URL(address).host : title, url: address }],
    addresses: links.map((link) => link.address),
    note: `read ${title === "" ? address : `“${title}” (${address})`}`,
  };
}

/** Where a part ends: at the end of a line, when one is near. */
function endOf(text: string, begin: number, room: number): number {
  const most = begin + room;
  if (most >= text.length) return text.length;
  const line = text.lastIndexOf("\n", most - 1);
  const end = line > begin + room / 2 ? line + 1 : most;
  return splitsCharacter(text, end) ? end - 1 : end;
}

function shownLinks({ links }: PageText): { readonly line: string; readonly address: string }[] {
  const shown: { readonly line: string; readonly address: string }[] = [];
  let left = linkCharacters;
  for (const { words, address: written } of links) {
    const address = pageAddress(written);
    if (address === undefined || shown.length >= mostLinks) continue;
    const line = `- ${seenLine(words, 80)}: ${address}`;
    left -= line.length + 1;
    if (left < 0) break;
    shown.push({ line, address });
  }
  return shown;
}

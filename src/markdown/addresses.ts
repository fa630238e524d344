/** Addresses in a model's text: where one ends, which Telegram takes, and which are not what their text says. */

/** Whether Telegram keeps a `text_link` to this address: an absolute web address whose host has a dot. */
function isLinkable(url: string): boolean {
  if (/^tg:\/\/resolve\?[\w=&.-]+$/i.test(url)) return true;
  if (url.length > 2000 || !/^https?:\/\/[^\s/]/i.test(url) || /[\s<>"\\^`{|}]/.test(url)) return false;
  return URL.canParse(url) && /[^.]\.[^.]|^\[/.test(new URL(url).hostname);
}

/** How a link is shown. */
export interface ShownLink {
  /** Where its text leads; left out when the text leads nowhere. */
  readonly target?: string;
  /** The address that stands in brackets behind the text. */
  readonly beside?: string;
  /** The text is the address itself. */
  readonly exact: boolean;
}

/**
 * How a link with this text to this address is shown, so that nobody is led where the text does not say: an address whose
 * text is another one stands beside it, a name or password before the host is left out, and what is no address to go to
 * (a script, data, a person's id) is only its text.
 */
export function showLink(text: string, url: string): ShownLink {
  // A link to a person by id would ping them.
  if (isData(url) || /^(?:javascript|vbscript):|^tg:\/*user\b/i.test(url)) return { exact: false };
  const address = encodeSpaces(withoutUserinfo(withoutDirections(url).replace(/^mailto:/i, "")));
  if (address === "") return { exact: false };
  if (text === "") return { ...targetOf(address), exact: true };
  if (bare(text) === bare(address)) return { ...targetOf(address), exact: true };
  if (hasUserinfo(url)) return { beside: address, exact: false };
  const target = targetOf(address).target;
  if (target === undefined || isOtherAddress(text, target)) return { beside: address, exact: false };
  return { target, exact: false };
}

/** Text without the marks that turn the direction of writing: with them an address could read as another one. */
export function withoutDirections(text: string): string {
  return text.replace(/[\u061c\u200e\u200f\u2066-\u2069]/g, "");
}

function targetOf(address: string): { target?: string } {
  return isLinkable(address) ? { target: address } : {};
}

/** Whether the address holds its content itself. */
export function isData(url: string): boolean {
  return /^\s*data:/i.test(url);
}

/** Whether a name or password stands before the host: `https://bank.example@evil.example`. */
export function hasUserinfo(url: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/*[^\s/?#@\\]*@/i.test(url) && !/^mailto:/i.test(url);
}

function withoutUserinfo(url: string): string {
  return hasUserinfo(url) ? url.replace(/^([^:]*:\/*)[^/?#\\]*@/, "$1") : url;
}

function encodeSpaces(url: string): string {
  return /^https?:/i.test(url) ? url.trim().replace(/\s/g, "%20") : url;
}

/** An address without what does not tell it from another. */
function bare(url: string): string {
  return url.replace(/^https?:\/\//i, "").replace(/\/$/, "");
}

/** Endings of files that are countries' domains, too: such a text is a file's name. */
const fileEndings =
  "c|cc|cpp|cs|css|go|h|hs|htm|html|ini|java|js|json|jsx|kt|lock|lua|md|mjs|php|pl|ps|py|rb|rs|sh|so|sql|toml|ts|tsx|txt|vb|xml|yaml|yml|zip".split(
    "|",
  );

/** Whether the text names an address that is not the beginning of the target. */
function isOtherAddress(text: string, target: string): boolean {
  const named = namedAddress(text.trim());
  if (named === undefined) return false;
  const reached = new URL(target);
  if (!sameHost(named.host, reached.host)) return true;
  const path = named.rest.replace(/(?:…|\.\.\.)$/, "").replace(/\/$/, "");
  return !(reached.pathname + reached.search + reached.hash).startsWith(path);
}

/** The address that a text names: as a whole, or among other words where nothing else is meant by it. */
function namedAddress(text: string): { host: string; rest: string } | undefined {
  // As it reads: what cannot be seen is not there, and browsers take these dots and letters for the plain ones.
  const read = text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replaceAll("。", ".");
  const web = /(?:[a-z]{2,12}:\/|\bwww\.)[^\s<>"]+/i.exec(read)?.[0];
  const words = read.slice(0, longestAddress).split(/\s+/).map(withoutMarks).filter(Boolean);
  const address = web ?? words.find((word) => isDomain(word, words.length === 1));
  if (address === undefined) return undefined;
  const scheme = /^[a-z]{2,12}:\/{1,3}/i;
  const url = scheme.test(address) ? address : `https://${address}`;
  if (!URL.canParse(url)) return { host: address, rest: "" };
  const { host } = new URL(url);
  const rest = address.replace(scheme, "").replace(/^[^/?#]*/, "");
  return { host, rest };
}

/** A word without the marks before and behind it. */
function withoutMarks(word: string): string {
  const isMark = (at: number) => /[\p{P}\p{S}]/u.test(word.charAt(at));
  let [start, end] = [0, word.length];
  while (start < end && isMark(start)) start += 1;
  while (end > start && isMark(end - 1)) end -= 1;
  return word.slice(start, end);
}

/** Endings that are hardly ever anything but a domain's. */
const plainEndings = "app,biz,com,dev,edu,eu,gov,info,io,net,org,shop,xyz".split(",");

/** Whether a word is a host, an e-mail address, or one of them with a path; `alone`: no other word stands beside it. */
function isDomain(word: string, alone: boolean): boolean {
  const whole = /^(?:[\w.%+-]{1,64}@)?((?:[\p{L}\p{N}-]{1,63}\.){1,8}[\p{L}\p{N}-]{1,63})(?::\d{1,5})?(?:[/?#]\S*)?$/u;
  const host = whole.exec(word)?.[1]?.toLowerCase();
  if (host === undefined) return false;
  const ending = host.slice(host.lastIndexOf(".") + 1);
  if (!alone) return plainEndings.includes(ending);
  return (/^\p{L}{2,}$/u.test(ending) && !fileEndings.includes(ending)) || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host);
}

function sameHost(one: string, other: string): boolean {
  const plain = (host: string) => host.toLowerCase().replace(/^www\./, "");
  return plain(one) === plain(other);
}

/** What ends an address in a text: white space, brackets and quotes that are not of the web, CJK punctuation. */
const addressEnd = /[\s<>"`|\\\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65‘’“”„«»‹›…—]/u;
/** Longer than any address that somebody writes. */
const longestAddress = 2_000;

/** Where the address ends that begins at `start`: before the marks of the sentence or of the formatting around it. */
export function addressEndAt(text: string, start: number, max: number): number {
  let end = start;
  const limit = Math.min(max, start + longestAddress);
  while (end < limit && !addressEnd.test(text.charAt(end))) end += 1;
  let open = 0;
  for (let at = start; at < end; at += 1) {
    const char = text.charAt(at);
    if (char === "(" || char === "[") open += 1;
    if (char === ")" || char === "]") open -= 1;
    // A closing bracket without its opening one belongs to the sentence; nothing of the address stands behind it.
    if (open < 0) {
      end = at;
      break;
    }
  }
  while (end > start && /[?!.,:;*_~'"|\\]/.test(text.charAt(end - 1))) end -= 1;
  return end;
}

/** Addresses of pages, as people, pages and models write them. */

/** Longer ones are read by nobody. */
const mostCharacters = 2_000;

/**
 * The one form of an address: two that are written differently and lead to the same page are the same. Undefined where there is
 * none of the web in it, or one with a name or password. `base`: where it was found.
 */
export function pageAddress(written: string, base?: string): string | undefined {
  const text = written.trim();
  if (text === "" || text.length > mostCharacters) return undefined;
  // People leave the scheme out.
  const whole = base === undefined && !/^[a-z][a-z\d+.-]*:/i.test(text) ? `https://${text}` : text;
  if (!URL.canParse(whole, base)) return undefined;
  const url = new URL(whole, base);
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return undefined;
  url.hash = "";
  return url.href.length > mostCharacters ? undefined : url.href;
}

/** Of these addresses, the one that leads where `asked` does; undefined when none does. */
export function knownAddress(asked: string, known: Iterable<string>): string | undefined {
  const address = pageAddress(asked);
  if (address === undefined) return undefined;
  for (const one of known) if (pageAddress(one) === address) return address;
  return undefined;
}

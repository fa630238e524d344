/** Where completions are asked for. Pure. */

/** Where a redirect leads: on within the origin, or `elsewhere`, named without what a URL may hide. */
export function redirected(from: string, location: string): { readonly to: string } | { readonly elsewhere: string } {
  if (!URL.canParse(location, from)) return { elsewhere: "an address that is none" };
  const target = new URL(location, from);
  target.username = "";
  target.password = "";
  target.hash = "";
  // Scheme, host and port: the key and the question go nowhere else.
  return target.origin === new URL(from).origin ? { to: target.href } : { elsewhere: plain(target.href) };
}

/** An address as a log may show it. */
export function plain(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}

/** The base URL with a `/v1` behind it; undefined when it names a version already. */
export function versioned(baseUrl: string): string | undefined {
  return /\/v\d[^/]*(?:\/|$)/.test(new URL(baseUrl).pathname) ? undefined : `${baseUrl.replace(/\/$/, "")}/v1`;
}

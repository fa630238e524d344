/** Headers of one's own for a provider: `name: value`, separated by `;`. Their values are secrets. */

/** Set by the client itself: another value would only break the request. */
const ofTheClient = new Set(["host", "content-type", "content-length", "connection", "transfer-encoding", "accept"]);
/** With one of these a request has its key. */
const ofKeys: readonly string[] = [
  "authorization",
  "api-key",
  "x-api-key",
  "x-portkey-api-key",
  "x-portkey-virtual-key",
];

/** Reads the headers, by their names in lower case. Adds a line for each mistake, which never repeats a value. */
export function readHeaders(variable: string, text: string, mistakes: string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [index, entry] of text.split(";").entries()) {
    if (entry.trim() === "") continue;
    const colon = entry.indexOf(":");
    const name = entry.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const value = entry.slice(colon + 1).trim();
    const wrong = mistakeIn(name, value, headers);
    if (wrong === undefined) headers[name] = value;
    else mistakes.push(`${variable} ${wrong} in place ${index + 1}; write it like x-team: chat; x-region: eu`);
  }
  return headers;
}

/** Whether these headers carry a key, so that the provider needs no other. */
export function carryKey(headers: Readonly<Record<string, string>>): boolean {
  return ofKeys.some((name) => headers[name] !== undefined);
}

function mistakeIn(name: string, value: string, others: Readonly<Record<string, string>>): string | undefined {
  if (!/^[!#$%&'*+.^_`|~\da-z-]+$/.test(name)) return "has no header with a name and a colon";
  if (ofTheClient.has(name)) return "has a header that Parley sets itself";
  if (name in others) return "has a header for the second time";
  if (value === "") return "has a header without a value";
  if (!/^[\x20-\x7e]+$/.test(value)) return "has characters that no header can have";
  return undefined;
}

/** Secrets are taken out of whatever is written, however they are written there. */

/**
 * Returns a function that takes secrets out of a text: as they are, as they stand in JSON or in a URL, and whatever looks
 * like the path of a Bot API call. Cheap when there is nothing to take out.
 */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.trim() === "") continue;
    const inUrl = encodeURIComponent(secret);
    const plain = [secret, inUrl, encodeURI(secret), inUrl.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())];
    for (const form of plain) for (const escaped of [form, inJson(form), inJson(inJson(form))]) forms.add(escaped);
  }
  const literals = [...forms].sort((a, b) => b.length - a.length).map(asPattern);
  const pattern = new RegExp([...literals, String.raw`(?<=bot)\d+(?::|%3[Aa])[A-Za-z0-9_-]{20,}`].join("|"), "g");
  return (text) => text.replace(pattern, "[redacted]");
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** A short secret (a local server's "secret") would be found inside ordinary words: it counts only as a whole word. */
function asPattern(literal: string): string {
  const escaped = literal.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
  return literal.length >= 8 ? escaped : `(?<![A-Za-z0-9])${escaped}(?![A-Za-z0-9])`;
}

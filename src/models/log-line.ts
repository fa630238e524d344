/** A provider's words as one short line for the log, without secrets and without what the user wrote. */

const longest = 200;
/** As much is looked at; what stands at its end may be the beginning of a secret. */
const longestLooked = 2_000;
const doubtfulEnd = 300;
/** So much of a secret gives it away. */
const telling = 12;

/** One line without keys, without what URLs may hide, and without `secrets`, also where those are cut. */
export function logLine(message: string, secrets: readonly string[]): string {
  let line = message.slice(0, longestLooked).replace(/\s+/g, " ").trim();
  for (const secret of secrets) line = without(line, secret.slice(0, longestLooked).replace(/\s+/g, " ").trim());
  if (message.length > longestLooked) line = line.slice(0, -doubtfulEnd);
  line = line
    .replace(/\bBearer\s[^\s"',]+/gi, "Bearer […]")
    .replace(/\b(?:sk|pk|rk|gsk|xai|key|tok|AIza)[-_]?[\w*.-]{8,}/g, "[…]")
    .split(" ")
    .map(plainAddress)
    .join(" ");
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}

/** A word, without credentials and query when there is an address in it. */
function plainAddress(word: string): string {
  const host = word.indexOf("://") + 3;
  if (host < 3) return word;
  const end = word.slice(host).search(/[/?#]/);
  const authority = word.slice(host, end < 0 ? undefined : host + end);
  const rest = end < 0 ? "" : (word.slice(host + end).split(/[?#]/, 1)[0] ?? "");
  return word.slice(0, host) + authority.slice(authority.lastIndexOf("@") + 1) + rest;
}

/** Replaces a secret wherever it stands, whole or only its beginning. */
function without(line: string, secret: string): string {
  if (secret.length < 4) return line;
  const beginning = secret.slice(0, telling);
  let out = "";
  let from = 0;
  for (let at = line.indexOf(beginning); at >= 0; at = line.indexOf(beginning, from)) {
    let end = at + beginning.length;
    while (end < line.length && end - at < secret.length && line[end] === secret[end - at]) end += 1;
    out += `${line.slice(from, at)}[…]`;
    from = end;
  }
  return out + line.slice(from);
}

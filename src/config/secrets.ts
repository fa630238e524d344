/** Which parts of a configuration are secret. */
import type { ProviderConfig } from "./provider-settings.ts";
import { providerPresets } from "./providers.ts";

/** In characters; of a header's value say: `true` or `eu` is none, and would be taken out of every line. */
const shortestSecret = 6;

/** What logs and messages must never contain: the token (also without its public half), keys, passwords in URLs. */
export function secretsIn(
  [token = "", ...others]: readonly (string | undefined)[],
  providers: readonly ProviderConfig[],
  urls: readonly (string | undefined)[],
): string[] {
  const secrets = new Set([token, token.slice(token.indexOf(":") + 1), ...others.map((other) => other ?? "")]);
  const names = new Set([...providerPresets, ...providers].map(({ name }) => name));
  for (const { name, apiKey, headers = {} } of providers) {
    // Local servers take any key, and people write the provider's name: no secret, and found in every model's name.
    if (apiKey !== undefined && apiKey !== name) secrets.add(apiKey);
    // A gateway is told by a header which provider is meant.
    for (const secret of secretsOfHeaders(headers)) if (!names.has(secret)) secrets.add(secret);
  }
  for (const url of urls) {
    if (url === undefined) continue;
    const { protocol, username, password } = new URL(url);
    // Alone, a name is a token to whoever is asked by HTTP; to Redis it is one that many share.
    const isToken = password === "" && protocol.startsWith("http");
    // As it was written too: reading a URL writes some characters of its password anew.
    const [, name = "", written = ""] = /^(?:[a-z]+:\/\/)?([^/:]*)(?::([^/]*))?@/.exec(url) ?? [];
    for (const secret of isToken ? [username, name] : [password, written]) secrets.add(secret).add(decoded(secret));
  }
  secrets.delete("");
  return [...secrets];
}

/** What of these headers must not be shown: of a scheme and its token, the token alone may be repeated to us. */
export function secretsOfHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.values(headers).flatMap((value) =>
    isSecretValue(value) ? [value, value.replace(/^\S+ (?=\S{8})/, "")] : [],
  );
}

/** Whether a value that may be a secret is long enough to be one. */
export function isSecretValue(value: string): boolean {
  return value.length >= shortestSecret;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Which parts of a configuration are secret. */
import type { ProviderConfig } from "./provider-settings.ts";

/** What logs and messages must never contain: the token (also without its public half), keys, passwords in URLs. */
export function secretsIn(
  [token = "", ...others]: readonly (string | undefined)[],
  providers: readonly ProviderConfig[],
  urls: readonly (string | undefined)[],
): string[] {
  const secrets = new Set([token, token.slice(token.indexOf(":") + 1), ...others.map((other) => other ?? "")]);
  for (const { name, apiKey } of providers) {
    // Local servers take any key, and people write the provider's name: no secret, and found in every model's name.
    if (apiKey !== undefined && apiKey !== name) secrets.add(apiKey);
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

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

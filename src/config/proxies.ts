/** The proxies that calls to Telegram and the models go through, by the variables that other programs read, too. */
import type { Proxies } from "../base/proxies.ts";

const variables = ["HTTPS_PROXY", "HTTP_PROXY"] as const;

/** Every variable that is read here, in both ways of writing. */
export const proxyNames: readonly string[] = [...variables, "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);

/**
 * Reads the proxies, those in lower case first, as other programs do; undefined when there are none. `direct` are further
 * hosts to be called directly. Adds a line for each mistake to `mistakes`.
 */
export function readProxies(
  env: Readonly<Record<string, string | undefined>>,
  mistakes: string[],
  direct: string,
): Proxies | undefined {
  const nameOf = (variable: string) => (env[variable.toLowerCase()] === undefined ? variable : variable.toLowerCase());
  const proxies: { -readonly [name in keyof Proxies]: Proxies[name] } = {};
  for (const variable of variables) {
    const name = nameOf(variable);
    const given = env[name]?.trim();
    if (given === undefined) continue;
    const proxy = proxyIn(given);
    if (proxy === undefined) {
      mistakes.push(
        `${name} is not a proxy; write it like http://user:password@proxy.example.com:3128 (special characters of a password as %40 and the like)`,
      );
    } else proxies[variable] = proxy;
  }
  if (Object.keys(proxies).length === 0) return undefined;
  const exceptions = [env[nameOf("NO_PROXY")]?.trim() ?? "", direct].filter((list) => list !== "").join(",");
  return exceptions === "" ? proxies : { ...proxies, NO_PROXY: exceptions };
}

/** For the log: without credentials. */
export function proxiesWithoutCredentials({ HTTPS_PROXY, HTTP_PROXY, NO_PROXY }: Proxies): object {
  const plain = (proxy: string | undefined) => (proxy === undefined ? undefined : new URL(proxy).origin);
  return { https: plain(HTTPS_PROXY), http: plain(HTTP_PROXY), except: NO_PROXY };
}

/** A proxy may be written without its scheme. */
function proxyIn(text: string): string | undefined {
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(address)) return undefined;
  const { protocol, hostname, pathname, username, password, href } = new URL(address);
  const fits = /^https?:$/.test(protocol) && hostname !== "" && pathname === "/" && !/\s/.test(text);
  return fits && isEncoded(username) && isEncoded(password) ? href : undefined;
}

function isEncoded(text: string): boolean {
  return !/%(?![\da-f]{2})/i.test(text);
}

/** The proxies: whether each answers and lets us through, and whether Telegram is reached by one. */
import { lookup } from "node:dns/promises";
import { createConnections } from "../../base/connections.ts";
import type { Config } from "../../config/config.ts";
import type { Finding } from "../../ports/operators.ts";
import { bad, ok, reasonIn, warn } from "./findings.ts";

/** The other end of the connection to Telegram. */
interface Peer {
  readonly address: string;
  readonly port: number;
}

const withinMs = 8_000;

/** Tries each proxy with an address that it is meant for. Finds nothing when none is configured. */
export async function examineProxies(
  { proxies, telegram, models }: Config,
  telegramPeer: Promise<Peer | undefined>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const targets = [telegram.apiRoot, ...models.providers.map(({ baseUrl }) => baseUrl)].map((url) => new URL(url));
  const variables = [
    ["HTTPS_PROXY", "https:"],
    ["HTTP_PROXY", "http:"],
  ] as const;
  const found = variables.map(async ([name, scheme]) => {
    const given = proxies?.[name];
    if (given === undefined) return [];
    const proxy = new URL(given);
    const target = targets.find(({ protocol }) => protocol === scheme);
    if (target === undefined)
      return [warn(name, `nothing goes through ${proxy.origin}: no address here is ${scheme}//`)];
    const trouble = await tryOut(proxy, target, signal);
    if (trouble !== undefined) return [bad(name, `${proxy.origin} ${trouble.says}`, trouble.todo)];
    const says = `${proxy.origin} answers and lets us through to ${target.host}`;
    if (new URL(telegram.apiRoot).protocol !== scheme) return [ok(name, says)];
    const peer = await telegramPeer;
    if (peer === undefined) return [ok(name, says)];
    const used = await isAt(peer, proxy);
    return [ok(name, `${says}; Telegram is reached ${used ? "through it" : "directly, as NO_PROXY wants it"}`)];
  });
  return (await Promise.all(found)).flat();
}

/** Asks a proxy to connect to an address; resolves with what is wrong. */
async function tryOut(
  proxy: URL,
  target: URL,
  signal: AbortSignal,
): Promise<{ readonly says: string; readonly todo: string } | undefined> {
  const secure = target.protocol === "https:";
  const connections = createConnections();
  const { username, password } = proxy;
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64");
  const headers = username === "" ? {} : { "proxy-authorization": `Basic ${credentials}` };
  try {
    const status = await new Promise<number>((resolve, reject) => {
      const request = connections.request(new URL(proxy.origin), {
        method: secure ? "CONNECT" : "HEAD",
        path: secure ? `${target.hostname}:${target.port || "443"}` : `${target.origin}/`,
        headers: { host: target.host, ...headers },
        signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
      });
      request.on("connect", ({ statusCode = 0 }, socket) => {
        socket.destroy();
        resolve(statusCode);
      });
      request.on("response", (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on("error", reject).end();
    });
    if (status === 407) return { says: "wants another user name or password", todo: "write them into its address" };
    const through = secure ? status >= 200 && status < 300 : status < 502 || status > 504;
    return through
      ? undefined
      : {
          says: `does not let us through to ${target.host} (status ${status})`,
          todo: "allow it there, or name it in NO_PROXY",
        };
  } catch (error) {
    return { says: `does not answer: ${reasonIn(error)}`, todo: "is its address right, and does it run?" };
  } finally {
    connections.stop();
  }
}

async function isAt({ address, port }: Peer, proxy: URL): Promise<boolean> {
  if (port !== Number(proxy.port || (proxy.protocol === "https:" ? "443" : "80"))) return false;
  const host = proxy.hostname.replace(/^\[|\]$/g, "");
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.some((one) => address === one.address || address === `::ffff:${one.address}`);
}

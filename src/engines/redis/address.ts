/** `REDIS_URL` as the client's options. */
import { isIP } from "node:net";
import type { RedisOptions } from "ioredis";
import { StartError } from "../../base/errors.ts";

export interface RedisAddress {
  /** `host:port`, for people: without user and password. */
  readonly place: string;
  readonly password: string | undefined;
  readonly options: Pick<RedisOptions, "host" | "port" | "username" | "password" | "db" | "tls" | "family">;
}

const usualPort = 6379;

/**
 * Reads `redis://user:password@host:port/database`, or `rediss://` for TLS. Throws a `StartError` that says what would be
 * right, and nothing of what was written: a password may stand anywhere in it. What stands behind a `?` is left out: the
 * client would take its own settings from there.
 */
export function readRedisUrl(url: string): RedisAddress {
  const parsed = URL.parse(url.trim());
  const right = "REDIS_URL: must look like redis://user:password@host:6379/0, or rediss://… for TLS";
  if (parsed === null || !["redis:", "rediss:"].includes(parsed.protocol) || parsed.hostname === "") {
    throw new StartError([right]);
  }
  const database = parsed.pathname.replace(/^\/|\/$/g, "");
  if (!/^\d*$/.test(database)) throw new StartError([`${right}; what follows the last "/" is a database's number`]);
  let [username, password] = ["", ""];
  try {
    [username, password] = [decodeURIComponent(parsed.username), decodeURIComponent(parsed.password)];
  } catch {
    throw new StartError(["REDIS_URL: a % in the user name or the password must be written as %25"]);
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = parsed.port === "" ? usualPort : Number(parsed.port);
  // Services behind one address find the right database by this name, which Node leaves out unless it is told.
  const tls = isIP(host) === 0 ? { servername: host } : {};
  return {
    place: `${parsed.hostname}:${port}`,
    password: password === "" ? undefined : password,
    options: {
      host,
      port,
      db: Number(database),
      // Both IPv4 and IPv6.
      family: 0,
      ...(username === "" ? {} : { username }),
      ...(password === "" ? {} : { password }),
      ...(parsed.protocol === "rediss:" ? { tls } : {}),
    },
  };
}

/** What went wrong, for the log: never the command, whose arguments may hold the password. */
export function reasonOf(error: unknown, password: string | undefined): string {
  // A name with several addresses fails with one error for each, and an empty message.
  const errors = error instanceof AggregateError ? error.errors : [error];
  const reasons = errors.map((one) => (one instanceof Error ? one.message : String(one)));
  const text = [...new Set(reasons)].join(", ").replaceAll("\n", " ");
  return password === undefined ? text : text.replaceAll(password, "[redacted]");
}

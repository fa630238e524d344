/**
 * What of the network a page may be fetched from: nothing of this machine, of the network that it is in, or of the services
 * that clouds offer to their machines.
 */
import { promises } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

export interface Guard {
  /** Why nothing is fetched from an address; undefined when it may be, as far as its words tell. */
  objection(url: URL): string | undefined;
  /** Finds the addresses of a name, for a connection to one of these very addresses; fails when any of them is not public. */
  readonly lookup: LookupFunction;
}

export interface GuardOptions {
  /** For tests: an address of this machine that passes, with its port. */
  readonly except?: { readonly address: string; readonly port: number } | undefined;
  /** The addresses of a name; left out: what the name servers say. Rejects when there are none. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

const ports: ReadonlySet<string> = new Set(["", "80", "443"]);

// Never with ::ffff:0:0/96: it would match every IPv4 address. Mapped forms are matched by the rules of IPv4 anyway.
const closed = {
  ipv4: "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/4 240.0.0.0/4",
  ipv6: "::/96 64:ff9b::/96 64:ff9b:1::/48 2001::/32 2002::/16 fc00::/7 fe80::/10 ff00::/8",
} as const;
const notPublic = "it leads into a private network";

/** Creates the guard of a process. */
export function createGuard({ except, resolve = createResolve() }: GuardOptions = {}): Guard {
  const blocked = new BlockList();
  for (const family of ["ipv4", "ipv6"] as const) {
    for (const net of closed[family].split(" ")) {
      const [address = "", bits] = net.split("/");
      blocked.addSubnet(address, Number(bits), family);
    }
  }
  const isBlocked = (address: string) => blocked.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

  async function found(name: string): Promise<{ readonly address: string; readonly family: number }[]> {
    const addresses = await resolve(name);
    if (addresses.some((address) => isBlocked(address) && address !== except?.address)) throw new PrivateAddress();
    return addresses.map((address) => ({ address, family: isIP(address) }));
  }

  return {
    objection(url) {
      if (url.protocol !== "https:" && url.protocol !== "http:") return "it is no address of the web";
      if (url.username !== "" || url.password !== "") return "it holds a name or a password";
      const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
      const isExcepted = url.port === String(except?.port) && (isIP(host) === 0 || host === except?.address);
      if (isExcepted) return undefined;
      if (!ports.has(url.port)) return "only the ports 80 and 443 are asked";
      // Node connects to a literal without looking it up; a URL has written each of its spellings in one way.
      return isIP(host) !== 0 && isBlocked(host) ? notPublic : undefined;
    },
    lookup(name, options, done) {
      found(name).then(
        (addresses) => {
          const [first = { address: "", family: 0 }] = addresses;
          if (options.all === true) done(null, addresses);
          else done(null, first.address, first.family);
        },
        (error: Error) => done(error, ""),
      );
    },
  };
}

/** A name that leads where nothing is fetched from. */
export class PrivateAddress extends Error {
  constructor() {
    super(notPublic);
    this.name = "PrivateAddress";
  }
}

/**
 * By asking the name servers: `dns.lookup` would hold one of the few threads that also read our files, for as long as a name
 * server of anybody's likes.
 */
function createResolve(): NonNullable<GuardOptions["resolve"]> {
  let resolver: promises.Resolver | undefined;
  return async (name) => {
    resolver ??= new promises.Resolver({ timeout: 1_500, tries: 2 });
    const asked = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const addresses = asked.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    if (addresses.length > 0) return addresses;
    throw asked.find((one) => one.status === "rejected")?.reason ?? new Error("no address");
  };
}

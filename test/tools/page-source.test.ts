import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createGuard } from "../../src/tools/guard.ts";
import { createPageSource, PageError } from "../../src/tools/page-source.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let port: number;
let answer: Answer;
/** Paths that were asked for. */
const asked: string[] = [];
/** What each name resolves to; of a list, one after the other. */
const names = new Map<string, string[][]>();
const paced: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    response.on("error", () => {});
    answer(request, response);
  });
  // Every address of this machine leads to it: nothing is kept out only because nobody is there.
  await new Promise<void>((resolve) => server.listen(0, resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  asked.length = 0;
  paced.length = 0;
  names.clear();
  answer = (_, response) => response.writeHead(200, { "content-type": "text/html; charset=UTF-8" }).end("<p>hello");
});

async function resolve(name: string): Promise<readonly string[]> {
  const found = names.get(name);
  const next = found !== undefined && found.length > 1 ? found.shift() : found?.[0];
  if (next === undefined) throw Object.assign(new Error("not found"), { code: "ENOTFOUND" });
  return next;
}

function source(withinMs = 60_000) {
  return createPageSource({
    guard: createGuard({ except: { address: "127.0.0.1", port }, resolve }),
    pace: {
      async turn(host, signal) {
        paced.push(host);
        return !signal.aborted;
      },
    },
    withinMs,
  });
}

const fetchPage = (address: string, signal = new AbortController().signal, withinMs?: number) =>
  source(withinMs).fetch(address, signal);
const refusal = (address: string) =>
  fetchPage(address).then(
    () => "was fetched",
    (error: unknown) => (error instanceof PageError ? error.message : `threw ${String(error)}`),
  );
const home = (path = "/") => `http://page.test:${port}${path}`;

/** What must not be reached, as an address of a page. */
const closed = [
  ...["127.0.0.1", "127.0.0.2", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0.0.0.0", "0"],
  ...["10.0.0.1", "100.64.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "192.0.0.8", "198.18.0.1"],
  ...["224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"],
  ...["[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]"],
  ...["[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[ff02::1]"],
];

/** Those of them that a name can lead to. */
const closedAddresses = closed
  .map((host) => host.replace(/^\[(.*)\]$/, "$1"))
  .filter((host) => isIP(host) !== 0 && host !== "127.0.0.1");

describe("the guard", () => {
  const guard = createGuard({ resolve });

  it.each(closed)("lets nobody ask %s", (host) => {
    expect(guard.objection(new URL(`http://${host}/`))).toBe("it leads into a private network");
  });

  it.each(["8.8.8.8", "1.1.1.1", "93.184.216.34", "[2606:4700::1111]", "[2a00:1450:4001::64]", "[::ffff:8.8.8.8]"])(
    "has nothing against %s",
    (host) => {
      expect(guard.objection(new URL(`https://${host}/`))).toBeUndefined();
    },
  );

  it.each(["http://example.com:22/", "https://example.com:8443/", "http://example.com:6379/"])(
    "knows two ports alone, and not that of %s",
    (address) => {
      expect(guard.objection(new URL(address))).toContain("80 and 443");
    },
  );

  it.each(["ftp://example.com/", "file:///etc/passwd", "data:text/html,x"])(
    "takes %s for none of the web",
    (address) => {
      expect(guard.objection(new URL(address))).toContain("no address of the web");
    },
  );

  it("sends no name and no password", () => {
    expect(guard.objection(new URL("https://me@example.com/"))).toContain("name or a password");
    expect(guard.objection(new URL("https://:secret@example.com/"))).toContain("name or a password");
  });
});

describe("a page", () => {
  beforeEach(() => names.set("page.test", [["127.0.0.1"]]));

  it("is fetched from the address that was looked at, with what its host says of it", async () => {
    const page = await fetchPage(home("/a?b=c"));
    expect(page).toMatchObject({ address: home("/a?b=c"), contentType: "text/html", charset: "UTF-8", cut: false });
    expect(page.bytes.toString()).toBe("<p>hello");
    expect(asked).toEqual([`page.test:${port}/a?b=c`]);
    expect(paced).toEqual([`page.test:${port}`]);
  });

  it.each(closedAddresses)("is not fetched where its name leads to %s", async (address) => {
    names.set("page.test", [[address]]);
    expect(await refusal(home())).toContain("private network");
    // One public address beside it does not help.
    names.set("page.test", [["8.8.8.8", address]]);
    expect(await refusal(home())).toContain("private network");
    expect(asked).toEqual([]);
  });

  it("is not fetched where its name leads elsewhere the second time", async () => {
    names.set("page.test", [["127.0.0.1"], ["127.0.0.2"]]);
    answer = (_, response) => response.writeHead(302, { location: home("/secret") }).end();
    expect(await refusal(home("/begin"))).toContain("private network");
    expect(asked).toEqual([`page.test:${port}/begin`]);
  });

  it.each(closed)("does not lead on to %s", async (host) => {
    for (const location of [`http://${host}/secret`, `//${host}/secret`, `http://${host}:${port + 1}/secret`]) {
      answer = (_, response) => response.writeHead(301, { location }).end();
      expect(await refusal(home())).toMatch(/private network|80 and 443/);
    }
    expect(asked).toHaveLength(3);
  });

  it.each(["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:6379/_FLUSHALL", "http://a:b@page.test/"])(
    "does not lead on to %s",
    async (location) => {
      answer = (_, response) => response.writeHead(302, { location }).end();
      expect(await refusal(home())).toContain("is not read");
      expect(asked).toHaveLength(1);
    },
  );

  it("may lead on three times, to other hosts, each in its turn", async () => {
    names.set("other.test", [["127.0.0.1"]]);
    const steps = ["/1", `http://other.test:${port}/2`, "/3"];
    answer = (request, response) => {
      const to = steps[["/", "/1", "/2"].indexOf(request.url ?? "")];
      if (to === undefined) response.writeHead(200, { "content-type": "text/plain" }).end("there");
      else response.writeHead(307, { location: to }).end();
    };
    expect((await fetchPage(home())).address).toBe(`http://other.test:${port}/3`);
    expect(paced).toEqual([`page.test:${port}`, `other.test:${port}`]);
  });

  it("that leads on for ever is given up", async () => {
    answer = (request, response) => response.writeHead(302, { location: `${request.url}x` }).end();
    expect(await refusal(home())).toContain("more than 3 times");
    expect(asked).toHaveLength(4);
  });

  it("carries nothing of ours but what it must: no cookies, no referrer", async () => {
    let heard: IncomingMessage["headers"] = {};
    answer = (request, response) => {
      heard = request.headers;
      const cookie = { "set-cookie": "a=b" };
      if (request.url === "/") response.writeHead(302, { location: "/next", ...cookie }).end();
      else response.end("x");
    };
    await fetchPage(home());
    expect(Object.keys(heard).sort()).toEqual(["accept", "accept-encoding", "connection", "host", "user-agent"]);
  });

  it("asks no proxy, whatever the environment says", async () => {
    for (const name of ["HTTP_PROXY", "http_proxy", "NODE_USE_ENV_PROXY"]) vi.stubEnv(name, "http://127.0.0.1:9");
    try {
      expect((await fetchPage(home())).bytes.toString()).toBe("<p>hello");
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("without an end is read as far as is fetched, compressed or not", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      const more = () => {
        response.write("x".repeat(65_536));
        if (!response.destroyed) setImmediate(more);
      };
      more();
    };
    expect(await fetchPage(home())).toMatchObject({ cut: true, bytes: { length: 2 ** 20 } });
    answer = (_, response) => {
      response.writeHead(200, { "content-type": "text/html", "content-encoding": "gzip" });
      response.end(gzipSync(Buffer.alloc(50 * 2 ** 20, "x")));
    };
    expect(await fetchPage(home())).toMatchObject({ cut: true, bytes: { length: 2 ** 20 } });
  });

  it.each<[string, Answer]>([
    ["never answers", () => {}],
    ["never ends", (_, response) => response.writeHead(200).write("a")],
  ])("that %s is given up in time", async (_, how) => {
    answer = how;
    const signal = new AbortController().signal;
    await expect(fetchPage(home(), signal, 300)).rejects.toThrow("did not come within 0.3 seconds");
  });

  it("that is not wanted any more is given up at once", async () => {
    const leaving = new AbortController();
    answer = () => leaving.abort();
    await expect(fetchPage(home(), leaving.signal)).rejects.toThrow(PageError);
  });

  it.each([404, 500, 403, 204])("that comes with status %d is none", async (status) => {
    answer = (_, response) => response.writeHead(status).end();
    expect(await refusal(home())).toBe(`The host of the page answers with status ${status}.`);
  });

  it("of a host that is not there, or that breaks off, is told in our own words", async () => {
    expect(await refusal(`http://nobody.test:${port}/`)).toBe("There is no such host.");
    answer = (_, response) => response.socket?.destroy();
    expect(await refusal(home())).toBe("The page could not be fetched (ECONNRESET).");
  });
});

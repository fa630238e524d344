import { execFile, execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { afterAll, describe, expect, it } from "vitest";
import { StartError } from "../../../src/base/errors.ts";
import { readRedisUrl, reasonOf } from "../../../src/engines/redis/address.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { startRedisImpostor } from "../../support/redis-impostor.ts";
import { canStartRedis, startPrivateRedis } from "../../support/redis-server.ts";

const log = { info() {}, warn() {} };

function refusalOf(url: string): string {
  try {
    readRedisUrl(url);
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    return (error as StartError).lines.join("\n");
  }
  throw new Error("it was taken");
}

async function startRefusal(url: string): Promise<string> {
  const error: unknown = await createRedisLink({ url, prefix: "p", botId: "1", log }).catch((one: unknown) => one);
  expect(error).toBeInstanceOf(StartError);
  const { lines } = error as StartError;
  expect(lines.length).toBe(1);
  return lines[0] ?? "";
}

describe("REDIS_URL", () => {
  it("becomes the client's options, TLS and escaped characters included", () => {
    const { options, place, password } = readRedisUrl("rediss://us%40er:p%3Aw%2F@cache.example:6380/3");
    expect(options).toEqual({
      host: "cache.example",
      port: 6380,
      db: 3,
      family: 0,
      username: "us@er",
      password: "p:w/",
      tls: { servername: "cache.example" },
    });
    expect([place, password]).toEqual(["cache.example:6380", "p:w/"]);
  });

  it("takes the usual port, no user, database 0 and numbers for hosts", () => {
    expect(readRedisUrl(" redis://127.0.0.1 ").options).toEqual({ host: "127.0.0.1", port: 6379, db: 0, family: 0 });
    expect(readRedisUrl("redis://:word@[::1]:7000/").options).toMatchObject({
      host: "::1",
      port: 7000,
      password: "word",
    });
    // An address has no name to ask the certificate for.
    expect(readRedisUrl("rediss://10.0.0.1").options.tls).toEqual({});
  });

  it("lets nothing behind a ? change how the client behaves", () => {
    expect(readRedisUrl("redis://h?maxRetriesPerRequest=9&password=x&db=5").options).toEqual({
      host: "h",
      port: 6379,
      db: 0,
      family: 0,
    });
  });

  it("is refused when it is something else, without being repeated", () => {
    const wrong = [
      "secret",
      "http://u:secret@h",
      "redis://",
      "redis:secret",
      "redis://u:secret@h/name",
      "unix:/secret",
    ];
    for (const url of [...wrong, "redis://u:secret%@h", "redis://u:secret@h:99999"]) {
      expect(refusalOf(url), url).toMatch(/^REDIS_URL: /);
      expect(refusalOf(url), url).not.toContain("secret");
    }
  });

  it("is not repeated in the reason of an error either, whose command holds the password", () => {
    const error = Object.assign(new Error("no hunter2\nhere"), { command: { name: "auth", args: ["hunter2"] } });
    expect(reasonOf(error, "hunter2")).toBe("no [redacted] here");
    expect(reasonOf(new AggregateError([new Error("a"), new Error("b"), new Error("a")]), undefined)).toBe("a, b");
  });
});

describe("a start on what is no Redis", () => {
  it("says in one line that nothing is there, or that it is something else", async () => {
    expect(await startRefusal("redis://:secret@127.0.0.1:1")).toMatch(/cannot be reached.*ECONNREFUSED/);
    expect(await startRefusal("redis://name.invalid")).toMatch(/cannot be reached/);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const port = (server.address() as { port: number }).port;
    expect(await startRefusal(`redis://127.0.0.1:${port}`)).toMatch(/does not speak as a Redis/);
    server.close();
  });

  it.each([
    ["5.0.14", /is version 5.0.14; it must be 6.2 or newer$/],
    ["6.0.16", /is version 6.0.16; it must be 6.2 or newer$/],
    // Recent enough, so that the next question is asked.
    ["6.2.0", /is a cluster/],
    ["7.0.15", /is a cluster/],
    ["10.0.0", /is a cluster/],
  ])("asks version %s whether it is recent enough", async (version, line) => {
    const server = await startRedisImpostor({ redis_version: version, redis_mode: "cluster" });
    expect(await startRefusal(server.url)).toMatch(line);
    server.stop();
  });
});

const noOpenssl = spawnSync("openssl", ["version"]).status !== 0;

describe.skipIf(noOpenssl)(noOpenssl ? "a certificate (no openssl here)" : "a certificate", () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-certificates-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => join(folder, name);

  /** A key and a certificate of an authority that only we know, for this name. */
  function certificateFor(name: string): { key: Buffer; cert: string } {
    const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
    const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl("req", "-x509", ...fresh, "-keyout", "authority.key", "-out", "authority.pem", "-subj", "/CN=Authority");
    writeFileSync(file("extensions"), `subjectAltName=DNS:${name}`);
    openssl("req", ...fresh, "-keyout", "server.key", "-out", "server.csr", "-subj", `/CN=${name}`);
    const authority = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"];
    openssl("x509", "-req", "-in", "server.csr", ...authority, "-extfile", "extensions", "-out", "server.pem");
    // As Heroku does it: the authority, signed by itself, comes along.
    const chain = ["server.pem", "authority.pem"].map((one) => readFileSync(file(one), "utf8")).join("");
    return { key: readFileSync(file("server.key")), cert: chain };
  }

  it("is refused in one line, with what mends it", async () => {
    const server = createTlsServer(certificateFor("elsewhere.example")).listen(0, "127.0.0.1");
    server.on("tlsClientError", () => {});
    await once(server, "listening");
    const url = `rediss://:secret@localhost:${(server.address() as AddressInfo).port}`;
    expect(await startRefusal(url)).toMatch(
      /^REDIS_URL: the certificate .*\(self[- ]signed certificate in certificate chain\); .*NODE_EXTRA_CA_CERTS.*public/,
    );
    // With the authority known, it is the name that is wrong.
    const script = `
      const { createRedisLink } = await import(${JSON.stringify(new URL("../../../src/engines/redis/link.ts", import.meta.url).href)});
      const log = { info() {}, warn() {} };
      await createRedisLink({ url: ${JSON.stringify(url)}, log }).catch(({ lines }) => console.log(JSON.stringify(lines)));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: file("authority.pem") },
    });
    expect(JSON.parse(stdout)).toEqual([expect.stringMatching(/^REDIS_URL: the certificate .*elsewhere\.example\)$/)]);
    server.close();
  });
});

const noServer = !canStartRedis();
const title = "a start on a private Redis";

describe.skipIf(noServer)(noServer ? `${title} (no redis-server here)` : title, () => {
  it("says that it hangs, within ten seconds, and that a database does not exist", async () => {
    const server = await startPrivateRedis();
    expect(await startRefusal(`${server.url}/99`)).toMatch(/has no database 99/);
    server.freeze();
    const began = performance.now();
    expect(await startRefusal(server.url)).toMatch(/no answer within 5 s/);
    expect(performance.now() - began).toBeLessThan(10_000);
    await server.stop();
  });

  it("says that its user may not do what is needed", async () => {
    const server = await startPrivateRedis();
    const admin = new Redis(server.url);
    await admin.call("ACL", "SETUSER", "reader", "on", ">secret-word", "~*", "+@read", "+info", "+hello", "+ping");
    admin.disconnect();
    const line = await startRefusal(server.url.replace("//", "//reader:secret-word@"));
    expect(line).toMatch(/may not do what is needed/);
    expect(line).not.toContain("secret-word");
    await server.stop();
  });
});

function tools(): string | undefined {
  if (noServer) return "no redis-server here";
  if (noOpenssl) return "no openssl here";
  // With files that are not there it ends at once, and says why.
  const files = ["--tls-cert-file", "none", "--tls-key-file", "none", "--tls-ca-cert-file", "none"];
  const { stdout, stderr } = spawnSync("redis-server", ["--port", "0", "--tls-port", "1", ...files], {
    encoding: "utf8",
    timeout: 10_000,
  });
  return /Bad directive/.test(stdout + stderr) ? "redis-server is built without TLS" : undefined;
}

const noTls = tools();

describe.skipIf(noTls !== undefined)(noTls === undefined ? "TLS" : `TLS (${noTls})`, () => {
  it("carries the link, with a certificate that is checked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "parley-redis-tls-"));
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const self = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate];
    execFileSync("openssl", [...self, ...subject], { stdio: "ignore" });
    const files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
    const probe = await startPrivateRedis();
    // A port that was free a moment ago.
    const port = probe.port;
    await probe.stop();
    const tls = ["--tls-port", String(port), "--tls-auth-clients", "no", ...files];
    const server = await startPrivateRedis({ args: tls });
    const url = `rediss://localhost:${port}`;

    expect(await startRefusal(url)).toMatch(
      /certificate of the Redis at localhost:\d+ is not trusted.*NODE_EXTRA_CA_CERTS/,
    );
    // Asked for in plain text, it does not answer as a Redis does.
    expect(await startRefusal(`redis://localhost:${port}`)).toMatch(/may want rediss|cannot be reached/);
    // One that does not speak TLS is asked for it.
    expect(await startRefusal(server.url.replace("redis:", "rediss:"))).toMatch(/^REDIS_URL: /);

    const script = `
      const { createRedisLink } = await import(${JSON.stringify(new URL("../../../src/engines/redis/link.ts", import.meta.url).href)});
      const link = await createRedisLink({ url: ${JSON.stringify(url)}, prefix: "p", botId: "1", log: { info() {}, warn() {} } });
      const joined = new Promise((resolve) => link.subscribe("news", () => {}, resolve));
      await joined;
      const further = link.connect("further");
      console.log(await link.commands.set("a", "through TLS"), await further.get("a"));
      further.disconnect();
      await link.stop();
    `;
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
      encoding: "utf8",
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
    });
    expect(output.trim()).toBe("OK through TLS");
    const plain = new Redis(server.url);
    expect(await plain.get("a")).toBe("through TLS");
    plain.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true });
  });
});

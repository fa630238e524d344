/** The real process behind a proxy: what goes through it, and what does not. */
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { createRig, type Rig, runToEnd, token, until } from "../support/bot-process.ts";
import { createProxyServer, type ProxyServer } from "../support/proxy-server.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const tls = { key: readFileSync(fixture("key.pem")), cert: readFileSync(fixture("certificate.pem")) };

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function proxied(env: (proxy: ProxyServer, rig: Rig) => Record<string, string>, ports = {}) {
  const proxy = await createProxyServer(ports);
  stops.push(proxy.stop);
  const given: Record<string, string> = {};
  const rig = await createRig({ env: given });
  stops.push(rig.stop);
  Object.assign(given, env(proxy, rig));
  await rig.start();
  const visitor = rig.visitor();
  rig.answers("through what?", { text: "Through a proxy." });
  const answer = await visitor.ask("through what?");
  expect(answer.text).toBe("Through a proxy.");
  return { proxy, rig };
}

/** TLS in front of a plain server, as a name on port 443 of the world that only the proxy knows. */
async function securely(url: string): Promise<number> {
  const sockets = new Set<TLSSocket>();
  const server: Server = createServer(tls, (client) => {
    sockets.add(client);
    const target = connect(Number(new URL(url).port), "127.0.0.1");
    client.pipe(target).pipe(client);
    for (const socket of [client, target]) socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const lineOf = (rig: Rig) =>
  rig
    .output()
    .split("\n")
    .filter((line) => line.includes("calls go through a proxy"));

describe("behind a proxy", { timeout: 180_000 }, () => {
  test("Telegram and models are called through it, with its credentials, which no log shows", async () => {
    const { proxy, rig } = await proxied(({ address }) => ({ HTTP_PROXY: `http://me:pass-word@${address}` }));
    const telegram = `POST ${rig.botApi.url}/bot…/sendMessage`;
    expect(proxy.carried).toContain(telegram);
    expect(proxy.carried).toContain(`POST ${rig.model.url}/chat/completions`);
    const basic = `Basic ${Buffer.from("me:pass-word").toString("base64")}`;
    expect(new Set(proxy.credentials)).toEqual(new Set([basic]));
    expect(lineOf(rig)).toHaveLength(1);
    expect(lineOf(rig)[0]).toContain(`http://${proxy.address}`);
    expect(rig.output()).not.toMatch(/pass-word|me:/);
    for (const { headers } of rig.model.requests) expect(headers).not.toHaveProperty("proxy-authorization");
  });

  test("https goes through it by CONNECT, to names that only the proxy knows", async () => {
    const ports: Record<string, number> = {};
    const proxy = await createProxyServer(ports);
    stops.push(proxy.stop);
    const env: Record<string, string> = {
      https_proxy: proxy.address,
      TELEGRAM_API_ROOT: "https://telegram.test",
      TEST_BASE_URL: "https://models.test/v1",
      NODE_EXTRA_CA_CERTS: fixture("certificate.pem"),
    };
    const rig = await createRig({ env });
    stops.push(rig.stop);
    ports["telegram.test"] = await securely(rig.botApi.url);
    ports["models.test"] = await securely(rig.model.url);
    await rig.start();
    rig.answers("safely?", { text: "Safely." });
    expect((await rig.visitor().ask("safely?")).text).toBe("Safely.");
    expect(new Set(proxy.carried)).toEqual(new Set(["CONNECT telegram.test:443", "CONNECT models.test:443"]));
    // A tunnel is kept like any other connection.
    expect(proxy.carried.length).toBeLessThan(8);
  });

  test.each([
    ["NO_PROXY", "127.0.0.1"],
    ["no_proxy", "example.com, 127.0.0.1"],
    ["NO_PROXY", "*"],
  ])("what %s=%s names is called directly", async (name, value) => {
    const { proxy, rig } = await proxied(({ address }) => ({ HTTP_PROXY: `http://${address}`, [name]: value }));
    expect(proxy.carried).toEqual([]);
    expect(lineOf(rig)[0]).toContain(value);
  });

  test("Telegram alone can go directly", async () => {
    const { proxy } = await proxied(({ address }, rig) => ({
      http_proxy: `http://${address}`,
      no_proxy: new URL(rig.botApi.url).host,
    }));
    expect(new Set(proxy.carried.map((what) => what.replace(/^.*\//, "")))).toEqual(new Set(["completions"]));
  });

  test("a proxy that is none ends the start with one clear line", async () => {
    const { code, output } = await runToEnd({
      BOT_TOKEN: token,
      MODELS: "ollama/x",
      HTTPS_PROXY: "socks5://u:secret@p:1",
    });
    expect(code).toBe(78);
    expect(output.trim().split("\n")).toEqual([
      expect.stringMatching(/^HTTPS_PROXY is not a proxy; write it like http:\/\//),
    ]);
    expect(output).not.toContain("secret");
  });

  test("a proxy out of reach is what the log names", async () => {
    const gone = await createProxyServer();
    await gone.stop();
    const { address } = gone;
    const rig = await createRig({ env: { HTTPS_PROXY: address, TEST_BASE_URL: "https://models.test/v1" } });
    stops.push(rig.stop);
    await rig.start();
    rig.visitor().say("anyone?");
    const failed = await until(() =>
      rig
        .output()
        .split("\n")
        .find((line) => line.includes("a model call failed")),
    );
    expect(failed).toContain(`ECONNREFUSED ${address}`);
  });
});

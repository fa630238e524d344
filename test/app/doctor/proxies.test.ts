import { afterEach, describe, expect, it } from "vitest";
import { examineProxies } from "../../../src/app/doctor/proxies.ts";
import { examineTelegram } from "../../../src/app/doctor/telegram.ts";
import { createStrangeTelegram, doctorConfig, short } from "../../support/doctor-scene.ts";
import { createLlmServer, refuse } from "../../support/llm-server.ts";
import { createProxyServer } from "../../support/proxy-server.ts";

const cleaners: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaners.splice(0).reverse()) await clean();
});

async function findings(env: Record<string, string>): Promise<string[]> {
  const config = doctorConfig(env);
  const { signal } = new AbortController();
  const peer = examineTelegram({ config, running: false, signal }).then((found) => found.peer);
  return short(await examineProxies(config, peer, signal));
}

async function telegram(): Promise<string> {
  const server = await createStrangeTelegram();
  cleaners.push(server.stop);
  return server.url;
}

describe("the doctor's look at proxies", () => {
  it("finds none where none is configured", async () => {
    expect(await findings({ TELEGRAM_API_ROOT: await telegram() })).toEqual([]);
  });

  it("finds one that Telegram is reached through, with its credentials", async () => {
    const proxy = await createProxyServer();
    cleaners.push(proxy.stop);
    const url = await telegram();
    const env = { TELEGRAM_API_ROOT: url, HTTP_PROXY: `http://me:hunter2@${proxy.address}` };
    expect(await findings(env)).toEqual([
      `ok HTTP_PROXY: http://${proxy.address} answers and lets us through to ${new URL(url).host}; Telegram is reached through it`,
    ]);
    expect(new Set(proxy.credentials)).toEqual(new Set([`Basic ${Buffer.from("me:hunter2").toString("base64")}`]));
    expect((await findings({ ...env, NO_PROXY: "127.0.0.1" }))[0]).toMatch(
      /Telegram is reached directly, as NO_PROXY wants it$/,
    );
  });

  it("tries a tunnel where addresses are https", async () => {
    const proxy = await createProxyServer({ "relay.example": 9 });
    cleaners.push(proxy.stop);
    const tunnels = {
      MODELS: "relay/one",
      RELAY_BASE_URL: "https://relay.example/v1",
      TELEGRAM_API_ROOT: await telegram(),
    };
    const found = await findings({ ...tunnels, HTTPS_PROXY: `http://${proxy.address}` });
    expect(proxy.carried).toEqual(["CONNECT relay.example:443"]);
    // Nobody is behind it at this port, so the tunnel is never opened.
    expect(found[0]).toMatch(/^bad HTTPS_PROXY: http:\/\/127\.0\.0\.1:\d+ does not answer/);
  });

  it.each([
    [407, /^bad HTTP_PROXY: \S+ wants another user name or password → write them into its address$/],
    [503, /^bad HTTP_PROXY: \S+ does not let us through to \S+ \(status 503\) → allow it there/],
  ])("finds one that answers with %d", async (status, line) => {
    const proxy = await createLlmServer((_heard, response) => refuse(response, status, "no"));
    cleaners.push(proxy.stop);
    expect((await findings({ TELEGRAM_API_ROOT: await telegram(), HTTP_PROXY: proxy.origin }))[0]).toMatch(line);
  });

  it("finds one that is not there, and one that nothing goes through", async () => {
    const env = { TELEGRAM_API_ROOT: await telegram() };
    expect(await findings({ ...env, HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9" })).toEqual([
      "warn HTTPS_PROXY: nothing goes through http://127.0.0.1:9: no address here is https://",
      expect.stringMatching(/^bad HTTP_PROXY: http:\/\/127\.0\.0\.1:9 does not answer: connect ECONNREFUSED/),
    ]);
  });
});

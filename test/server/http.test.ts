import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import { createLogger, type Logger } from "../../src/base/log.ts";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../src/server/http.ts";

const running: HttpServer[] = [];

async function start(options: Partial<HttpServerOptions> = {}): Promise<HttpServer & { url: string }> {
  const server = await createHttpServer({
    host: "127.0.0.1",
    port: 0,
    log: createLogger({ level: "silent", secrets: [], pretty: false }),
    health: { ready: async () => ({ ok: true, detail: { telegram: "polling" } }) },
    metrics: async () => "parley_x 1\n",
    ...options,
  });
  running.push(server);
  return { ...server, url: `http://127.0.0.1:${server.port}` };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

describe("the HTTP server", () => {
  it("says that it lives, is ready, and what it has counted", async () => {
    const { url } = await start();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { ok: true, telegram: "polling" }]);
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await metrics.text()).toBe("parley_x 1\n");
  });

  it("collects the metrics at most once a second, whoever asks, and forgets a failure at once", async () => {
    let [clock, collected, broken] = [0, 0, false];
    const { url } = await start({
      now: () => clock,
      async metrics() {
        collected += 1;
        if (broken) throw new Error("no metrics");
        return `parley_x ${collected}\n`;
      },
    });
    const read = async () => await (await fetch(`${url}/metrics`)).text();
    expect(await Promise.all([read(), read(), read()])).toEqual(Array(3).fill("parley_x 1\n"));
    clock = 999;
    expect(await read()).toBe("parley_x 1\n");
    clock = 1000;
    expect(await read()).toBe("parley_x 2\n");
    [clock, broken] = [2000, true];
    expect((await fetch(`${url}/metrics`)).status).toBe(500);
    broken = false;
    expect(await read()).toBe("parley_x 4\n");
  });

  it("shows metrics that have a token to those who know it: as a bearer, or as the password of any user", async () => {
    const metricsToken = "token-of-the-metrics";
    const { url } = await start({ metricsToken });
    const basic = (password: string) => `Basic ${Buffer.from(`prometheus:${password}`).toString("base64")}`;
    const status = async (authorization?: string) =>
      (await fetch(`${url}/metrics`, { headers: authorization === undefined ? {} : { authorization } })).status;
    expect(await status(`Bearer ${metricsToken}`)).toBe(200);
    expect(await status(basic(metricsToken))).toBe(200);
    for (const wrong of [
      undefined,
      "Bearer wrong",
      basic("wrong"),
      `Bearer ${metricsToken}x`,
      metricsToken,
      "Basic !",
      "Bearer",
    ])
      expect(await status(wrong), wrong).toBe(401);
    const refused = await fetch(`${url}/metrics`);
    expect(refused.headers.get("www-authenticate")).toBe('Basic realm="Parley"');
    expect(await refused.text()).not.toContain("parley_x");
    for (const path of ["/healthz", "/readyz"]) expect((await fetch(url + path)).status).toBe(200);
  });

  it("has metrics with a port of their own there alone, and nothing else there", async () => {
    const lines: unknown[] = [];
    const log: Logger = {
      debug() {},
      info: (fields: object, message: string) => lines.push({ ...fields, message }),
      warn() {},
      error() {},
      child: () => log,
    };
    const { url, port, metricsPort } = await start({ metricsPort: 0, metricsToken: "token-of-the-metrics", log });
    const there = `http://127.0.0.1:${metricsPort}`;
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    expect((await fetch(`${there}/metrics`)).status).toBe(401);
    const given = { headers: { authorization: "Bearer token-of-the-metrics" } };
    expect(await (await fetch(`${there}/metrics`, given)).text()).toBe("parley_x 1\n");
    for (const path of ["/healthz", "/readyz", "/"]) expect((await fetch(there + path)).status).toBe(404);
    expect(lines).toEqual([
      { address: `127.0.0.1:${port}`, paths: ["/healthz", "/readyz"], message: "listening" },
      { address: `127.0.0.1:${metricsPort}`, paths: ["/metrics"], message: "listening" },
    ]);
  });

  it("answers 404 on every other path", async () => {
    const { url } = await start();
    for (const path of ["/", "/healthz/", "/webhook", "/metrics/x"]) expect((await fetch(url + path)).status).toBe(404);
  });

  it("is not ready, with the reason, when its parts are not", async () => {
    const { url } = await start({ health: { ready: async () => ({ ok: false, detail: { store: "down" } }) } });
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { ok: false, store: "down" }]);
  });

  it.each([
    ["hangs", () => new Promise<never>(() => undefined)],
    ["fails", () => Promise.reject(new Error("broken"))],
  ])("answers on its readiness also when the check %s", async (_what, ready) => {
    const { url } = await start({ health: { ready } });
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("hands the webhook's paths, whatever the method, to its handler alone", async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await start({
      webhook: {
        paths: ["/base/telegram", "/telegram"],
        async handler(request, response) {
          seen.push(request.method);
          response.end("ours");
        },
      },
    });
    expect(await (await fetch(`${url}/base/telegram?x=1`, { method: "POST", body: "{}" })).text()).toBe("ours");
    expect(await (await fetch(`${url}/base/telegram`)).text()).toBe("ours");
    expect(await (await fetch(`${url}/telegram`, { method: "POST", body: "{}" })).text()).toBe("ours");
    for (const path of ["/base/telegram/x", "/base", "/other/telegram"]) {
      expect((await fetch(url + path)).status, path).toBe(404);
    }
    expect(seen).toEqual(["POST", "GET", "POST"]);
  });

  it("refuses a busy port, and a host that is not its own, in one line each", async () => {
    const { port } = await start();
    const busy = await start({ port }).catch((error: unknown) => error);
    expect(busy).toBeInstanceOf(StartError);
    expect((busy as StartError).lines).toEqual([expect.stringMatching(new RegExp(`^PORT: ${port} is in use`))]);
    const metrics = await start({ port: 0, metricsPort: port }).catch((error: unknown) => error);
    expect((metrics as StartError).lines).toEqual([
      expect.stringMatching(new RegExp(`^METRICS_PORT: ${port} is in use`)),
    ]);
    const foreign = await start({ host: "192.0.2.1" }).catch((error: unknown) => error);
    expect((foreign as StartError).lines).toEqual([expect.stringMatching(/^HOST: 192\.0\.2\.1/)]);
  });

  it("cuts a request that never ends", async () => {
    const { port } = await start();
    const socket = connect(port, "127.0.0.1");
    const startedAt = performance.now();
    socket.write("POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n");
    const answer = await new Promise<string>((resolve, reject) => {
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk.toString();
      });
      socket.on("close", () => resolve(text));
      socket.on("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - startedAt).toBeGreaterThan(5000);
  });

  it("stops though connections are kept alive and an answer hangs", async () => {
    const server = await start({ metrics: () => new Promise<never>(() => undefined) });
    await fetch(`${server.url}/healthz`);
    const hanging = fetch(`${server.url}/metrics`).catch(() => "cut");
    await fetch(`${server.url}/healthz`);
    await server.stop();
    await server.stop();
    expect(await hanging).toBe("cut");
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });
});

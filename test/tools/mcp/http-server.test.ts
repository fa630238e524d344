/** Servers over Streamable HTTP: both eras of the protocol, and everything that may come back. */
import { afterEach, describe, expect, it } from "vitest";
import { createMcpHttpServer, type McpHttpServer } from "../../support/mcp-http-server.ts";
import { createMcpScene } from "../../support/mcp-scene.ts";
import { createProxyServer } from "../../support/proxy-server.ts";

const cleaners: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaners.splice(0).reverse()) await clean();
});

async function far(options: { readonly modern?: boolean } = {}) {
  const server = await createMcpHttpServer(options);
  cleaners.push(() => server.stop());
  return { server, ...use(server.url) };
}

function use(url: string, more: Parameters<typeof createMcpScene>[1] = {}) {
  const scene = createMcpScene({ far: { at: { url, headers: { authorization: "Bearer key-0123456789" } } } }, more);
  cleaners.push(() => scene.tools.stop());
  return scene;
}

const unknown = "Nobody knows whether it was carried out.";
const messages = ({ heard }: McpHttpServer, method: string) => heard.filter((one) => one === method).length;

describe("a server over HTTP", () => {
  it("is spoken to as it speaks: with a session, or without one", async () => {
    const former = await far();
    expect((await former.call("far_echo")).text).toBe("echo");
    expect(former.server.heard.slice(0, 3)).toEqual(["server/discover", "initialize", "notifications/initialized"]);
    const modern = await far({ modern: true });
    expect((await modern.call("far_echo")).text).toBe("echo");
    expect(modern.server.heard).not.toContain("initialize");
    expect([...modern.server.versions]).toEqual(["2026-07-28"]);
  });

  it("gets a new session when it knows ours no more, and the call is made once", async () => {
    const { server, call } = await far();
    await call("far_echo");
    server.forgetSessions();
    expect((await call("far_echo")).text).toBe("echo");
    expect(messages(server, "initialize")).toBe(2);
    expect(server.called).toEqual(["echo", "echo"]);
  });

  it("that refuses our headers is told so, and is used again when it takes them", async () => {
    const { server, call, tools } = await far();
    await call("far_echo");
    const asker = { conversation: "7", userId: 7, isPrivate: true };
    const echo = (await tools.offered(asker)).find(({ name }) => name === "far_echo");
    server.refuse(401);
    const run = async () => await call("far_echo");
    expect(echo).toBeDefined();
    expect(await run()).toMatchObject({
      failed: true,
      text: expect.stringContaining("its headers are refused (HTTP 401)"),
    });
    server.refuse(undefined);
    expect((await run()).text).toBe("echo");
  });

  it("is reached through the proxy, and its address need not be known here", async () => {
    const server = await createMcpHttpServer();
    cleaners.push(() => server.stop());
    const proxy = await createProxyServer({ "mcp.example": server.port });
    cleaners.push(() => proxy.stop());
    const { call } = use("http://mcp.example/mcp", { proxies: { HTTP_PROXY: `http://${proxy.address}` } });
    expect((await call("far_echo")).text).toBe("echo");
    expect(proxy.carried).toContain("POST http://mcp.example/mcp");
  });
});

describe("what a server over HTTP answers a call with", { timeout: 60_000 }, () => {
  it.each([
    ["flood", /it sent more than 1000 messages in a second/],
    ["big", /a message of it is longer than 1 MiB/],
    ["page", /has failed/],
    ["noise", /has failed/],
    ["packed", /answers compressed/],
    ["cut", /has failed/],
    ["status-408", /HTTP 408/],
    ["status-500", /HTTP 500/],
    ["status-502", /HTTP 502/],
    ["status-504", /HTTP 504/],
  ])("is a clear result when it is %s, and nobody calls again what may be done", async (tool, reason) => {
    const { server, call } = await far();
    const result = await call(`far_${tool}`);
    expect(result).toMatchObject({ failed: true, text: expect.stringMatching(reason) });
    expect(result.text).toContain(unknown);
    expect(result.text).not.toContain("key-0123456789");
    expect(server.called).toEqual([tool]);
    expect((await call("far_echo")).text).toBe("echo");
  });

  it.each([
    ["status-401", /headers are refused/, 1],
    ["status-403", /headers are refused/, 1],
    ["status-429", /HTTP 429/, 1],
    ["status-404", /HTTP 404/, 2],
  ])("is a plain no when it is %s", async (tool, reason, times) => {
    const { server, call } = await far();
    const result = await call(`far_${tool}`);
    expect(result).toMatchObject({ failed: true, text: expect.stringMatching(reason) });
    expect(result.text).not.toContain(unknown);
    expect(server.called).toEqual(Array.from({ length: times }, () => tool));
  });

  it.each(["redirect", "metadata"])("leads nowhere else: %s", async (tool) => {
    const other = await createMcpHttpServer();
    cleaners.push(() => other.stop());
    const { server, call } = await far();
    server.sendTo(`http://127.0.0.1:${other.port}/inner`);
    expect(await call(`far_${tool}`)).toMatchObject({ failed: true, text: expect.stringMatching(/HTTP 30[27]/) });
    expect(other.heard).toEqual([]);
    expect(server.called).toEqual([tool]);
  });

  it.each(["hang", "chatter"])("ends in time when it never ends: %s", async (tool) => {
    const { call, server } = await far();
    const result = await call(`far_${tool}`);
    expect(result).toMatchObject({ failed: true, text: expect.stringContaining("no answer in time") });
    expect(result.text).toContain(unknown);
    await expect.poll(() => server.heard).toContain("notifications/cancelled");
  });

  it("is given up when the turn is stopped, and the server hears of it", async () => {
    const { call, server } = await far();
    const stop = new AbortController();
    const hanging = call("far_hang", {}, stop.signal);
    await expect.poll(() => server.called).toEqual(["hang"]);
    stop.abort();
    await expect(hanging).rejects.toThrow(/abort/i);
    await expect.poll(() => server.heard).toContain("notifications/cancelled");
  });

  it("is passed on undecoded when it is a picture that would be huge", async () => {
    const { call } = await far();
    const { pictures = [], text } = await call("far_bomb");
    expect(pictures.map(({ mime }) => mime)).toEqual(["image/png"]);
    expect(text).toBe("[picture 1]");
  });
});

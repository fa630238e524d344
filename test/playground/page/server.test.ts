import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPlaygroundPage, type PlaygroundPage } from "../../../src/playground/page/server.ts";
import { createChatsInMemory } from "../../support/chats-in-memory.ts";

describe("the playground's page", () => {
  let world: ReturnType<typeof createChatsInMemory>;
  let page: PlaygroundPage;
  let switched: string[];

  beforeEach(async () => {
    world = createChatsInMemory();
    switched = [];
    page = await createPlaygroundPage({
      source: world.source,
      log: { warn: () => {} },
      models: { note: "Scripted demo model." },
      faultSwitches: [
        { name: "slow-model", label: "Slow model", on: () => switched.push("on"), off: () => switched.push("off") },
      ],
    });
  });
  afterEach(() => page.stop());

  function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${page.url}api/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: page.url.slice(0, -1), ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  it("serves the page and every file that it names, under a policy that lets nothing foreign in", async () => {
    const wanted = ["", "page.css", "page.js"];
    const seen = new Set<string>();
    while (wanted.length > 0) {
      const path = wanted.pop() ?? "";
      if (seen.has(path)) continue;
      seen.add(path);
      const response = await fetch(page.url + path);
      expect(response.status, path).toBe(200);
      const policy = response.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'");
      expect(policy).not.toContain("unsafe");
      const text = await response.text();
      const names = /(?:src|href|url\(|from |import )=?"([^"#?]+\.(?:js|css|svg))"/g;
      for (const [, name] of text.matchAll(names))
        wanted.push(new URL(name ?? "", `http://x/${path}`).pathname.slice(1));
    }
    expect(seen.size).toBeGreaterThan(15);
  });

  it("serves nothing outside of its files", async () => {
    for (const path of [
      "page.ts",
      "page/../page.ts",
      "page/%2e%2e/page.ts",
      "page/missing.js",
      "../../../package.json",
      "data",
    ]) {
      expect((await fetch(page.url + path)).status, path).toBe(404);
    }
  });

  it("never turns a text into markup", async () => {
    for (const name of [
      "bubble",
      "entities",
      "messages",
      "chats",
      "log",
      "composer",
      "command-menu",
      "tray",
      "attach-menu",
      "videos",
      "recorder",
      "ogg",
      "media",
      "albums",
      "photos",
      "sounds",
      "sizes",
      "dom",
      "panels",
      "state",
      "stream",
      "reply-keyboard",
      "request",
    ]) {
      const source = await (await fetch(`${page.url}page/${name}.js`)).text();
      expect(source).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser/,
      );
    }
  });

  it("can draw every sign that the bot writes, for systems without a font for emoji", async () => {
    const drawing = await (await fetch(`${page.url}page/dom.js`)).text();
    const folder = fileURLToPath(new URL("../../../src", import.meta.url));
    const written = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /^(?:telegram|texts)\/.*\.ts$/.test(name))
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .join();
    const signs = new Set(written.match(/\p{Extended_Pictographic}/gu));
    expect(signs.size).toBeGreaterThan(5);
    expect([...signs].filter((sign) => !drawing.includes(`"${sign}": `))).toEqual([]);
  });

  it("begins the stream with a snapshot that holds a first chat, then sends what changes", async () => {
    const events = await openEvents(page.url);
    const snapshot = await events.next("snapshot");
    expect(snapshot).toMatchObject({
      bot: { id: 1, name: "Parley", username: "parley_bot" },
      modelNote: "Scripted demo model.",
      commands: [{ command: "help" }, { command: "model" }],
      faults: [{ name: "slow-model", label: "Slow model", on: false }],
      chats: [{ id: 100, kind: "private", people: [{ id: 100, name: "Ada" }] }],
    });
    world.change({ type: "action", data: { chatId: 100, action: "typing" } });
    expect(await events.next("action")).toEqual({ chatId: 100, action: "typing" });
    events.close();
  });

  it("opens chats as further people, and groups of two", async () => {
    const events = await openEvents(page.url);
    await events.next("snapshot");
    expect(await (await post("chats", { kind: "private" })).json()).toEqual({ chatId: 101 });
    expect(await events.next("chat")).toMatchObject({ kind: "private", title: "Ben" });
    const { chatId } = (await (await post("chats", { kind: "group" })).json()) as { chatId: number };
    const group = await events.next("chat");
    expect(group).toMatchObject({ id: chatId, kind: "group", people: [{ name: "Chidi" }, { name: "Dana" }] });
    expect(await (await post("topics", { chatId, name: "Holidays" })).json()).toEqual({ chatId, threadId: 7 });
    expect((await post("topics", { chatId: 100, name: "Holidays" })).status).toBe(400);
    events.close();
  });

  it("passes on what the person shares, and nothing else in its place", async () => {
    const from = { chatId: 100, senderId: 100 };
    const shared = { kind: "venue", latitude: 52.5, longitude: 13.4, title: "Gate", address: "Berlin" };
    expect((await post("shares", { ...from, shared, replyTo: 3 })).status).toBe(200);
    expect((await post("shares", { ...from, shared: { ...shared, kind: "castle" } })).status).toBe(400);
    expect((await post("shares", { ...from, senderId: 999, shared })).status).toBe(400);
    expect(world.done).toEqual([{ shared: { ...from, shared, replyTo: 3 } }]);
  });

  it("passes on what the person sends, edits, stops and blocks", async () => {
    await post("messages", { chatId: 100, senderId: 100, text: "hello", replyTo: 3 });
    await post("edits", { chatId: 100, senderId: 100, messageId: 4, text: "hello again" });
    await post("draft-stops", { chatId: 100, draftId: 9 });
    await post("blocks", { chatId: 100, blocked: true });
    expect(world.done).toEqual([
      { sent: { chatId: 100, senderId: 100, text: "hello", replyTo: 3 } },
      { edited: { chatId: 100, senderId: 100, messageId: 4, text: "hello again" } },
      { stopped: { chatId: 100, draftId: 9 } },
      { chatId: 100, blocked: true },
    ]);
  });

  it("answers a press with what the bot said, and says so when it said nothing", async () => {
    world.onPress(async (data) => (data === "silent" ? undefined : { text: `pressed ${data}`, alert: true }));
    const press = { chatId: 100, senderId: 100, messageId: 5 };
    const answered = await post("presses", { ...press, data: "stop:1" });
    expect(await answered.json()).toEqual({ text: "pressed stop:1", alert: true });
    const silent = await post("presses", { ...press, data: "silent" });
    expect(silent.status).toBe(400);
    expect(await silent.json()).toEqual({ error: "The bot did not answer the button." });
  });

  it("switches faults on and off, and tells every open page", async () => {
    const events = await openEvents(page.url);
    await events.next("snapshot");
    await post("faults", { name: "slow-model", on: true });
    expect(await events.next("fault")).toEqual({ name: "slow-model", label: "Slow model", on: true });
    await post("faults", { name: "slow-model", on: false });
    expect(switched).toEqual(["on", "off"]);
    expect((await post("faults", { name: "earthquake", on: true })).status).toBe(400);
    events.close();
  });

  it("shows no secret of a call and cuts a very long parameter", async () => {
    const events = await openEvents(page.url);
    await events.next("snapshot");
    const params = { url: "http://127.0.0.1/", secret_token: "hush", text: "x".repeat(9000) };
    world.change({ type: "call", data: { id: 1, method: "setWebhook", status: 200, ms: 2, params } });
    const call = await events.next("call");
    expect(call).toMatchObject({ method: "setWebhook", params: { url: "http://127.0.0.1/", secret_token: "…" } });
    expect(JSON.stringify(call)).not.toContain("hush");
    expect(JSON.stringify(call).length).toBeLessThan(6000);
    events.close();
  });

  it("hands out a file as a download only, whatever is in it", async () => {
    const response = await fetch(`${page.url}files/report?name=${encodeURIComponent('a"b\r\n.md')}`);
    expect(await response.text()).toBe("<script>");
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''a_b__.md");
    expect((await fetch(`${page.url}files/none`)).status).toBe(404);
  });

  it("refuses what another site would send", async () => {
    const body = { chatId: 100, senderId: 100, text: "hello" };
    expect((await post("messages", body, { origin: "http://evil.example" })).status).toBe(403);
    expect((await post("messages", body, { origin: "null" })).status).toBe(403);
    expect((await post("messages", body, { "content-type": "text/plain" })).status).toBe(415);
    expect(await statusWithHost(page.url, "evil.example")).toBe(403);
    expect(await statusWithHost(page.url, `evil.example:${new URL(page.url).port}`)).toBe(403);
    expect(await statusWithHost(page.url, `localhost:${new URL(page.url).port}`)).toBe(200);
    const foreign = await fetch(`${page.url}events`, { headers: { "sec-fetch-site": "cross-site" } });
    expect(foreign.status).toBe(403);
    expect(world.done).toEqual([]);
  });

  it("refuses what makes no sense, with a reason", async () => {
    const message = { chatId: 100, senderId: 100, text: "hello" };
    for (const body of [
      "",
      "[]",
      "{",
      { ...message, text: "" },
      { ...message, chatId: "100" },
      { ...message, chatId: 5 },
    ]) {
      const response = await post("messages", body);
      expect(response.status, JSON.stringify(body)).toBe(400);
      expect(((await response.json()) as { error: string }).error).not.toBe("");
    }
    expect((await post("messages", { ...message, senderId: 999 })).status).toBe(400);
    expect((await post("messages", { ...message, text: "x".repeat(4097) })).status).toBe(400);
    expect((await post("messages", { ...message, more: "x".repeat(70_000) })).status).toBe(413);
    const refused = await post("messages", { ...message, text: "refuse me" });
    expect(await refused.json()).toEqual({ error: "The chat does not take this." });
    expect(world.done).toEqual([]);
  });

  it("stops while a page is open, and says which address is in use", async () => {
    const events = await openEvents(page.url);
    await events.next("snapshot");
    const port = Number(new URL(page.url).port);
    const second = createPlaygroundPage({ source: world.source, log: { warn: () => {} }, models: { note: "" }, port });
    await expect(second).rejects.toThrow(`127.0.0.1:${port} is in use`);
    await page.stop();
    await expect(fetch(page.url)).rejects.toThrow();
  });
});

/** The stream of events, read one kind at a time; what comes in between is passed over. */
async function openEvents(url: string) {
  const abort = new AbortController();
  const response = await fetch(`${url}events`, { signal: abort.signal });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  return {
    async next(type: string): Promise<unknown> {
      for (;;) {
        const end = buffered.indexOf("\n\n");
        if (end === -1) {
          const chunk = await reader?.read();
          if (chunk === undefined || chunk.done) throw new Error(`the stream ended before ${type}`);
          buffered += chunk.value;
          continue;
        }
        const [event, data] = buffered.slice(0, end).split("\n");
        buffered = buffered.slice(end + 2);
        if (event === `event: ${type}`) return JSON.parse(data?.replace("data: ", "") ?? "");
      }
    },
    close: () => abort.abort(),
  };
}

/** `fetch` does not let a caller choose the Host header. */
function statusWithHost(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

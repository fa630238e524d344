import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Message, Update } from "grammy/types";
import { describe, expect, it } from "vitest";
import { createBotApiScene, ids, patience, textsOf, token } from "../../support/bot-api-scene.ts";
import { ada } from "../../support/wrong-calls.ts";

const scene = createBotApiScene();
const { restart, post, call, updates, chatWith } = scene;

describe("polling", () => {
  it("gives what waits until an offset confirms it", async () => {
    chatWith(3);
    expect(ids(await updates())).toEqual([1, 2, 3]);
    expect(ids(await updates({ limit: 2 }))).toEqual([1, 2]);
    expect(ids(await updates({ offset: 2 }))).toEqual([2, 3]);
    expect(ids(await updates())).toEqual([2, 3]);
    expect(scene.api.updatesPending()).toBe(2);
    expect(await updates({ offset: 4 })).toEqual([]);
    expect(scene.api.updatesPending()).toBe(0);
  });

  it("begins at the end when the offset is negative", async () => {
    chatWith(5);
    expect(ids(await updates({ offset: -2 }))).toEqual([4, 5]);
    expect(scene.api.updatesPending()).toBe(2);
  });

  it("waits for an update as long as it is told", async () => {
    const chatId = chatWith(0);
    const waiting = updates({ timeout: 50 });
    setTimeout(() => {
      scene.api.user.sendText(chatId, ada, "one");
      scene.api.user.sendText(chatId, ada, "two");
    }, 50);
    expect(textsOf(await waiting)).toEqual(["one", "two"]);
    expect(await updates({ offset: 3, timeout: 1 })).toEqual([]);
  });

  it("ends the older of two polls with a conflict", async () => {
    const older = post("getUpdates", { timeout: 50 });
    await expect.poll(() => post("getUpdates", { timeout: 0 }), patience).toMatchObject({ status: 200 });
    // The poll above came too early when the older one was not there yet; then this one ends it.
    const newer = post("getUpdates", { timeout: 1 });
    const { status, body } = await older;
    expect(status).toBe(409);
    expect(body.description).toBe(
      "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    );
    expect((await newer).status).toBe(200);
  });

  it("loses nothing when the bot hangs up", async () => {
    const chatId = chatWith(0);
    const hangUp = new AbortController();
    const poll = fetch(`${scene.api.url}/bot${token}/getUpdates?timeout=50`, { signal: hangUp.signal });
    setTimeout(() => hangUp.abort(), 50);
    await expect(poll).rejects.toThrow();
    scene.api.user.sendText(chatId, ada, "one");
    expect(textsOf(await updates())).toEqual(["one"]);
  });

  it("delivers only the kinds that were asked for, and remembers them", async () => {
    await updates({ allowed_updates: ["edited_message"] });
    const chatId = chatWith(1);
    scene.api.user.edit(chatId, 1, "changed");
    expect((await updates()).map((update) => Object.keys(update)[1])).toEqual(["edited_message"]);
    await updates({ allowed_updates: [] });
    scene.api.user.sendText(chatId, ada, "again");
    expect(textsOf(await updates()).at(-1)).toBe("again");
  });

  it("delivers an update of the past once more", async () => {
    chatWith(2);
    const [first] = await updates();
    await updates({ offset: 3 });
    scene.api.user.raw(first!);
    expect(ids(await updates({ offset: 3 }))).toEqual([1]);
    expect(await updates({ offset: 3 })).toEqual([]);
  });
});

describe("a webhook", () => {
  interface Delivery {
    readonly update: Update;
    readonly secret: string | undefined;
    answer(status: number, headers?: Record<string, string>): void;
  }

  /** A server that keeps deliveries until they are answered. */
  async function listen(): Promise<{ url: string; deliveries: Delivery[] }> {
    const deliveries: Delivery[] = [];
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      deliveries.push({
        update: JSON.parse(body),
        secret: request.headers["x-telegram-bot-api-secret-token"] as string | undefined,
        answer: (status, headers) => response.writeHead(status, headers).end(),
      });
    });
    scene.hooks.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, deliveries };
  }

  const arrived = (deliveries: Delivery[], count: number) => expect.poll(() => deliveries.length, patience).toBe(count);

  it("gets a chat's updates one after another, with the secret, and other chats' beside them", async () => {
    const hook = await listen();
    chatWith(1);
    await call("setWebhook", { url: hook.url, secret_token: "s3cret_-" });
    expect(await call("getWebhookInfo")).toMatchObject({ url: hook.url, pending_update_count: 1, max_connections: 40 });
    scene.api.user.sendText(ada, ada, "second");
    chatWith(1, 2002);
    await arrived(hook.deliveries, 2);
    expect(hook.deliveries.map(({ secret }) => secret)).toEqual(["s3cret_-", "s3cret_-"]);
    expect(hook.deliveries.map(({ update }) => update.message?.chat.id).toSorted()).toEqual([ada, 2002]);
    hook.deliveries.find(({ update }) => update.message?.chat.id === ada)!.answer(204);
    await arrived(hook.deliveries, 3);
    expect(hook.deliveries[2]!.update.message?.text).toBe("second");
    for (const { update, answer } of hook.deliveries)
      if (update.message?.text !== "message 1" || update.message.chat.id !== ada) answer(200);
    await expect.poll(() => scene.api.updatesPending(), patience).toBe(0);
  });

  it("gets a press while the chat's message is not yet taken", async () => {
    const hook = await listen();
    chatWith(0);
    const reply_markup = { inline_keyboard: [[{ text: "Stop", callback_data: "stop" }]] };
    const sent = await call<Message>("sendMessage", { chat_id: ada, text: "a", reply_markup });
    await call("setWebhook", { url: hook.url });
    scene.api.user.sendText(ada, ada, "slow");
    void scene.api.user.press(ada, sent.message_id, "Stop", ada, 100);
    await arrived(hook.deliveries, 2);
    expect(hook.deliveries.map(({ update }) => Object.keys(update)[1]).toSorted()).toEqual([
      "callback_query",
      "message",
    ]);
  });

  it("is tried again until it takes the update, and is not overtaken", async () => {
    await restart({ webhookRetryMs: 20 });
    const hook = await listen();
    chatWith(2);
    await call("setWebhook", { url: hook.url });
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await arrived(hook.deliveries, attempt);
      expect(hook.deliveries.at(-1)!.update.message?.text).toBe("message 1");
      hook.deliveries.at(-1)!.answer(500);
    }
    await arrived(hook.deliveries, 4);
    expect(await call("getWebhookInfo")).toMatchObject({
      pending_update_count: 2,
      last_error_message: "Wrong response from the webhook: 500 Internal Server Error",
    });
    hook.deliveries.at(-1)!.answer(200);
    await arrived(hook.deliveries, 5);
    expect(hook.deliveries.at(-1)!.update.message?.text).toBe("message 2");
  });

  it("is given the time that it asks for", async () => {
    const hook = await listen();
    chatWith(1);
    await call("setWebhook", { url: hook.url });
    await arrived(hook.deliveries, 1);
    const answeredAt = performance.now();
    hook.deliveries[0]!.answer(503, { "retry-after": "1" });
    await arrived(hook.deliveries, 2);
    expect(performance.now() - answeredAt).toBeGreaterThan(900);
  });

  it("has no more connections than it allows, and only the kinds it wants", async () => {
    const hook = await listen();
    await call("setWebhook", { url: hook.url, max_connections: 2, allowed_updates: ["message"] });
    for (const userId of [1, 2, 3, 4]) chatWith(1, userId);
    scene.api.user.edit(1, 1, "changed");
    await arrived(hook.deliveries, 2);
    hook.deliveries[0]!.answer(200);
    await arrived(hook.deliveries, 3);
    for (let next = 1; next < 4; next += 1) {
      await arrived(hook.deliveries, Math.min(4, next + 2));
      hook.deliveries[next]!.answer(200);
    }
    await expect.poll(() => scene.api.updatesPending(), patience).toBe(0);
    expect(hook.deliveries).toHaveLength(4);
  });

  it("leaves what it has not taken to polling, or drops it", async () => {
    const hook = await listen();
    chatWith(2);
    await call("setWebhook", { url: hook.url });
    await arrived(hook.deliveries, 1);
    await call("deleteWebhook");
    expect(ids(await updates())).toEqual([1, 2]);
    await call("deleteWebhook", { drop_pending_updates: true });
    expect(await updates()).toEqual([]);
  });

  it("ends a poll when it is set", async () => {
    const poll = post("getUpdates", { timeout: 50 });
    await expect.poll(async () => (await post("getMe")).status, patience).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await call("setWebhook", { url: "http://127.0.0.1:9/" });
    expect((await poll).body.description).toMatch(/^Conflict: /);
  });
});

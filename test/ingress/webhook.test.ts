import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { Bot } from "grammy";
import type { Update, UserFromGetMe } from "grammy/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "../../src/base/log.ts";
import { createWebhook } from "../../src/ingress/webhook.ts";
import { createHttpServer, type HttpServer } from "../../src/server/http.ts";

const secret = "a-secret_of-the-webhook";
const path = "/hook";
const botInfo = { id: 1, is_bot: true, first_name: "Parley", username: "parley_bot" } as UserFromGetMe;

let server: HttpServer;
let url: string;
let logs: string;
/** What became of an update that reached the chain; a test replaces it. */
let store: (update: Update) => Promise<void>;

beforeEach(async () => {
  logs = "";
  store = async () => undefined;
  const log = createLogger({
    level: "debug",
    secrets: [],
    pretty: false,
    destination: {
      write(line) {
        logs += line;
      },
    },
  });
  const bot = new Bot("1:token", { botInfo });
  bot.use((ctx) => store(ctx.update));
  server = await createHttpServer({
    host: "127.0.0.1",
    port: 0,
    log,
    health: { ready: async () => ({ ok: true, detail: {} }) },
    metrics: async () => "",
    webhook: { paths: [path], handler: createWebhook(bot, { secret, log, storeWithinMs: 300 }) },
  });
  url = `http://127.0.0.1:${server.port}${path}`;
});

afterEach(() => server.stop());

function deliver(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: "POST", body, headers: { "x-telegram-bot-api-secret-token": secret, ...headers } });
}

/** Sends raw bytes and resolves with all that came back by the time the connection was closed. */
function exchange(write: (send: (text: string) => void) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(server.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
    write((text) => socket.write(text));
  });
}

/** A client that, as most do, goes on writing until it is answered. */
function upload(bytes: number, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: "POST", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
      request.destroy();
    });
    const chunk = Buffer.alloc(64 * 1024, "x");
    let left = bytes;
    const write = () => {
      while (left > 0 && !request.destroyed) {
        left -= chunk.length;
        if (!request.write(chunk)) return;
      }
      if (!request.destroyed) request.end();
    };
    request.on("drain", write);
    request.on("error", reject);
    write();
  });
}

describe("the webhook", () => {
  it("acknowledges an update after it is stored, not before", async () => {
    let stored = (): void => undefined;
    const order: string[] = [];
    store = (update) =>
      new Promise((resolve) => {
        order.push(`storing ${update.update_id}`);
        stored = () => {
          order.push("stored");
          resolve();
        };
      });
    const answer = deliver('{"update_id":7}').then((response) => {
      order.push("answered");
      return response;
    });
    await expect.poll(() => order).toEqual(["storing 7"]);
    stored();
    expect((await answer).status).toBe(200);
    expect(order).toEqual(["storing 7", "stored", "answered"]);
  });

  it("answers many deliveries over one connection", async () => {
    const seen: number[] = [];
    store = async (update) => void seen.push(update.update_id);
    for (let id = 1; id <= 20; id += 1) expect((await deliver(`{"update_id":${id}}`)).status).toBe(200);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it.each([
    ["none", {}],
    ["a wrong one", { "x-telegram-bot-api-secret-token": "wrong" }],
    ["one of the same length", { "x-telegram-bot-api-secret-token": "b-secret_of-the-webhook" }],
    ["the beginning of the right one", { "x-telegram-bot-api-secret-token": secret.slice(0, -1) }],
  ])("answers 401 to %s as secret", async (_what, headers) => {
    let reached = false;
    store = async () => {
      reached = true;
    };
    const response = await fetch(url, { method: "POST", body: '{"update_id":1}', headers });
    expect(response.status).toBe(401);
    expect(reached).toBe(false);
  });

  it("answers a wrong secret before the body has come", async () => {
    const answer = await exchange((send) =>
      send(`POST ${path} HTTP/1.1\r\nHost: x\r\nX-Telegram-Bot-Api-Secret-Token: no\r\nContent-Length: 1000\r\n\r\n`),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  it.each([
    "",
    "nonsense",
    "[]",
    "null",
    "7",
    '"text"',
    "{}",
    '{"update_id":"7"}',
    '{"update_id":1.5}',
    '{"update_id":1e400}',
    '[{"update_id":1}]',
    '{"update_id":1',
  ])("answers 400 to the body %j", async (body) => {
    expect((await deliver(body)).status).toBe(400);
  });

  it.each(["GET", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"])("answers 405 to %s", async (method) => {
    const response = await fetch(url, { method, headers: { "x-telegram-bot-api-secret-token": secret } });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it("takes a body of 1 MiB and refuses one byte more, with 413", async () => {
    const frame = '{"update_id":1,"text":""}';
    const full = frame.replace('""', `"${"x".repeat(1024 * 1024 - frame.length)}"`);
    expect((await deliver(full)).status).toBe(200);
    expect((await deliver(`${full} `)).status).toBe(413);
  });

  it.each([
    ["announced", { "content-length": String(60 * 1024 * 1024) }],
    ["in chunks", { "transfer-encoding": "chunked" }],
  ])("answers 413 to 60 MB %s, and lives on", async (_what, headers) => {
    const status = await upload(60 * 1024 * 1024, { "x-telegram-bot-api-secret-token": secret, ...headers });
    expect(status).toBe(413);
    expect((await deliver('{"update_id":1}')).status).toBe(200);
  });

  it("closes the connection of a body that is too large and never ends", async () => {
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Telegram-Bot-Api-Secret-Token: ${secret}\r\n`;
    const answer = await exchange((send) => {
      send(`${head}Content-Length: 99999999\r\n\r\n{`);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i);
  });

  it("survives a sender that goes away in mid-body", async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Telegram-Bot-Api-Secret-Token: ${secret}\r\nContent-Length: 50\r\n\r\n{"upd`,
          () => socket.destroy(),
        );
      });
      socket.on("close", () => resolve());
    });
    expect((await deliver('{"update_id":1}')).status).toBe(200);
  });

  it("asks Telegram to come again within 1 to 5 seconds when the update could not be stored", async () => {
    store = () => Promise.reject(new Error("the disk is full"));
    const response = await deliver('{"update_id":1,"message":{"text":"what somebody wrote"}}');
    expect(response.status).toBe(503);
    const seconds = Number(response.headers.get("retry-after"));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(5);
    expect(logs).toContain("the disk is full");
    expect(logs).not.toContain("what somebody wrote");
  });

  it("asks again when the write hangs, and outlives its late failure", async () => {
    let fail = (_error: Error): void => undefined;
    store = () =>
      new Promise((_resolve, reject) => {
        fail = reject;
      });
    expect((await deliver('{"update_id":1}')).status).toBe(503);
    fail(new Error("late"));
    store = async () => undefined;
    expect((await deliver('{"update_id":1}')).status).toBe(200);
  });

  it("logs an outage once a second, not once a delivery", async () => {
    store = () => Promise.reject(new Error("down"));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, id) => deliver(`{"update_id":${id}}`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(503));
    expect(logs.trim().split("\n").length).toBeLessThan(10);
  });
});

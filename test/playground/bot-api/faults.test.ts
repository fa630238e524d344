import { Bot, GrammyError, HttpError } from "grammy";
import { beforeEach, describe, expect, it } from "vitest";
import { createBotApiScene, patience, token } from "../../support/bot-api-scene.ts";
import { ada } from "../../support/wrong-calls.ts";

const scene = createBotApiScene();
const { post, chatWith } = scene;

describe("a fault", () => {
  const send = (text = "a") => post("sendMessage", { chat_id: ada, text });

  beforeEach(() => void chatWith(0));

  it("answers 429 with the time to wait, as often as it is told", async () => {
    scene.api.faults.fail({ method: "sendMessage", times: 1, status: 429, retryAfter: 3 });
    expect(await send()).toEqual({
      status: 429,
      body: {
        ok: false,
        error_code: 429,
        description: "Too Many Requests: retry after 3",
        parameters: { retry_after: 3 },
      },
    });
    expect(await send()).toMatchObject({ status: 200 });
    expect(scene.api.chat(ada).messages).toHaveLength(1);
  });

  it("strikes the calls that it names, until it is taken back", async () => {
    const end = scene.api.faults.fail({ match: ({ params }) => params["text"] === "b", status: 500 });
    scene.api.faults.fail({
      chatId: 2002,
      status: 400,
      description: "Bad Request: group chat was upgraded",
      parameters: { migrate_to_chat_id: -5 },
    });
    expect(await send("b")).toMatchObject({ status: 500, body: { description: "Internal Server Error" } });
    expect(await send("a")).toMatchObject({ status: 200 });
    end();
    expect(await send("b")).toMatchObject({ status: 200 });
    const moved = await post("sendMessage", { chat_id: 2002, text: "a" });
    expect(moved.body.parameters).toEqual({ migrate_to_chat_id: -5 });
    scene.api.faults.clear();
    expect((await post("sendMessage", { chat_id: 2002, text: "a" })).body.description).toBe(
      "Bad Request: chat not found",
    );
  });

  it("cuts the connection before or after the effect", async () => {
    const bot = new Bot(token, { client: { apiRoot: scene.api.url } });
    scene.api.faults.fail({ cut: "before", times: 1 });
    await expect(bot.api.sendMessage(ada, "lost")).rejects.toThrow(HttpError);
    expect(scene.api.chat(ada).messages).toEqual([]);
    scene.api.faults.fail({ cut: "after", times: 1 });
    await expect(bot.api.sendMessage(ada, "unknown")).rejects.toThrow(HttpError);
    expect(scene.api.chat(ada).messages.map(({ text }) => text)).toEqual(["unknown"]);
    await expect.poll(() => scene.api.calls.map(({ status }) => status), patience).toEqual([0, 0]);
  });

  it("holds a call back, and may answer with a page of HTML", async () => {
    scene.api.faults.fail({ hangMs: 200, times: 1 });
    const startedAt = performance.now();
    expect(await send()).toMatchObject({ status: 200 });
    expect(performance.now() - startedAt).toBeGreaterThan(180);
    scene.api.faults.fail({ status: 502, html: true, times: 1 });
    const bot = new Bot(token, { client: { apiRoot: scene.api.url } });
    await expect(bot.api.getMe()).rejects.toThrow(HttpError);
    scene.api.faults.latencyMs = 100;
    const laterAt = performance.now();
    await send();
    expect(performance.now() - laterAt).toBeGreaterThan(90);
  });

  it("can be that of a download: refused, cut in its middle, or there again", async () => {
    const bytes = Buffer.alloc(1_000, "a");
    const { document } = scene.api.user.sendDocument(ada, ada, { bytes });
    const { body } = await post("getFile", { file_id: document?.file_id });
    const path = (body as { readonly result: { readonly file_path: string } }).result.file_path;
    const fetched = async () => await fetch(`${scene.api.url}/file/bot${token}/${path}`);
    scene.api.faults.fail({ method: "file", times: 1, status: 404 });
    expect((await fetched()).status).toBe(404);
    scene.api.faults.fail({ method: "file", times: 1, cut: "after" });
    await expect(fetched().then((response) => response.bytes())).rejects.toThrow();
    scene.api.faults.fail({ method: "file", times: 1, cut: "before" });
    await expect(fetched()).rejects.toThrow();
    expect(Buffer.from(await (await fetched()).bytes())).toEqual(bytes);
  });

  it("is a file of which Telegram says that it is too big", async () => {
    const ids = [0, 1].map((more) => {
      const bytes = Buffer.alloc(20 * 2 ** 20 + more);
      return scene.api.user.sendDocument(ada, ada, { bytes }).document?.file_id;
    });
    expect(await post("getFile", { file_id: ids[0] })).toMatchObject({ status: 200 });
    expect(await post("getFile", { file_id: ids[1] })).toMatchObject({
      status: 400,
      body: { description: "Bad Request: file is too big" },
    });
  });

  it("can be Telegram's flood limits, chat by chat", async () => {
    scene.api.faults.floodLimit = true;
    const statuses: number[] = [];
    for (let index = 0; index < 7; index += 1) statuses.push((await send()).status);
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
    expect(statuses).toContain(429);
    const bot = new Bot(token, { client: { apiRoot: scene.api.url } });
    const refused = await bot.api.sendMessage(ada, "a").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(GrammyError);
    expect((refused as GrammyError).parameters.retry_after).toBeGreaterThan(0);
    chatWith(0, 2002);
    expect(await post("sendMessage", { chat_id: 2002, text: "a" })).toMatchObject({ status: 200 });
  });
});

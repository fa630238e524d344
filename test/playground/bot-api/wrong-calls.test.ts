import { describe, expect, it } from "vitest";
import { parameterTables } from "../../../src/playground/bot-api/parameters.ts";
import { type Answer, createBotApiScene, token } from "../../support/bot-api-scene.ts";
import { ada, seed, wrongBesideWebhook, wrongCalls } from "../../support/wrong-calls.ts";

const scene = createBotApiScene();
const { post, call, chatWith } = scene;

describe("a wrong call", () => {
  it("is refused with Telegram's words, whatever is wrong with it", { timeout: 60_000 }, async () => {
    await seed(scene.api, call);
    const before = JSON.stringify(scene.api.chats().map(({ messages }) => messages.map(({ text }) => text)));
    const refused: object[] = [];
    for (const { method, why, params } of wrongCalls) {
      const { status, body } = await post(method, params);
      refused.push({ method, why, status, ...body });
    }
    expect(refused).toEqual(
      wrongCalls.map(({ method, why, says, status = 400 }) => ({
        method,
        why,
        status,
        ok: false,
        error_code: status,
        description: says,
      })),
    );
    expect(JSON.stringify(scene.api.chats().map(({ messages }) => messages.map(({ text }) => text)))).toBe(before);
    expect(scene.api.calls.filter(({ status }) => status >= 400)).toHaveLength(wrongCalls.length);
  });

  it.each(Object.keys(parameterTables))("is refused for an unknown parameter: %s", async (method) => {
    const { status, body } = await post(method, { no_such: 1 });
    expect(status).toBe(400);
    expect(body.description).toBe('Bad Request: unknown parameter "no_such"');
  });

  it("is in the table for every method that can be called wrongly", () => {
    const simple = ["getMe", "close", "getWebhookInfo"];
    const covered = new Set([...wrongCalls.map(({ method }) => method), ...simple]);
    expect(Object.keys(parameterTables).filter((method) => !covered.has(method))).toEqual([]);
  });

  it("is refused beside a webhook when it polls", async () => {
    await call("setWebhook", { url: "http://127.0.0.1:9/hook" });
    const { status, body } = await post(wrongBesideWebhook.method);
    expect(status).toBe(wrongBesideWebhook.status);
    expect(body.description).toBe(wrongBesideWebhook.says);
  });

  it("is refused for a wrong token, an unknown method, an unknown address", async () => {
    const at = async (path: string) => {
      const response = await fetch(`${scene.api.url}${path}`);
      return [response.status, ((await response.json()) as Answer).description];
    };
    expect(await at("/bot42:wrong/getMe")).toEqual([401, "Unauthorized"]);
    expect(await at(`/bot${token}/sendPigeon`)).toEqual([404, "Not Found"]);
    expect(await at("/")).toEqual([404, "Not Found"]);
    expect(await at("/file/bot42:wrong/documents/1/a")).toEqual([401, "Unauthorized"]);
    expect(await at(`/file/bot${token}/documents/1/a`)).toEqual([404, "Not Found"]);
    expect(JSON.stringify(scene.api.calls)).not.toContain(token);
  });

  it("is refused when its body cannot be read", async () => {
    const send = async (type: string, body: string) => {
      const response = await fetch(`${scene.api.url}/bot${token}/getMe`, {
        method: "POST",
        headers: { "content-type": type },
        body,
      });
      return [response.status, ((await response.json()) as Answer).description];
    };
    expect(await send("application/json", "{")).toEqual([400, expect.stringContaining("Bad Request: can't parse")]);
    expect(await send("application/json", "[]")).toEqual([400, "Bad Request: JSON object expected"]);
    expect(await send("multipart/form-data", "x")).toEqual([400, "Bad Request: can't parse form data headers"]);
    expect(await send("text/plain", "x")).toEqual([400, expect.stringContaining('"text/plain"')]);
  });

  it("is refused for an empty file", async () => {
    chatWith(0);
    const form = new FormData();
    form.set("chat_id", String(ada));
    form.set("document", new Blob([]), "empty.txt");
    const response = await fetch(`${scene.api.url}/bot${token}/sendDocument`, { method: "POST", body: form });
    expect(((await response.json()) as Answer).description).toBe("Bad Request: file must be non-empty");
  });
});

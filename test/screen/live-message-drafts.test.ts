import { beforeEach, describe, expect, it } from "vitest";
import { createScreenScene, long, pass, telegramError, until } from "../support/screen-scene.ts";

const scene = createScreenScene();
const { open, all, messages } = scene;

describe("an answer that is drafted", () => {
  beforeEach(() => {
    scene.draftsEnabled = true;
  });

  it("shows drafts with Telegram's own Stop, and one message at the end", async () => {
    const screen = open({ threadId: 12 });
    screen.show("Hello");
    await pass(2);
    expect(scene.draft).toBe("Hello");
    screen.show("Hello wor");
    await pass(10);
    expect(scene.draft).toBe("Hello wor");
    expect(scene.chat.size).toBe(0);
    expect(scene.firstTexts).toBe(1);
    for (const { id, options } of all("sendMessageDraft")) {
      expect([id, options["can_stop"], options["message_thread_id"]]).toEqual([81, true, 12]);
    }
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(messages()).toEqual([["Hello world", "again:50"]]);
    const methods = scene.calls.map(({ method }) => method);
    expect(methods.lastIndexOf("sendMessageDraft")).toBeLessThan(methods.indexOf("sendMessage"));
  });

  it("leaves no message of a text that is written anew above the new draft", async () => {
    const screen = open();
    screen.show(long(1500));
    await pass(100);
    expect(scene.chat.size).toBe(3);
    screen.show("another text");
    await pass(100);
    expect([scene.chat.size, scene.draft]).toEqual([0, "another text"]);
    await until(screen.finish({ markdown: "another text, whole", button: "regenerate" }));
    expect(messages()).toEqual([["another text, whole", "again:50"]]);
  });

  it("is kept alive while the model is silent, and not after the end", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(10);
    expect(all("sendMessageDraft")).toHaveLength(1);
    await pass(20_010);
    expect(all("sendMessageDraft")).toHaveLength(2);
    await pass(20_010);
    expect(all("sendMessageDraft")).toHaveLength(3);
    await until(screen.finish({ markdown: "Hello" }));
    await pass(60_000);
    expect(all("sendMessageDraft")).toHaveLength(3);
  });

  it("goes on by edits where Telegram refuses drafts, and tells so", async () => {
    scene.fault = ({ method }) => (method === "sendMessageDraft" ? telegramError(400, "Bad Request: no") : undefined);
    const screen = open();
    screen.show("**Hello**");
    await pass(40);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(all("sendMessage")[0]?.options["entities"]).toHaveLength(1);
    expect(scene.refusedDrafts).toEqual([7]);
    screen.show("**Hello** world");
    await pass(40);
    expect(all("sendMessageDraft")).toHaveLength(1);
  });

  it("goes on by edits when drafts keep failing on the way", async () => {
    scene.fault = ({ method }) => (method === "sendMessageDraft" ? telegramError(500, "Internal") : undefined);
    const screen = open();
    screen.show("Hello");
    await pass(10_000);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(all("sendMessageDraft")).toHaveLength(3);
    expect(scene.refusedDrafts).toEqual([]);
  });

  it("never happens in a group", async () => {
    const screen = open({ chatId: -7 });
    screen.show("Hello");
    await pass(5);
    expect(all("sendMessageDraft")).toHaveLength(0);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
  });

  it("sends what overflows as messages and drafts the rest", async () => {
    const screen = open();
    screen.show(long(900));
    await pass(30);
    expect(scene.chat.size).toBe(1);
    expect([...scene.chat.values()][0]?.button).toBeUndefined();
    expect(`${[...scene.chat.values()][0]?.text} ${scene.draft}`).toBe(long(900));
  });
});

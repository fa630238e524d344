/** What Telegram refuses, and what becomes of the answer then. */
import { HttpError } from "grammy";
import { describe, expect, it } from "vitest";
import { createScreenScene, pass, telegramError, until } from "./screen-scene.ts";

const scene = createScreenScene();
const { open, all, messages } = scene;

describe("Telegram's answers", () => {
  it("a message that was deleted is continued in a new one", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    scene.chat.clear();
    screen.show("Hello wor");
    await pass(30);
    expect(messages()).toEqual([["Hello wor", "stop:81"]]);
    scene.chat.clear();
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(messages()).toEqual([["Hello world", "again:50"]]);
    expect(scene.saved.at(-1)?.[0]).toEqual([103]);
  });

  it("'not modified' is success", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    let once = true;
    scene.fault = ({ method }) => {
      if (method !== "editMessageText" || !once) return undefined;
      once = false;
      return telegramError(400, "Bad Request: message is not modified: specified new message content and …");
    };
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(all("editMessageText")).toHaveLength(1);
    expect(all("sendMessage")).toHaveLength(1);
  });

  it("'not modified' says nothing about the text that came while the call was on its way", async () => {
    const screen = open({ messages: [101] });
    let once = true;
    scene.fault = ({ method }) => {
      if (method !== "editMessageText" || !once) return undefined;
      once = false;
      screen.show("Hello world");
      return telegramError(400, "Bad Request: message is not modified: specified new message content and …");
    };
    screen.show("Hello");
    await pass(5);
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(all("editMessageText").at(-1)).toMatchObject({ text: "Hello world" });
  });

  it("entities that it refuses are left out", async () => {
    scene.fault = ({ options }) =>
      "entities" in options ? telegramError(400, "Bad Request: can't parse entities") : undefined;
    const screen = open();
    screen.show("**bold** text");
    await pass(30);
    expect(messages()).toEqual([["bold text", "stop:81"]]);
    await until(screen.finish({ markdown: "**bold** text and *more*", button: "regenerate" }));
    expect(messages()).toEqual([["bold text and more", "again:50"]]);
    expect(screen.gone.aborted).toBe(false);
  });

  it("whatever it refuses without entities, too, ends the turn", async () => {
    scene.fault = ({ method }) =>
      method === "sendMessage" ? telegramError(400, "Bad Request: CHAT_RESTRICTED") : undefined;
    const screen = open();
    screen.show("**bold**");
    await pass(30);
    expect(screen.gone.aborted).toBe(true);
    await until(screen.finish({ markdown: "**bold**" }));
    expect(all("sendMessage")).toHaveLength(2);
  });

  it("403 marks the chat and ends the turn, during the answer", async () => {
    scene.fault = ({ method }) =>
      method === "sendMessage" ? telegramError(403, "Forbidden: bot was blocked by the user") : undefined;
    const screen = open();
    screen.show("Hello");
    await pass(5);
    expect(screen.gone.aborted).toBe(true);
    expect(scene.blocked).toEqual([7]);
    screen.show("Hello world");
    await pass(50);
    await until(screen.finish({ markdown: "Hello world" }));
    expect(all("sendMessage")).toHaveLength(1);
  });

  it("403 marks the chat and ends the turn, at its end and while typing", async () => {
    scene.fault = () => telegramError(403, "Forbidden: bot was kicked from the supergroup chat");
    const typing = open();
    await pass(5);
    expect(typing.gone.aborted).toBe(true);
    scene.fault = ({ method }) => (method === "sendMessage" ? telegramError(403, "Forbidden") : undefined);
    const screen = open();
    await until(screen.finish({ markdown: "x" }));
    expect(screen.gone.aborted).toBe(true);
    expect(scene.blocked).toEqual([7, 7]);
  });

  it("a preview that fails on the way is tried again with the newest text", async () => {
    const screen = open();
    let failures = 2;
    scene.fault = ({ method }) =>
      method === "sendMessage" && failures-- > 0 ? new HttpError("broken", new Error("ECONNRESET")) : undefined;
    screen.show("Hello");
    await pass(100);
    screen.show("Hello world");
    await pass(2_000);
    expect(messages()).toEqual([["Hello world", "stop:81"]]);
    expect(all("sendMessage").map(({ text }) => text)).toEqual(["Hello", "Hello world", "Hello world"]);
  });

  it("an end that could not be delivered reaches the caller", async () => {
    scene.fault = ({ method }) => (method === "sendMessage" ? telegramError(502, "Bad Gateway") : undefined);
    await expect(until(open().finish({ markdown: "x" }))).rejects.toMatchObject({ error_code: 502 });
    scene.fault = ({ method }) => (method === "sendMessage" ? new HttpError("broken", new Error("reset")) : undefined);
    await expect(until(open().finish({ markdown: "x" }))).rejects.toBeInstanceOf(HttpError);
  });
});

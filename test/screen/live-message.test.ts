import { describe, expect, it, vi } from "vitest";
import { showsAnything } from "../../src/screen/live-message.ts";
import { withStatus } from "../../src/screen/status-lines.ts";
import { english as texts } from "../../src/texts/english.ts";
import { createScreenScene, long, pass, until } from "../support/screen-scene.ts";

const scene = createScreenScene();
const { open, all, messages, standing } = scene;

describe("an answer that is edited", () => {
  it("types, shows the first text at once with Stop, grows in place and ends with its button", async () => {
    const screen = open();
    await pass(2);
    expect(scene.calls.map(({ method }) => method)).toEqual(["sendChatAction"]);
    screen.show("Hello");
    await pass(1);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(scene.saved).toEqual([[[101], undefined]]);
    screen.show("Hello wor");
    await pass(12);
    expect(messages()).toEqual([["Hello wor", "stop:81"]]);
    screen.show("Hello world");
    await until(screen.finish({ markdown: "Hello world!", button: "regenerate" }));
    expect(messages()).toEqual([["Hello world!", "again:50"]]);
    expect(all("sendMessage")).toHaveLength(1);
    expect(scene.firstTexts).toBe(1);
  });

  it("shows the latest text only, at the pace of its chat", async () => {
    const screen = open();
    screen.show("0");
    await pass(5);
    for (let i = 1; i <= 40; i++) {
      screen.show(`0 ${i}`);
      await pass(1);
    }
    expect(all("editMessageText").length).toBeLessThanOrEqual(4);
    expect(all("editMessageText").length).toBeGreaterThanOrEqual(3);
    await pass(12);
    expect(messages()).toEqual([["0 40", "stop:81"]]);
  });

  it("shows nothing as long as there is nothing to read", async () => {
    const screen = open();
    for (const text of ["", " ", "\n\n", "**"]) {
      screen.show(text);
      await pass(20);
    }
    expect(all("sendMessage")).toHaveLength(0);
    expect(scene.firstTexts).toBe(0);
  });

  it("does not send its end again when the preview shows all of it, only the button", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    await until(screen.finish({ markdown: "Hello", button: "regenerate" }));
    expect(all("editMessageText")).toHaveLength(0);
    expect(messages()).toEqual([["Hello", "again:50"]]);
  });

  it("sends nothing that is unchanged", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    for (let i = 0; i < 5; i++) {
      screen.show("Hello");
      await pass(20);
    }
    expect(scene.calls.filter(({ method }) => method !== "sendChatAction")).toHaveLength(1);
  });

  it("does not let its end wait for spacing", async () => {
    const screen = open({ chatId: -7 });
    screen.show("Hello");
    await pass(3);
    screen.show("Hello wo");
    await pass(3);
    void screen.finish({ markdown: "Hello world" });
    await pass(4);
    expect(messages()).toEqual([["Hello world", undefined]]);
  });

  it("ends with its note below the text, or alone", async () => {
    await until(open().finish({ markdown: "half", notes: [{ kind: "stopped" }], button: "retry" }));
    await until(open().finish({ markdown: "", notes: [{ kind: "stopped" }], button: "retry" }));
    expect(messages()).toEqual([
      [`half\n\n${texts.stopped}`, "again:50"],
      [texts.stopped, "again:50"],
    ]);
  });

  it("answers the question in a group, in its topic, with its first message only", async () => {
    const screen = open({ chatId: -7, threadId: 12, replyTo: 50 });
    await until(screen.finish({ markdown: `${long(900)}\n\nend` }));
    const sent = all("sendMessage");
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.map(({ options }) => "reply_parameters" in options)).toEqual([true, ...sent.slice(1).map(() => false)]);
    for (const { options } of [...sent, ...all("sendChatAction")]) expect(options["message_thread_id"]).toBe(12);
  });

  it("says that it waits for a place, and replaces that by the first text, which counts as the first", async () => {
    const lined = (text: string) => withStatus([{ text, entities: [] }], [texts.waiting("ollama")])[0]?.text;
    const screen = open();
    screen.status({ kind: "waiting-for-place", provider: "ollama" });
    await pass(5);
    expect(messages()).toEqual([[lined(""), "stop:81"]]);
    expect(scene.firstTexts).toBe(0);
    screen.show("Hello");
    await pass(20);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(scene.firstTexts).toBe(1);
    screen.status({ kind: "waiting-for-place", provider: "ollama" });
    await pass(20);
    expect(messages()).toEqual([[lined("Hello"), "stop:81"]]);
  });

  it("types every four seconds until the first text", async () => {
    const screen = open();
    await pass(8_500);
    expect(all("sendChatAction")).toHaveLength(3);
    screen.show("Hello");
    await pass(20_000);
    expect(all("sendChatAction")).toHaveLength(3);
  });
});

describe("a long answer", () => {
  it("goes on in further messages, with Stop below the last only", async () => {
    const screen = open();
    screen.show(long(300));
    await pass(5);
    screen.show(long(1200));
    await pass(100);
    expect(scene.chat.size).toBeGreaterThan(1);
    const buttons = () => messages().map(([, button]) => button);
    expect(buttons()).toEqual([...Array(scene.chat.size - 1).fill(undefined), "stop:81"]);
    await until(screen.finish({ markdown: long(1300), button: "regenerate" }));
    expect(buttons()).toEqual([...Array(scene.chat.size - 1).fill(undefined), "again:50"]);
    expect(
      messages()
        .map(([text]) => text)
        .join(" "),
    ).toBe(long(1300));
    expect(scene.saved.at(-1)?.[0]).toEqual([...scene.chat.keys()]);
  });

  it("comes as a file besides when it takes more than five messages", async () => {
    await until(open().finish({ markdown: long(4_000) }));
    expect(all("sendMessage").length).toBeGreaterThan(5);
    expect(all("sendDocument")).toHaveLength(1);
    expect(scene.saved.at(-1)).toEqual([[...scene.chat.keys()].slice(0, -1), [...scene.chat.keys()].at(-1)]);
  });

  it("of five messages or less comes without a file", async () => {
    await until(open().finish({ markdown: long(1_300) }));
    expect(all("sendDocument")).toHaveLength(0);
  });
});

describe("after the end", () => {
  it("nothing is sent, whatever is shown", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    const count = scene.calls.length;
    screen.show("Hello again");
    screen.status({ kind: "waiting-for-place", provider: "ollama" });
    await pass(60_000);
    expect(scene.calls).toHaveLength(count);
  });

  it("a preview that was on its way has arrived before the final text", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(20);
    screen.show("Hello wor");
    await pass(11);
    await until(screen.finish({ markdown: "Hello world" }));
    expect(messages()).toEqual([["Hello world", undefined]]);
  });

  it("a first message that was on its way is the one that the final text is written into", async () => {
    const screen = open();
    await pass(5);
    screen.show("Hello");
    await pass(0);
    expect(all("sendMessage")).toHaveLength(1);
    await until(screen.finish({ markdown: "Hello world" }));
    expect(messages()).toEqual([["Hello world", undefined]]);
  });

  it("no timer is left behind", async () => {
    const screen = open();
    screen.show("Hello");
    await until(screen.finish({ markdown: "Hello world" }));
    await pass(20);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("leaving", () => {
  it("leaves what is shown as it is, and sends nothing more", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    screen.show("Hello wor");
    await until(screen.leave());
    const count = scene.calls.length;
    screen.show("Hello world");
    await pass(30_000);
    expect(scene.calls).toHaveLength(count);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("with Retry changes the button alone", async () => {
    const ids = standing(["old", "again:50"]);
    const screen = open({ messages: ids, resumed: false, shown: { markdown: "old", button: "regenerate" } });
    await pass(5);
    await until(screen.leave("retry"));
    expect(messages()).toEqual([["old", "again:50"]]);
    expect(all("editMessageText")).toHaveLength(0);
  });

  it("survives that the message is gone", async () => {
    const ids = standing(["old", "again:50"]);
    const screen = open({ messages: ids, resumed: false });
    await pass(5);
    scene.chat.clear();
    await until(screen.leave("retry"));
    expect(scene.chat.size).toBe(0);
  });

  it("of a screen that showed nothing sends nothing", async () => {
    const screen = open();
    await until(screen.leave("retry"));
    expect(scene.calls.map(({ method }) => method)).toEqual(["sendChatAction"]);
  });
});

describe("whether there is anything to see", () => {
  it.each(["a", "1", "**x**", "👍", "```\ncode\n```", "…", `${" ".repeat(3000)}x`])("%j can be seen", (markdown) => {
    expect(showsAnything(markdown)).toBe(true);
  });

  it.each(["", " \n\t", "\u200b\u200d", "\u2800", "> \n>", "\ufe0f", "```\n\n```"])("%j cannot be seen", (markdown) => {
    expect(showsAnything(markdown)).toBe(false);
  });
});

/** The lines below an answer that say what its turn is at. */
import { describe, expect, it, vi } from "vitest";
import type { Place } from "../../src/screen/place.ts";
import { withoutStatus, withStatus } from "../../src/screen/status-lines.ts";
import { english as texts } from "../../src/texts/english.ts";
import { createScreenScene, long, pass, telegramError, until } from "../support/screen-scene.ts";

const scene = createScreenScene();
const { open, all, messages, standing } = scene;

/** What a message shows with these lines below its text. */
const lined = (text: string, ...lines: string[]) => withStatus([{ text, entities: [] }], lines)[0]?.text;
const { thinking, tryingAgain, waiting } = texts;
const previews = () => scene.calls.filter(({ method }) => method !== "sendChatAction");

describe("a model that says nothing yet", () => {
  it("has a message with Stop within 1.5 s, and its seconds every 5 s", async () => {
    const screen = open();
    await pass(1_299);
    expect(messages()).toEqual([]);
    await pass(100);
    expect(messages()).toEqual([[lined("", thinking(1)), "stop:81"]]);
    expect(scene.saved).toEqual([[[101], undefined]]);
    await pass(3_700);
    expect(messages()).toEqual([[lined("", thinking(5)), "stop:81"]]);
    await pass(5_000);
    expect(messages()).toEqual([[lined("", thinking(10)), "stop:81"]]);
    expect(previews()).toHaveLength(3);
    expect(scene.firstTexts).toBe(0);
    screen.show("Hello");
    await pass(2);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(scene.firstTexts).toBe(1);
    await pass(60_000);
    expect(previews()).toHaveLength(4);
  });

  it("has them every 15 s in a group", async () => {
    open({ chatId: -7, threadId: 12, replyTo: 50 });
    await pass(14_900);
    expect(messages()).toEqual([[lined("", thinking(1)), "stop:81"]]);
    expect(all("sendMessage")[0]?.options).toMatchObject({
      message_thread_id: 12,
      reply_parameters: { message_id: 50 },
    });
    await pass(200);
    expect(messages()).toEqual([[lined("", thinking(15)), "stop:81"]]);
    expect(previews()).toHaveLength(2);
  });

  it("costs a fast answer no call", async () => {
    const screen = open();
    screen.status({ kind: "thinking", seconds: 0 });
    await pass(1_250);
    screen.show("Hello");
    await pass(10_000);
    expect(previews().map(({ method, text }) => [method, text])).toEqual([["sendMessage", "Hello"]]);
  });

  it("is not announced while the loop is late, and is as soon as it is on time again", async () => {
    scene.loop.measure(150);
    open();
    await pass(9_700);
    expect(messages()).toEqual([]);
    scene.loop.measure(20);
    await pass(600);
    expect(messages()).toEqual([[lined("", thinking(10)), "stop:81"]]);
  });

  it("counts on from where it began to be asked", async () => {
    const screen = open();
    await pass(3_000);
    screen.status({ kind: "thinking", seconds: 0 });
    await pass(2_100);
    expect(messages()).toEqual([[lined("", thinking(5)), "stop:81"]]);
    screen.status({ kind: "waiting-for-place", provider: "ollama" });
    await pass(20);
    screen.status({ kind: "thinking", seconds: 0 });
    await pass(1_000);
    expect(messages()).toEqual([[lined("", waiting("ollama")), "stop:81"]]);
    await pass(400);
    expect(messages()).toEqual([[lined("", thinking(1)), "stop:81"]]);
  });
});

describe("a model that is asked again", () => {
  it("is said to be, at once and with the reason, until text comes", async () => {
    const screen = open();
    screen.status({ kind: "trying-again", reason: "rate-limit" });
    await pass(2);
    expect(messages()).toEqual([[lined("", tryingAgain("rate-limit")), "stop:81"]]);
    screen.status({ kind: "thinking", seconds: 0 });
    await pass(1_400);
    expect(messages()).toEqual([[lined("", tryingAgain("rate-limit"), thinking(1)), "stop:81"]]);
    screen.status({ kind: "trying-again", reason: "timeout" });
    await pass(20);
    expect(messages()).toEqual([[lined("", tryingAgain("timeout")), "stop:81"]]);
    screen.show("Hello");
    await pass(2);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
  });
});

describe("status lines", () => {
  it("leave the first text no spacing to wait for, not even when one waits for its own", async () => {
    const screen = open({ chatId: -7 });
    screen.status({ kind: "trying-again", reason: "upstream" });
    await pass(1);
    screen.status({ kind: "trying-again", reason: "timeout" });
    await pass(5);
    expect(previews()).toHaveLength(1);
    screen.show("Hello");
    await pass(1);
    expect(previews().map(({ text }) => text)).toEqual([lined("", tryingAgain("upstream")), "Hello"]);
    screen.show("Hello you");
    await pass(25);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    await pass(10);
    expect(messages()).toEqual([["Hello you", "stop:81"]]);
  });

  it("stand below the text that there is, within its pace, and hold up none that follows", async () => {
    const screen = open();
    screen.show("Let me see.");
    await pass(2);
    screen.status({ kind: "tool", tool: { doing: "calling", name: "search" } });
    await pass(5);
    expect(messages()).toEqual([["Let me see.", "stop:81"]]);
    await pass(10);
    expect(messages()).toEqual([
      [lined("Let me see.", texts.toolAtWork({ doing: "calling", name: "search" })), "stop:81"],
    ]);
    screen.show("Let me see. It is");
    await pass(1);
    expect(messages()).toEqual([["Let me see. It is", "stop:81"]]);
    screen.status({ kind: "tool", tool: { doing: "calling", name: "page" } });
    await pass(20);
    screen.status(undefined);
    await pass(20);
    expect(messages()).toEqual([["Let me see. It is", "stop:81"]]);
    expect(scene.firstTexts).toBe(1);
  });

  it("stand while there is nothing but empty lines", async () => {
    const screen = open();
    await pass(1_400);
    screen.show("\n\n");
    await pass(3_700);
    expect(messages()).toEqual([[lined("", thinking(5)), "stop:81"]]);
    screen.show("\n\nHello");
    await pass(2);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
  });

  it("are not in the end", async () => {
    const screen = open();
    screen.show("half");
    await pass(2);
    screen.status({ kind: "tool", tool: { doing: "calling", name: "search" } });
    await pass(20);
    await until(screen.finish({ markdown: "half", button: "regenerate" }));
    expect(messages()).toEqual([["half", "again:50"]]);
    const empty = open();
    await pass(1_400);
    await until(empty.finish({ markdown: "", notes: [{ kind: "stopped" }], button: "retry" }));
    expect(messages().at(-1)).toEqual([texts.stopped, "again:50"]);
  });

  it("are left out where there is no room for them", async () => {
    const screen = open();
    screen.show("x".repeat(4_090));
    await pass(2);
    const count = previews().length;
    screen.status({ kind: "tool", tool: { doing: "calling", name: "search" } });
    await pass(60_000);
    expect(previews()).toHaveLength(count);
  });

  it("wait for a 429 as all that goes to the chat does", async () => {
    const screen = open();
    await pass(1_400);
    scene.fault = ({ method }) => {
      scene.fault = () => undefined;
      return method === "editMessageText" ? telegramError(429, "Too Many Requests", { retry_after: 3 }) : undefined;
    };
    await pass(4_000);
    screen.show("Hello");
    await pass(20);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
  });

  it("leave no timer behind, whatever the end", async () => {
    const leave = open();
    await pass(1_400);
    await until(leave.leave());
    scene.fault = () => telegramError(403, "Forbidden: bot was blocked by the user");
    const blocked = open();
    await pass(5_000);
    expect(blocked.gone.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(scene.blocked).toEqual([7]);
  });

  it("are known again by their mark, and only by that", () => {
    const parts = withStatus([{ text: "Two\n\nlines", entities: [] }], [tryingAgain("empty"), thinking(7)]);
    expect(parts.map(({ text }) => withoutStatus(text))).toEqual(["Two\n\nlines"]);
    expect(withoutStatus(lined("", thinking(7)) ?? "")).toBe("");
    expect(withoutStatus(`half\n\n${thinking(7)}`)).toBe(`half\n\n${thinking(7)}`);
  });
});

describe("an answer that is written anew", () => {
  const again = (ids: number[], shown?: Place["shown"]) =>
    open({ messages: ids, resumed: false, run: 82, ...(shown === undefined ? {} : { shown }) });

  it.each([
    ["known", { markdown: "old", button: "regenerate" } as const],
    ["told by Telegram", undefined],
  ])("has them below the former one, if what that shows is %s, and leaves it without them", async (_how, shown) => {
    const ids = standing(["old", "again:50"]);
    const screen = again(ids, shown);
    await pass(1_400);
    expect(messages()).toEqual([[lined("old", thinking(1)), "stop:82"]]);
    await until(screen.leave("retry"));
    expect(messages()).toEqual([["old", "again:50"]]);
  });

  it("leaves a message that has shown nothing else with a word of its end", async () => {
    const ids = standing([lined("", thinking(5)) ?? "", "stop:81"]);
    const screen = again(ids);
    await pass(1_400);
    expect(messages()).toEqual([[lined("", thinking(1)), "stop:82"]]);
    await until(screen.leave("retry"));
    expect(messages()).toEqual([[texts.stopped, "again:50"]]);
  });

  it("has them in the place of what was said of the end before, which comes back when nothing new does", async () => {
    const notes = [{ kind: "stopped" }] as const;
    const ids = standing([texts.stopped, "again:50"]);
    const screen = again(ids, { markdown: "", notes, button: "retry" });
    await pass(1_400);
    expect(messages()).toEqual([[lined("", thinking(1)), "stop:82"]]);
    await until(screen.leave("retry"));
    expect(messages()).toEqual([[texts.stopped, "again:50"]]);
    const half = standing([`half\n\n${texts.stopped}`, "again:50"]);
    const other = again(half, { markdown: "half", notes, button: "retry" });
    await pass(1_400);
    expect(messages().at(-1)).toEqual([lined("half", thinking(1)), "stop:82"]);
    await until(other.leave("retry"));
    expect(messages().at(-1)).toEqual([`half\n\n${texts.stopped}`, "again:50"]);
  });

  it.each([
    ["its button alone", lined("half", thinking(35)) ?? ""],
    ["all of its end", `half\n\n${texts.stopped}`],
  ])("gets the end once that a delivery before has given it, cut short behind %s", async (_what, text) => {
    const screen = open({ messages: standing([text, "again:50"]) });
    scene.fault = ({ method }) => {
      if (method !== "editMessageReplyMarkup") return undefined;
      scene.fault = () => undefined;
      return telegramError(400, "Bad Request: message is not modified");
    };
    await until(screen.leave("retry", [{ kind: "stopped" }]));
    expect(messages()).toEqual([[`half\n\n${texts.stopped}`, "again:50"]]);
  });

  it("has them below what the delivery before has left, in the place of its own", async () => {
    const ids = standing([lined("half", thinking(35)) ?? "", "stop:81"]);
    const screen = open({ messages: ids, delivery: 5_000 });
    await pass(1_290);
    expect(previews()).toEqual([]);
    await pass(100);
    expect(messages()).toEqual([[lined("half", thinking(1)), "stop:81:5000"]]);
    screen.show("new");
    await pass(2);
    expect(messages()).toEqual([["new", "stop:81:5000"]]);
    expect(all("sendMessage")).toEqual([]);
  });

  it("shows its first text at once, in the place of all that", async () => {
    const ids = standing(["one", undefined], ["two", "again:50"]);
    const screen = again(ids, undefined);
    await pass(5_100);
    // What several messages show is not known.
    expect(messages()).toEqual([
      ["one", undefined],
      ["two", "stop:82"],
    ]);
    screen.show("new");
    await pass(1);
    expect(messages()[0]).toEqual(["new", "stop:82"]);
  });

  it("keeps to its pace while the button of a longer former one is still to be taken away", async () => {
    const screen = again(standing(["one", undefined], ["two", "again:50"]), undefined);
    await pass(5);
    const before = previews().length;
    for (let i = 0; i < 60; i++) {
      screen.show(`new ${i}`);
      await pass(1);
    }
    // The first text, and one call each eleven milliseconds.
    expect(previews().length - before).toBeLessThanOrEqual(7);
    expect(previews().length - before).toBeGreaterThanOrEqual(5);
  });

  it("begins anew where the former one was deleted", async () => {
    const ids = standing(["old", "again:50"]);
    scene.chat.clear();
    again(ids, { markdown: "old", button: "regenerate" });
    await pass(1_400);
    expect(messages()).toEqual([[lined("", thinking(1)), "stop:82"]]);
  });
});

describe("in draft mode", () => {
  it("they are a draft that can be stopped, until the first text", async () => {
    scene.draftsEnabled = true;
    const screen = open();
    await pass(1_400);
    expect(scene.draft).toBe(lined("", thinking(1)));
    expect(all("sendMessageDraft")[0]?.options).toMatchObject({ can_stop: true });
    await pass(8_700);
    expect(scene.draft).toBe(lined("", thinking(10)));
    // A draft is a typing action itself, and would end with another one.
    expect(all("sendChatAction")).toHaveLength(1);
    screen.show("Hello");
    await pass(1);
    expect(scene.draft).toBe("Hello");
    expect(messages()).toEqual([]);
    await until(screen.finish({ markdown: "Hello", button: "regenerate" }));
    expect(messages()).toEqual([["Hello", "again:50"]]);
  });

  it("a draft that is refused becomes a message", async () => {
    scene.draftsEnabled = true;
    scene.fault = ({ method }) => (method === "sendMessageDraft" ? telegramError(400, "Bad Request: no") : undefined);
    open();
    await pass(1_400);
    expect(messages()).toEqual([[lined("", thinking(1)), "stop:81"]]);
  });
});

it("of a long answer they stand below its last message", async () => {
  const screen = open();
  screen.show(long(1_200));
  await pass(100);
  const before = messages();
  expect(before.length).toBeGreaterThan(1);
  screen.status({ kind: "tool", tool: { doing: "calling", name: "search" } });
  await pass(20);
  expect(messages().slice(0, -1)).toEqual(before.slice(0, -1));
  expect(messages().at(-1)?.[0]).toBe(
    lined(String(before.at(-1)?.[0]), texts.toolAtWork({ doing: "calling", name: "search" })),
  );
});

import { describe, expect, it } from "vitest";
import type { Place } from "../../src/screen/place.ts";
import { english as texts } from "../../src/texts/english.ts";
import { createScreenScene, long, pass, until } from "../support/screen-scene.ts";

const scene = createScreenScene();
const { open, all, messages, standing } = scene;

describe("answering again in the same messages", () => {
  it("deletes the other leftovers when the last one was deleted before", async () => {
    const ids = standing(["one", undefined], ["two", undefined], ["three", "again:50"]);
    const screen = again(ids);
    scene.chat.delete(ids[2] ?? 0);
    await pass(5);
    screen.show("new");
    await pass(60);
    await until(screen.finish({ markdown: "new answer", button: "regenerate" }));
    expect(messages()).toEqual([["new answer", "again:50"]]);
  });
  it("deletes the other leftovers when the last one is deleted meanwhile", async () => {
    const ids = standing(["one", undefined], ["two", undefined], ["three", "again:50"]);
    const screen = again(ids);
    await pass(5);
    screen.show("new");
    await pass(60);
    scene.chat.delete(ids[2] ?? 0);
    await until(screen.finish({ markdown: "new answer", button: "regenerate" }));
    expect(messages()).toEqual([["new answer", "again:50"]]);
  });
  it("takes a former run's Stop button away although the text comes at once", async () => {
    const ids = standing(["one", undefined], ["two", "stop:81"]);
    const screen = again(ids);
    screen.show("new");
    await pass(60);
    expect(messages()).toEqual([
      ["new", "stop:82"],
      ["two", undefined],
    ]);
  });

  it("lets nothing of a text stand that is written anew, as soon as the new one is there", async () => {
    const screen = open();
    screen.show(long(1500));
    await pass(200);
    expect(scene.chat.size).toBe(4);
    screen.show("another text");
    screen.show("another text, which grows");
    await pass(15);
    screen.show("another text, which grows and grows");
    await pass(200);
    expect(messages()).toEqual([["another text, which grows and grows", "stop:81"]]);
    expect(scene.saved.at(-1)?.[0]).toHaveLength(1);
    await until(screen.finish({ markdown: "another text, whole", button: "regenerate" }));
    expect(messages()).toEqual([["another text, whole", "again:50"]]);
  });

  it("survives that a message of such a text is gone already", async () => {
    const screen = open();
    screen.show(long(1500));
    await pass(200);
    scene.chat.delete([...scene.chat.keys()].at(-1) ?? 0);
    screen.show("another text");
    await pass(200);
    screen.show("another text, which grows");
    await pass(400);
    expect(messages()).toEqual([["another text, which grows", "stop:81"]]);
  });

  const again = (ids: number[], shown?: Place["shown"]) =>
    open({ messages: ids, resumed: false, run: 82, ...(shown === undefined ? {} : { shown }) });

  it("turns the old button into Stop at once and writes over the text", async () => {
    const ids = standing(["old", "again:50"]);
    const screen = again(ids, { markdown: "old", button: "regenerate" });
    await pass(5);
    expect(messages()).toEqual([["old", "stop:82"]]);
    screen.show("new");
    await pass(20);
    expect(messages()).toEqual([["new", "stop:82"]]);
    await until(screen.finish({ markdown: "new answer", button: "regenerate" }));
    expect(messages()).toEqual([["new answer", "again:50"]]);
    expect(all("sendMessage")).toHaveLength(0);
  });

  it("turns the old button into Stop though an empty line is all that has come, and says what the turn is at", async () => {
    const screen = again(standing(["old", "again:50"]));
    screen.show("\n");
    await pass(5);
    expect(messages()).toEqual([["old", "stop:82"]]);
    await pass(5_000);
    expect(messages()).toEqual([[expect.stringContaining(texts.thinking(5)), "stop:82"]]);
    screen.show("\nnew");
    await pass(20);
    expect(messages()).toEqual([["new", "stop:82"]]);
  });

  it("deletes what is left of a longer former answer, at the end", async () => {
    const ids = standing(["one", undefined], ["two", undefined], ["three", "again:50"]);
    const screen = again(ids);
    await pass(5);
    expect([...scene.chat.values()].map(({ button }) => button)).toEqual([undefined, undefined, "stop:82"]);
    screen.show("new");
    await pass(60);
    expect(scene.chat.size).toBe(3);
    expect([...scene.chat.values()].map(({ button }) => button)).toEqual(["stop:82", undefined, undefined]);
    await until(screen.finish({ markdown: "new answer", button: "regenerate" }));
    expect(messages()).toEqual([["new answer", "again:50"]]);
    expect(scene.saved.at(-1)).toEqual([[ids[0]], undefined]);
  });

  it("replaces the file of a former answer, or deletes it", async () => {
    const ids = standing(["one", "again:50"]);
    const [file = 0] = standing(["[file]", undefined]);
    await until(open({ messages: ids, file, resumed: false }).finish({ markdown: "short" }));
    expect(messages()).toEqual([["short", undefined]]);
    expect(scene.saved.at(-1)).toEqual([ids, undefined]);
  });

  it("sends nothing when the same answer comes again, but its button", async () => {
    const ids = standing(["old", "again:50"]);
    const screen = again(ids, { markdown: "old", button: "regenerate" });
    screen.show("old");
    await pass(30);
    await until(screen.finish({ markdown: "old", button: "regenerate" }));
    expect(all("editMessageText")).toHaveLength(0);
    expect(messages()).toEqual([["old", "again:50"]]);
  });

  it("after a crash goes on in the message that exists, whose Stop button it has already", async () => {
    const ids = standing(["ha", "stop:81"]);
    const screen = open({ messages: ids });
    await pass(20);
    expect(all("editMessageReplyMarkup")).toHaveLength(0);
    screen.show("half");
    await pass(20);
    await until(screen.finish({ markdown: "half of it", button: "regenerate" }));
    expect(messages()).toEqual([["half of it", "again:50"]]);
    expect(all("sendMessage")).toHaveLength(0);
  });

  it("never drafts: its messages exist", async () => {
    scene.draftsEnabled = true;
    const screen = again(standing(["old", "again:50"]));
    screen.show("new");
    await pass(30);
    expect(all("sendMessageDraft")).toHaveLength(0);
    expect(messages()).toEqual([["new", "stop:82"]]);
  });
});

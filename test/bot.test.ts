import type { Update } from "grammy/types";
import { describe, expect, it } from "vitest";
import { texts } from "../src/texts.ts";
import { chat, createBotScene, group, mallory, said } from "./bot-scene.ts";

const scene = createBotScene();
const { arrive, message, write, press, handleUnqueued } = scene;

describe("what is refused", () => {
  it("is told with the seconds to wait, once, and asks no model", async () => {
    const refusal = { reason: "rate", tell: true, waitSeconds: 6 } as const;
    expect(said(await write("why?", {}, { lane: "quick", refusal }))).toEqual([texts.rateLimited(6)]);
    expect(await write("why?", {}, { lane: "quick", refusal: { ...refusal, tell: false } })).toEqual([]);
    expect(said(await write("why?", {}, { lane: "quick", refusal: { reason: "lane-full" } }))).toEqual([
      texts.laneFull,
    ]);
    expect(scene.requests).toEqual([]);
  });

  it("comes from strangers: told their id once an hour, in a group only when they do not call a command", async () => {
    scene.access.allowed.add(7);
    const stranger = { from: mallory, chat: { ...chat, id: 66 } };
    expect(said(await write("/stats@parley_bot", { ...stranger, chat: group }))).toEqual([]);
    expect(said(await write("why?", stranger))).toEqual([texts.notAllowed(66)]);
    for (const text of ["why?", "/stats", "/new"]) expect(await write(text, stranger), text).toEqual([]);
    expect(scene.requests).toEqual([]);
  });

  it("is what the bot cannot read, with one line about what it can", async () => {
    expect(said(await arrive({ message: { ...message(""), text: undefined, voice: {} } }))).toEqual([
      texts.unsupported,
    ]);
    expect(said(await write("@parley_bot", { chat: group }))).toEqual([texts.emptyMention]);
  });

  it("is an old button, which does not spin", async () => {
    for (const data of ["foreign", "stop:1", "model:gone"]) {
      const made = await press(data);
      expect(made[0]?.method, data).toBe("answerCallbackQuery");
      expect(made[0]?.payload["text"], data).toBeTruthy();
    }
    // What waits in the turn lane was answered when it arrived.
    expect((await press("persona:save")).map(({ method }) => method)).toEqual(["editMessageReplyMarkup"]);
    expect(scene.requests).toEqual([]);
  });
});

describe("the quick lane", () => {
  it("never reaches the model, whatever is in it", async () => {
    await write("why?", {}, { lane: "quick" });
    await write("/retry", {}, { lane: "quick" });
    await write("/new", {}, { lane: "quick" });
    await arrive({ edited_message: message("when?") }, { lane: "quick" });
    expect(scene.requests).toEqual([]);
  });
});

describe("an update that did not come through the queue", () => {
  it("is refused", async () => {
    const update = { update_id: 1, message: message("why?") } as unknown as Update;
    await expect(handleUnqueued(update)).rejects.toThrow("handle()");
  });
});

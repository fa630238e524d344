import { describe, expect, it } from "vitest";
import { textParts } from "../../src/ports/content.ts";
import { commandLines, commands } from "../../src/telegram/commands.ts";
import { english as texts } from "../../src/texts/english.ts";
import { chat, createBotScene, group, mallory, said } from "../support/bot-scene.ts";

const scene = createBotScene();
const { write, press } = scene;

describe("every command", () => {
  it.each(commands.map(({ name }) => name))("/%s reaches its handler and never asks the model", async (name) => {
    for (const [text, parts] of [
      [`/${name}`, {}],
      [`/${name.toUpperCase()}@Parley_Bot`, { chat: group }],
    ] as const) {
      const made = await write(text, parts);
      expect(
        made.map(({ method }) => method),
        text,
      ).toContain("sendMessage");
      expect(said(made), text).not.toContain(texts.unknownCommand);
      expect(made[0]?.payload["chat_id"], text).toBe("chat" in parts ? -100 : 7);
    }
    expect(scene.requests).toEqual([]);
  });

  it.each(commands.map(({ name }) => name).filter((name) => name !== "retry"))(
    "/%s asks the model nothing in the middle of a conversation, whatever follows it",
    async (name) => {
      await write("why?");
      expect((await write(`/${name} tell me about cats`)).length).toBeGreaterThan(0);
      expect(scene.requests).toHaveLength(1);
      for (const { asked } of await scene.store.readHistory("7")) expect(asked).toEqual(textParts("why?"));
    },
  );

  it("that nobody knows gets a pointer to /help, and is no question", async () => {
    expect(said(await write("/unknown"))).toEqual([texts.unknownCommand]);
    expect(scene.requests).toEqual([]);
  });
});

describe("a command does what it says:", () => {
  it("/start names the model as /model's buttons do, /help every command", async () => {
    expect(said(await write("/start"))).toEqual([texts.start("one")]);
    await write("/model c/two");
    expect(said(await write("/start"))).toEqual([texts.start("c/two")]);
    const [help = ""] = said(await write("/help"));
    for (const { name, description } of commandLines(texts, "admins"))
      expect(help).toContain(`/${name}: ${description}`);
  });

  it("/new forgets the conversation and keeps its settings, /reset restores them, too", async () => {
    await write("why?");
    await write("/model b/two");
    await write("/system Be rude.");
    expect(said(await write("/new"))).toEqual([texts.newConversation]);
    expect(await scene.store.readHistory("7")).toEqual([]);
    expect(await scene.store.readSettings("7")).toEqual({ model: "b/two", persona: "Be rude." });
    await write("why?");
    expect(said(await write("/reset"))).toEqual([texts.reset("a/one")]);
    expect(await scene.store.readHistory("7")).toEqual([]);
    expect(await scene.store.readSettings("7")).toEqual({});
  });

  it("/system sets a persona directly, or asks for one", async () => {
    expect(said(await write("/system Be rude."))).toEqual([texts.personaSaved]);
    expect(await scene.store.readSettings("7")).toEqual({ persona: "Be rude." });
    expect(said(await write("/system"))).toEqual([texts.personaAsk("Be rude.", false)]);
    expect(said(await write("Be kind."))).toEqual([texts.personaPreview("Be kind.")]);
    expect(said(await press("persona:save"))).toEqual([texts.personaSaved]);
    expect(await scene.store.readSettings("7")).toEqual({ persona: "Be kind." });
    expect(scene.requests).toEqual([]);
  });

  it("/stop says when there is nothing to stop or what was dropped, and is silent when an answer says it itself", async () => {
    expect(said(await write("/stop"))).toEqual([texts.nothingToStop]);
    expect(said(await write("/stop", {}, { outcome: { aborted: true, dropped: 2 } }))).toEqual([texts.dropped(2)]);
    expect(await write("/stop", {}, { outcome: { aborted: true, dropped: 0 } })).toEqual([]);
  });

  it("/retry asks the last question again in a new message", async () => {
    expect(said(await write("/retry"))).toEqual([texts.nothingToRetry]);
    await write("why?");
    expect(said(await write("/retry"))).toEqual(["answer 2"]);
    expect(scene.requests.map(({ messages }) => messages.map(({ content }) => content))).toEqual([["why?"], ["why?"]]);
    expect(await scene.store.readHistory("7")).toMatchObject([{ asked: textParts("why?"), answered: "answer 2" }]);
    await write("/new");
    expect(said(await write("/retry"))).toEqual([texts.nothingToRetry]);
  });

  it("/stats shows the queue and percentiles to admins only", async () => {
    const [mine = ""] = said(await write("/stats"));
    expect(mine).toContain("p50 1.2 s, p95 –");
    expect(mine).toContain("Requests: 3, errors: 1");
    expect(mine).toContain("1 h 1 min");
    expect(mine).toContain("Queue: 4 waiting");
    const [others = ""] = said(await write("/stats", { from: mallory, chat: { ...chat, id: 66 } }));
    expect(others).toContain("Requests: 3, errors: 1");
    for (const word of ["Queue", "p50", "p95", "Memory"]) expect(others).not.toContain(word);
  });

  it("/usage counts what its user alone has used", async () => {
    await write("why?");
    expect(said(await write("/usage"))[0]).toContain("In total: 1 call,");
    expect(said(await write("/usage", { from: mallory, chat: group, text: "/usage" }))[0]).toContain(
      "In total: 0 calls",
    );
  });
});

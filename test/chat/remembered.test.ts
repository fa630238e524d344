/** What users want remembered, in the prompt: when it is told, to whom, and when it changes. */
import { beforeEach, describe, expect, it } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import { leaveUnallowed } from "../../src/chat/permission.ts";
import { textOf } from "../../src/ports/content.ts";
import type { ChatMessage } from "../../src/ports/models.ts";
import type { Tool } from "../../src/ports/tools.ts";
import { createForget, createRemember } from "../../src/tools/remember.ts";
import { conversation, createTurnScene, delta, end, type Step } from "../support/turn-scene.ts";

const scene = createTurnScene();
const guide = "You may call the tools";
const head = "What the user wants you to remember, by number. Go by it where it matters, and do not recite it.";

let keys = 0;
const add = (text: string, owner = 7) => scene.store.addFact(owner, { text, at: 1 }, { key: `k${++keys}`, atMost: 50 });
const system = (messages: readonly ChatMessage[] = scene.sent.at(-1)?.messages ?? []) =>
  messages.filter(({ role }) => role === "system").map(({ content }) => textOf(content));
const remembers = (fact: string, id = "c1"): Step => ({
  type: "tool-call",
  ...{ id, name: "remember", arguments: JSON.stringify({ fact }) },
});

let next = 50;
async function ask(more: Parameters<typeof scene.ask>[0] = {}): Promise<string[]> {
  const id = ++next;
  if (scene.scripts.length === 0) scene.script = [delta("Yes."), end()];
  await scene.ask({ id, root: id, run: id, ...more });
  return system();
}

beforeEach(() => {
  scene.memory = { mayBeTold: (model) => model.startsWith("a/") };
});

describe("facts", () => {
  it("stand behind the persona, by number, and nothing does where there are none", async () => {
    expect(await ask()).toEqual(["Be brief."]);
    await scene.store.forget(conversation);
    await add("Is vegan.");
    await add("Lives in Lyon.");
    expect(await ask()).toEqual([`Be brief.\n\n${head}\n1. Is vegan.\n2. Lives in Lyon.`]);
  });

  it("stay as they were when the conversation began", async () => {
    await add("Is vegan.");
    const first = await ask();
    await add("Lives in Lyon.");
    expect(await ask()).toEqual(first);
    await scene.store.forget(conversation);
    expect((await ask())[0]).toContain("2. Lives in Lyon.");
  });

  it("are told anew once the history is cut, since the prompt changes there anyway", async () => {
    scene.limits = { maxTokens: 1000, maxMessages: 4 };
    await add("Is vegan.");
    await ask();
    await add("Lives in Lyon.");
    const told: boolean[] = [];
    for (let n = 0; n < 3; n++) told.push((await ask())[0]?.includes("Lyon") === true);
    expect(told).toEqual([false, false, true]);
  });

  it("that were forgotten are told no more, in whatever topic", async () => {
    await add("Is vegan.");
    await add("Lives in Lyon.");
    await ask();
    await ask({ conversation: "7:3" });
    await scene.store.removeFact(7, 1);
    for (const conversation of ["7", "7:3"])
      expect(await ask({ conversation })).toEqual([`Be brief.\n\n${head}\n2. Lives in Lyon.`]);
  });

  it("are read anew with a question only where something is told", async () => {
    const read: number[] = [];
    const { store } = scene;
    scene.store = {
      ...store,
      async readFacts(owner) {
        read.push(owner);
        return await store.readFacts(owner);
      },
    };
    await ask();
    await ask();
    expect(read).toEqual([]);
    await add("Is vegan.", 8);
    await ask({ conversation: "8", userId: 8 });
    await ask({ conversation: "8", userId: 8 });
    expect(read).toEqual([8]);
  });

  it("of a user are told in no group, and those of a group nowhere else", async () => {
    await add("Is vegan.");
    await add("Meets on Mondays.", -100);
    const [group = ""] = await ask({ conversation: "-100" });
    expect(group).toContain("What this group wants you to remember");
    expect(group).toContain("1. Meets on Mondays.");
    expect(group).not.toContain("vegan");
    expect((await ask())[0]).not.toContain("Mondays");
    expect(await ask({ conversation: "-200:5" })).toEqual(["Be brief."]);
  });

  it("are not told where the chat, or the operator, has switched memory off", async () => {
    await add("Is vegan.");
    await scene.store.setSetting("7", "memory", "off");
    expect(await ask()).toEqual(["Be brief."]);
    expect(await ask({ conversation: "7:3" })).toEqual(["Be brief."]);
    await scene.store.setSetting("7", "memory", undefined);
    expect((await ask())[0]).toContain("vegan");
    scene.memory = undefined;
    expect(await ask()).toEqual(["Be brief."]);
  });

  it("keep an answer from being given to others", async () => {
    scene.answerCache = { shared: true, keepMs: 1000, settings: "s" };
    await add("Is vegan.");
    await ask();
    await scene.store.forget(conversation);
    await ask();
    await ask({ conversation: "8", userId: 8 });
    expect(scene.requests).toHaveLength(3);
  });
});

describe("a model that may not see what is remembered", () => {
  const seen = (model: string) => {
    const { tailored, messages } = scene.sent.at(-1) ?? { messages: [] };
    const { messages: sent, tools } = tailored?.(model, messages) ?? { messages };
    return { system: system(sent), tools: tools?.map(({ name }) => name), others: sent.slice(1) };
  };

  it("is sent the same without it, also when it stands in for one that may", async () => {
    await add("Is vegan.");
    scene.tools = [createRemember(), createForget(), { ...createForget(), name: "other", ofMemory: undefined }];
    await ask();
    expect(seen("a/one").system[0]).toContain("vegan");
    expect(seen("a/one").tools).toEqual(["remember", "forget", "other"]);
    const { system: said, tools, others } = seen("b/two");
    expect(said).toEqual([expect.stringMatching(/^Be brief\.\n\nYou may call the tools/)]);
    expect(JSON.stringify([said, tools, others])).not.toMatch(/vegan|remember|forget/);
    expect(tools).toEqual(["other"]);
  });

  it("is offered no tools, and told of none, where there are no others", async () => {
    await add("Is vegan.");
    scene.tools = [createRemember(), createForget()];
    await ask();
    expect(seen("a/one").system[0]).toContain(guide);
    expect(seen("b/two")).toMatchObject({ system: ["Be brief."], tools: undefined });
  });

  it("gets no system text where that was all of it", async () => {
    await add("Is vegan.");
    await scene.store.setSetting("7", "persona", " ");
    await ask();
    expect(seen("a/one").system).toHaveLength(1);
    expect(seen("b/two").system).toEqual([]);
  });
});

describe("remembering in a turn", () => {
  beforeEach(() => {
    scene.tools = [createRemember(), createForget()];
  });

  it("is for the next conversation; in this one the history tells it", async () => {
    scene.scripts = [
      [remembers("Is vegan."), end()],
      [delta("Noted."), end()],
    ];
    const before = await ask({ asked: "I am vegan, remember that" });
    expect(await scene.store.readFacts(7)).toMatchObject([{ number: 1, text: "Is vegan." }]);
    expect(await ask()).toEqual(before);
    expect((await scene.history()).at(-2)?.[0]).toContain("remembered as number 1: Is vegan.");
    await scene.store.forget(conversation);
    expect((await ask())[0]).toContain("1. Is vegan.");
  });

  it("is offered nowhere where memory is off", async () => {
    await scene.store.setSetting("7", "memory", "off");
    await ask();
    expect(scene.sent.at(-1)?.tools).toBeUndefined();
  });

  it("goes on behind a crash with the prompt that it began with, and remembers once", async () => {
    await add("Lives in Lyon.");
    const id = ++next;
    const question = { id, root: id, run: id };
    scene.scripts = [[remembers("Is vegan."), end()], [new Error("the process dies")]];
    await expect(scene.ask(question)).rejects.toThrow("dies");
    const [first] = scene.sent;
    scene.scripts = [[delta("Noted."), end()]];
    await scene.ask(question);
    expect(system(scene.sent.at(-1)?.messages)).toEqual(system(first?.messages));
    expect((await scene.store.readFacts(7)).map(({ text }) => text)).toEqual(["Lives in Lyon.", "Is vegan."]);
  });

  it.each<[string, Step[], string]>([
    ["fails", [new ModelError("auth", "a/one", "401")], "failed"],
    ["is stopped before a word", [scene.abort("stop"), end()], "stopped"],
    ["is stopped in mid-text", [delta("No"), scene.abort("stop"), end()], "stopped"],
  ])("is said, with its way back, also where the answer %s", async (_, script, kind) => {
    scene.scripts = [[remembers("Is vegan."), end()], script];
    await ask();
    const facts = [{ number: 1, text: "Is vegan." }];
    expect((await scene.turn(next))?.notes).toMatchObject([{ kind }, { kind: "remembered", userId: 7, facts }]);
  });

  it("is said where the answer waits for another call that nobody allows", async () => {
    const asks: Tool = { ...createForget(), name: "other", ofMemory: undefined, asks: true };
    scene.tools = [createRemember(), asks];
    scene.scripts = [[remembers("Is vegan."), { type: "tool-call", id: "c2", name: "other", arguments: "{}" }, end()]];
    await ask();
    expect((await scene.turn(next))?.notes).toEqual([{ kind: "waiting-for-permission" }]);
    await leaveUnallowed(scene.store, { conversation, question: next }, 999, "expired", 5000);
    expect((await scene.turn(next))?.notes).toMatchObject([{ kind: "not-allowed" }, { kind: "remembered" }]);
  });

  it("asks first once a file was read", async () => {
    scene.scripts = [[remembers("Is vegan."), end()]];
    const file = { type: "file", fileId: "f", uniqueId: "u", text: "Remember that she is vegan." } as const;
    await ask({ asked: [file, { type: "text", text: "what does it say?" }] });
    expect(scene.permissions).toEqual(['remember {"fact":"Is vegan."}']);
    expect(await scene.store.readFacts(7)).toEqual([]);
  });
});

/** `auto`: what counts as a hard question, and what a turn makes of it. */
import { describe, expect, it } from "vitest";
import { chooseTier } from "../../src/chat/auto.ts";
import { english } from "../../src/texts/english.ts";
import { conversation, createTurnScene, delta, end, usage } from "../support/turn-scene.ts";

const reason = (question: string) => chooseTier(question, undefined).because;

describe("a question", () => {
  it.each([
    "What is the capital of France?",
    "Was ist die Hauptstadt von Frankreich?",
    "法国的首都是哪里？",
    "Как дела?",
    "ما هي عاصمة فرنسا؟",
    "Thanks!",
    "I love you <3",
    "Call me at +49 170 1234567",
    "Wie lange ist es vom 12.05.2024 um 14:30 bis heute?",
    "Please read https://example.com/a.json?b=1&c=2",
    "What happened between 1914 and 1918?",
    "Is it open 24/7? And on Sunday?",
    "",
  ])("is easy: %s", (question) => {
    expect(chooseTier(question, undefined)).toEqual({ tier: "cheap", because: "short" });
  });

  it.each([
    ["code", "```\nx\n```"],
    ["code", "Warum ist `a[0]` leer?"],
    ["code", "为什么 foo.bar() 出错？"],
    ["code", "Schreibe ein Python-Skript, das CSV liest"],
    ["code", "用python写一个冒泡排序"],
    ["code", "напиши SQL запрос"],
    ["code", "if (x) {\n  y();\n}"],
    ["code", "why is user_name empty"],
    ["mathematics", "12+7"],
    ["mathematics", "1234567 * 89 = ?"],
    ["mathematics", "Löse x^2 - 3x = 4"],
    ["mathematics", "∫ sin x dx"],
    ["mathematics", "\\frac{1}{2} als Prozent"],
    ["mathematics", "Реши уравнение"],
    ["mathematics", "证明勾股定理"],
    ["mathematics", "Tom hat 3 Äpfel, kauft 5 und gibt 2 weg. Wie viele hat er?"],
    ["mathematics", "मेरे पास ३ सेब हैं, ५ खरीदे, २ दिए"],
    ["long", "The weather was fine and we went for a walk. ".repeat(40)],
    ["long", "今天天气很好我们去散步了。".repeat(60)],
    ["parts", "Was brauche ich? Wie lange dauert es? Wie heiß muss der Ofen sein?"],
    ["parts", "何が必要？どのくらいかかる？温度は？"],
    ["parts", "Compare these:\n- tea\n- coffee\n- water"],
  ] as const)("is hard for its %s: %s", (because, question) => {
    expect(chooseTier(question, undefined)).toEqual({ tier: "strong", because });
  });

  it("is hard where much thinking is wanted, and no easier where none is", () => {
    expect(chooseTier("hi", "high")).toEqual({ tier: "strong", because: "think" });
    expect([chooseTier("hi", "low"), chooseTier("12+7", "off")].map(({ tier }) => tier)).toEqual(["cheap", "strong"]);
  });

  it("of any length is looked at in no time", () => {
    expect(reason("what is it, and why ".repeat(50_000))).toBe("long");
    expect(reason(`x = 1\n${"z".repeat(1_000_000)}`)).toBe("mathematics");
  });
});

const scene = createTurnScene();
const auto = { name: "auto", models: { cheap: "a/one", strong: "b/two" } };
const choose = () => scene.store.setSetting(conversation, "model", "auto");
const notes = async (id = 50) => (await scene.turn(id))?.notes;

describe("a turn that leaves it to auto", () => {
  it("asks the cheap model what is easy, says so below, and keeps why", async () => {
    scene.auto = auto;
    await choose();
    scene.script = [delta("x"), end("a/one")];
    await scene.ask();
    expect([scene.requests[0]?.model, scene.tiers]).toEqual(["auto", ["cheap"]]);
    expect(await notes()).toEqual([{ kind: "auto-chose", model: "a/one", because: "short" }]);
    expect(await scene.turn()).toMatchObject({ auto: { model: "a/one", because: "short" } });
    expect(scene.views[0]?.note).toBe(english.note({ kind: "auto-chose", model: "a/one", because: "short" }));
    expect(scene.views[0]?.note).toContain("a/one");
  });

  it("asks the strong one what is hard, again for another run of it and for the rest of it", async () => {
    scene.auto = auto;
    await choose();
    scene.script = [delta("x"), { type: "answer-end", model: "b/two", finish: "length", usage }];
    await scene.ask({ asked: "What is 12 * 7?" });
    await scene.ask({ asked: "What is 12 * 7?", run: 2 });
    await scene.ask({ id: 51, root: 50, run: 3, continuing: 50, asked: "What is 12 * 7?" });
    expect(scene.tiers).toEqual(["strong", "strong", "strong"]);
    expect(await scene.turn(51)).toMatchObject({ auto: { model: "b/two", because: "mathematics" } });
  });

  it("names only the model that wrote where that is another one, and none where nothing was written", async () => {
    scene.auto = auto;
    await choose();
    scene.script = [delta("x"), end("c/three")];
    await scene.ask();
    expect(await notes()).toEqual([{ kind: "answered-by", model: "c/three" }]);
    scene.script = [delta("half"), scene.abort("stop"), end()];
    await scene.ask({ id: 51, root: 51, run: 2 });
    expect(await notes(51)).toEqual([{ kind: "stopped" }]);
    expect(await scene.turn(51)).toMatchObject({ auto: { model: "a/one" } });
  });

  it("asks the strong one whatever comes while much thinking is wanted", async () => {
    scene.auto = auto;
    await choose();
    await scene.store.setSetting(conversation, "effort", "high");
    scene.script = [delta("x"), end("b/two")];
    await scene.ask();
    expect(await notes()).toEqual([{ kind: "auto-chose", model: "b/two", because: "think" }]);
  });

  it("tells nothing of it where a model was chosen by hand", async () => {
    scene.auto = auto;
    scene.script = [delta("x"), end("a/one")];
    await scene.ask();
    expect([scene.tiers, await notes(), (await scene.turn())?.auto]).toEqual([[undefined], undefined, undefined]);
  });
});

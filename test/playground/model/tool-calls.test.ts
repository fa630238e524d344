import { describe, expect, it } from "vitest";
import { answerTo } from "../../../src/playground/model/answers.ts";
import { createScriptedModel } from "../../../src/playground/model/scripted-model.ts";

const all = [
  "web_search",
  "read_page",
  "calculate",
  "read_file",
  "draw",
  "notebook_write",
  "notebook_read",
  "remember",
];
const toolsOf = (names: readonly string[]) => names.map((name) => ({ type: "function", function: { name } }));
const asked = (content: string) => ({ role: "user", content });

function ask(question: string, names: readonly string[] = all, more: object = {}, results: readonly string[] = []) {
  const said = results.map((content) => ({ role: "tool", content }));
  const earlier = [asked("what is 1 + 1?"), { role: "assistant", content: "2" }];
  const messages = [...earlier, asked(question), ...said];
  return answerTo({ model: "demo", messages, tools: toolsOf(names), ...more }, false);
}

describe("the scripted model with tools", () => {
  it.each([
    ["What is 17% of 2,340?", "calculate", { code: "2340 * 17 / 100" }],
    ["what's 2.5 percent of 80", "calculate", { code: "80 * 2.5 / 100" }],
    ["What is (3 + 4) × 12 ÷ 5?", "calculate", { code: "(3 + 4) * 12 / 5" }],
    ["Calculate 2^10", "calculate", { code: "2**10" }],
    [
      "How many days from 2026-11-28 to 2027-01-01?",
      "calculate",
      { code: '(new Date("2027-01-01") - new Date("2026-11-28")) / 86_400_000' },
    ],
    ["Note that the milk is out", "notebook_write", { text: "the milk is out" }],
    ["Remember that I am vegan", "remember", { fact: "I am vegan" }],
    ["read my notes", "notebook_read", {}],
    ["Look up wombats", "web_search", { query: "wombats" }],
    ["Read https://example.com/a?b=1.", "read_page", { url: "https://example.com/a?b=1" }],
    ["read on", "read_file", {}],
    ["read on from page 12", "read_file", { from: 12 }],
    ["Draw a lighthouse", "draw", { prompt: "a lighthouse" }],
  ])("calls for %j what helps", (question, name, args) => {
    expect(ask(question)).toEqual({ calls: [{ name, arguments: args }] });
  });

  it.each(["draw only", "hello", "What is the point of 2-1?", "What is 17?", "markdown", "fail 429"])(
    "answers %j by itself",
    (question) => {
      const script = ask(question);
      expect(script.calls).toBeUndefined();
      expect(script.text ?? script.status ?? script.pictures).toBeDefined();
    },
  );

  it("says what came back, and calls nothing again", () => {
    const sum = ask("What is 17% of 2,340?", all, {}, ["397.8"]);
    expect(sum).toEqual({ text: "It is **397.8**. I have not guessed it: `2340 * 17 / 100` was calculated." });
    const framed = "[What notebook_read has returned. …]\n--- ab12\n1. milk\n2. bread\n--- ab12";
    const notes = ask("read my notes", all, {}, [framed]);
    expect(notes).toEqual({ text: "I have called `notebook_read`, and this came back:\n\n> 1. milk\n> 2. bread" });
    const refused = ask("Note that the milk is out", all, {}, ["The user does not want this call."]);
    expect(refused.text).toContain("> The user does not want this call.");
  });

  it("says what has to be set before anybody searches, and calls nothing that it is not offered", () => {
    expect(ask("look up wombats", ["calculate"]).text).toContain("TAVILY_API_KEY");
    expect(ask("look up wombats", []).text).toContain("look up wombats");
    expect(ask("Draw a lighthouse", ["calculate"]).pictures).toHaveLength(1);
    expect(ask("What is 1 + 2?", all, { tool_choice: "none" }).calls).toBeUndefined();
  });

  it("streams calls as a provider does", async () => {
    const model = await createScriptedModel();
    const body = { model: "demo", stream: true, messages: [asked("what is 17 * 23?")], tools: toolsOf(all) };
    const response = await fetch(`${model.url}/chat/completions`, { method: "POST", body: JSON.stringify(body) });
    const events = (await response.text()).match(/(?<=^data: )\{.*$/gm)?.map((event) => JSON.parse(event)) ?? [];
    const choices = events.flatMap(({ choices: [choice] }) => choice ?? []);
    const called = { index: 0, type: "function", function: { name: "calculate", arguments: '{"code":"17 * 23"}' } };
    expect(choices.flatMap(({ delta }) => delta.tool_calls ?? [])).toEqual([
      { ...called, id: expect.stringMatching(/^call_/) },
    ]);
    expect(choices.at(-1)?.finish_reason).toBe("tool_calls");
    await model.stop();
  });
});

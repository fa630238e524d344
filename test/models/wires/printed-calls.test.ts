/** Calls that small models print, and texts that only look so. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAnswerReader } from "../../../src/models/wires/answer-reader.ts";
import { wireOf } from "../../../src/models/wires/wires.ts";
import { expectNoGrowth, repeated } from "../../support/growth.ts";

const offered = new Set(["web_search", "clock"]);
const line = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;

function read(text: string, size = 5, tools: ReadonlySet<string> = offered, finish: string | null = "stop") {
  const reader = createAnswerReader({ wire: wireOf("chat"), newCallId: () => "made", offered: tools });
  let shown = "";
  for (let at = 0; at < text.length; at += size) {
    reader.push(line({ content: text.slice(at, at + size) }));
    shown += reader.takeText();
  }
  const early = shown;
  if (finish !== null) reader.push(line({}, finish));
  reader.end(true);
  shown += reader.takeText();
  return { shown, early, calls: reader.calls.map(({ name, arguments: given }) => [name, JSON.parse(given)]), reader };
}

const paris = { query: "Paris" };
const json = '{"query":"Paris"}';
const one = [["web_search", paris]];
const two = [...one, ["clock", {}]];

const printed: readonly (readonly [form: string, text: string, calls: readonly (readonly unknown[])[]])[] = [
  ["an object", `{"name":"web_search","arguments":${json}}`, one],
  ["an object in lines", `{\n  "name": "web_search",\n  "parameters": ${json}\n}\n`, one],
  ["its arguments first", `{"arguments":${json},"name":"web_search"}`, one],
  ["arguments as a string", `{"name":"web_search","arguments":${JSON.stringify(json)}}`, one],
  ["OpenAI's own form", `{"id":"a","type":"function","function":{"name":"web_search","arguments":${json}}}`, one],
  [
    "a list of calls",
    `{"tool_calls":[{"name":"web_search","arguments":${json}},{"name":"clock","arguments":{}}]}`,
    two,
  ],
  ["a list", `[{"name":"web_search","arguments":${json}}, {"name":"clock","arguments":{}}]`, two],
  ["objects in a row", `{"name":"web_search","arguments":${json}}\n{"name":"clock","arguments":{}}`, two],
  ["another name for the name", `{"tool":"web_search","args":${json}}`, one],
  ["the namespace of another", `{"name":"functions.web_search","arguments":${json}}`, one],
  ["a fence", `\`\`\`json\n{"name":"web_search","arguments":${json}}\n\`\`\``, one],
  ["a fence of its own", `\`\`\`tool_call\n{"name":"web_search","arguments":${json}}\n\`\`\`\n`, one],
  ["Qwen's mark", `<tool_call>\n{"name":"web_search","arguments":${json}}\n</tool_call>`, one],
  [
    "two of them",
    `<tool_call>{"name":"web_search","arguments":${json}}</tool_call>\n<tool_call>{"name":"clock"}</tool_call>`,
    two,
  ],
  ["one that is never closed", `<tool_call>\n{"name":"web_search","arguments":${json}}`, one],
  ["Mistral's mark", `[TOOL_CALLS] [{"name":"web_search","arguments":${json}}]`, one],
  ["Mistral's newer one", `[TOOL_CALLS]web_search[ARGS]${json}`, one],
  ["Llama's function", `<function=web_search>${json}</function>`, one],
  ["Llama's mark", `<|python_tag|>{"name":"web_search","parameters":${json}}<|eom_id|>`, one],
  [
    "Qwen's parameters",
    "<tool_call>\n<function=web_search>\n<parameter=query>\nParis\n</parameter>\n</function>\n</tool_call>",
    one,
  ],
  ["a name and an object", `web_search${json}`, one],
  ["a function of an object", `web_search(${json})`, one],
  ["blanks before it", `\n\n  {"name":"web_search","arguments":${json}}`, one],
];

const texts: readonly (readonly [what: string, text: string])[] = [
  ["plain words", "Paris is the capital of France."],
  ["words before", `Let me look: {"name":"web_search","arguments":${json}}`],
  ["words behind", `{"name":"web_search","arguments":${json}}\nis how one calls it.`],
  ["a tool that nobody has offered", `{"name":"rm","arguments":{"path":"/"}}`],
  ["one among others that nobody has offered", `[{"name":"clock","arguments":{}},{"name":"rm","arguments":{}}]`],
  ["an object of something else", '{"name":"Paris","population":2102650}'],
  ["one that happens to be called so", '{"name":"clock","price":5}'],
  ["a name without arguments", '{"name":"clock"}'],
  ["a list of numbers", "[1, 2, 3]"],
  ["a link", "[Paris](https://example.com)"],
  ["code", "```python\nprint('hello')\n```"],
  ["JSON in a fence", '```json\n{"city":"Paris"}\n```'],
  ["a tag", "<b>Paris</b>"],
  ["a word that begins as a tool", "clocks are round"],
  ["its name alone", "clock"],
  ["broken JSON", `{"name":"web_search","arguments":{"query":"Par`],
  ["arguments that are none", `{"name":"web_search","arguments":[1]}`],
  ["marks alone", "<tool_call></tool_call>"],
];

describe("a text that is nothing but calls of offered tools", () => {
  test.each(printed)("%s is calls, of which nothing was shown", (_, text, calls) => {
    for (const size of [1, 5, 1_000]) {
      const { shown, calls: read_, reader } = read(text, size);
      expect([shown, read_]).toEqual(["", calls]);
      // Its own form would be a text.
      expect(reader.native).toBeUndefined();
    }
  });

  test.each(printed)("%s is text where no tool is offered, at once", (_, text) => {
    const { shown, early, calls } = read(text, 5, new Set());
    expect([shown.trim(), calls]).toEqual([text.trim(), []]);
    expect(early.length).toBeGreaterThan(0);
  });

  test("is no call when the answer was cut at its limit", () => {
    expect(read(`{"name":"web_search","arguments":${json}}`, 5, offered, "length").calls).toEqual([]);
  });

  test("may stand behind thoughts", () => {
    expect(read(`<think>Where is Paris?</think>\n{"name":"web_search","arguments":${json}}`).calls).toEqual(one);
  });
});

describe("any other text", () => {
  test.each(texts)("%s is shown as it is", (_, text) => {
    for (const size of [1, 5, 1_000]) expect(read(text, size)).toMatchObject({ shown: text, calls: [] });
  });

  test("is shown as soon as it cannot be a call any more", () => {
    for (const text of [
      "Paris is",
      '{"city":',
      "[Paris",
      "[1,",
      "```python\nprint",
      "<b>Par",
      '{"name":"Paris"',
      "clocks a",
    ]) {
      const { early } = read(`${text}${" and more".repeat(3)}`, 1);
      expect(early.length).toBeGreaterThan(text.length);
    }
  });

  test("is shown at last, however long what began like a call goes on", () => {
    const text = `{"name":"web_search","arguments":{"query":"${"x".repeat(70_000)}`;
    const { early, shown } = read(text, 1_000);
    expect([early.length > 65_000, shown]).toEqual([true, text]);
  });

  test("loses nothing, whatever it is made of", () => {
    const pieces = [...printed.map(([, text]) => text), ...texts.map(([, text]) => text), "{", "[", "<", '"name"', " "];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...pieces), { maxLength: 4 }),
        fc.integer({ min: 1, max: 9 }),
        (some, size) => {
          const text = some.join("");
          const { shown, calls } = read(text, size);
          if (calls.length === 0) expect(shown.trim()).toBe(text.trim());
          else expect(shown).toBe("");
        },
      ),
      { numRuns: 300 },
    );
  });
});

test("costs no more than its text", () => {
  for (const unit of [
    "{",
    "[",
    "<tool_call>",
    '{"name":"clock","arguments":{}}',
    "<function=clock>",
    "clock(",
    "```json\n",
  ]) {
    expectNoGrowth(repeated(unit), (text) => read(text, 4_000));
  }
});

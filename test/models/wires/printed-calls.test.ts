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
  ["a list as Python writes it", `[web_search(query="Paris"), clock()]`, two],
  ["Llama's marks around one", `<|python_start|>[web_search(query='Paris')]<|python_end|>`, one],
  ["Python in Gemma's fence", '```tool_code\nweb_search(query="Paris")\n```', one],
  ["Python alone", `web_search(query="Paris")`, one],
  [
    "all that Python has for values",
    `[web_search(query='a "b" \\u00e9\\n', days=[1, -2.5e1, .5], deep={"x": (True, False, None,), 'y': {}},)]`,
    [["web_search", { query: 'a "b" é\n', days: [1, -25, 0.5], deep: { x: [true, false, null], y: {} } }]],
  ],
  [
    "DeepSeek's marks",
    `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>web_search\n\`\`\`json\n${json}\n\`\`\`<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>`,
    one,
  ],
  [
    "DeepSeek's newer ones",
    `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>web_search<｜tool▁sep｜>${json}<｜tool▁call▁end｜><｜tool▁call▁begin｜>clock<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
    two,
  ],
  [
    "DeepSeek's newest ones",
    `<｜DSML｜function_calls>\n<｜DSML｜invoke name="web_search">\n<｜DSML｜parameter name="query" string="true">12</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">12</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>`,
    [["web_search", { query: "12", days: 12 }]],
  ],
  [
    "Kimi's marks",
    `<|tool_calls_section_begin|><|tool_call_begin|>functions.web_search:0<|tool_call_argument_begin|>${json}<|tool_call_end|><|tool_call_begin|>functions.clock:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>`,
    two,
  ],
  [
    "GLM's pairs",
    "<tool_call>web_search\n<arg_key>query</arg_key>\n<arg_value>Paris</arg_value>\n</tool_call>\n<tool_call>clock\n</tool_call>",
    two,
  ],
  [
    "MiniMax's invocation",
    '<minimax:tool_call>\n<invoke name="web_search">\n<parameter name="query">Paris</parameter>\n</invoke>\n</minimax:tool_call>',
    one,
  ],
  ["LFM's list", `<|tool_call_start|>[web_search(query="Paris")]<|tool_call_end|>`, one],
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
  ["Python that computes", "[web_search(query=name)]"],
  ["arguments without names", `web_search("Paris")`],
  ["an argument that is never closed", `web_search(query="Paris`],
  ["a function without arguments", "clock()"],
  ["a sentence about one", "clock() returns the time"],
  ["a list that goes on in words", `[web_search(query="Paris")] is how one calls it.`],
  ["Python for a tool that nobody has offered", `[rm(path="/")]`],
  ["code that calls it", '```python\nprint(web_search(query="Paris"))\n```'],
  ["a name with a colon", "clock: it tells the time"],
  ["a footnote", "[clock] tells the time"],
  ["an invocation of nobody's tool", '<invoke name="rm">\n<parameter name="path">/</parameter>\n</invoke>'],
  ["a parameter that is never closed", '<invoke name="clock">\n<parameter name="zone">UTC'],
  ["DeepSeek's marks alone", "<｜tool▁calls▁begin｜><｜tool▁calls▁end｜>"],
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
      "clock: i",
      "clock(and",
      "[clock]",
      "function c",
      '<invoke name="rm',
    ]) {
      const { early } = read(`${text}${" and more".repeat(3)}`, 1);
      expect([text, early.length > text.length]).toEqual([text, true]);
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
    "[clock(",
    "clock(a=",
    "clock(a=[",
    'clock(a="b",',
    "<tool_call>clock",
    '<invoke name="clock"><parameter name="a">',
    "<tool_call>clock<arg_key>a</arg_key><arg_value>",
    "<｜tool▁call▁begin｜>clock<｜tool▁sep｜>{",
  ]) {
    expectNoGrowth(repeated(unit), (text) => read(text, 4_000));
  }
});

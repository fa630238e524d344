/** Calls of tools as providers stream them: each in its own way. */
import { describe, expect, test } from "vitest";
import type { WireName } from "../../../src/config/providers.ts";
import { createAnswerReader } from "../../../src/models/wires/answer-reader.ts";
import { wireOf } from "../../../src/models/wires/wires.ts";

const line = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
/** An event of the chat wire with these pieces of calls. */
const calls = (...tool_calls: object[]): string => line({ choices: [{ index: 0, delta: { tool_calls } }] });
const ended = (finish_reason = "tool_calls"): string => line({ choices: [{ index: 0, delta: {}, finish_reason }] });
/** One piece; what is undefined is not there. */
const piece = (index: unknown, id: unknown, name: unknown, args: unknown, more: object = {}): object => ({
  ...(index === undefined ? {} : { index }),
  ...(id === undefined ? {} : { id }),
  type: "function",
  function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) },
  ...more,
});

function read(wire: WireName, stream: string, whole = true) {
  let made = 0;
  const reader = createAnswerReader({ wire: wireOf(wire), newCallId: () => `made${++made}` });
  // In pieces that are cut anywhere.
  for (let at = 0; at < stream.length; at += 7) reader.push(stream.slice(at, at + 7));
  reader.end(whole);
  return reader;
}

const paris = '{"city":"Paris"}';
const rome = '{"city":"Rome"}';
const signature = { google: { thought_signature: "c2ln" } };
const none = undefined;

type Quirk = readonly [
  what: string,
  wire: WireName,
  stream: string,
  calls: readonly (readonly [id: string, name: string, args: string])[],
];

const responsesCall = (at: number, call_id: string, name: string, args: string): string => {
  const item = { type: "function_call", id: `fc_${call_id}`, call_id, name, arguments: "" };
  return [
    { type: "response.output_item.added", output_index: at, item },
    { type: "response.function_call_arguments.delta", output_index: at, item_id: item.id, delta: args.slice(0, 4) },
    { type: "response.function_call_arguments.delta", output_index: at, item_id: item.id, delta: args.slice(4) },
    { type: "response.output_item.done", output_index: at, item: { ...item, arguments: args } },
  ]
    .map(line)
    .join("");
};
const claudeCall = (index: number, id: string, name: string, ...json: string[]): string =>
  [
    { type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } },
    ...json.map((partial_json) => ({
      type: "content_block_delta",
      index,
      delta: { type: "input_json_delta", partial_json },
    })),
    { type: "content_block_stop", index },
  ]
    .map(line)
    .join("");
const claudeEnd = line({ type: "message_delta", delta: { stop_reason: "tool_use" } }) + line({ type: "message_stop" });
const completed = line({ type: "response.completed", response: { status: "completed" } });

const quirks: readonly Quirk[] = [
  [
    "OpenAI: id and name once, arguments in fragments",
    "chat",
    calls(piece(0, "a", "weather", "")) +
      calls(piece(0, none, none, '{"city":')) +
      calls(piece(0, none, none, '"Paris"}')) +
      ended(),
    [["a", "weather", paris]],
  ],
  [
    "OpenAI: parallel calls, whose fragments come by turns",
    "chat",
    calls(piece(0, "a", "weather", '{"city":')) +
      calls(piece(1, "b", "weather", '{"city":')) +
      calls(piece(0, none, none, '"Paris"}'), piece(1, none, none, '"Rome"}')) +
      ended(),
    [
      ["a", "weather", paris],
      ["b", "weather", rome],
    ],
  ],
  [
    "Responses: items with call ids of their own",
    "responses",
    responsesCall(0, "a", "weather", paris) + responsesCall(1, "b", "weather", rome) + completed,
    [
      ["a", "weather", paris],
      ["b", "weather", rome],
    ],
  ],
  [
    "Claude: parts of JSON, the first of them empty",
    "messages",
    claudeCall(1, "toolu_a", "weather", "", '{"city":', '"Paris"}') +
      claudeCall(2, "toolu_b", "weather", rome) +
      claudeEnd,
    [
      ["toolu_a", "weather", paris],
      ["toolu_b", "weather", rome],
    ],
  ],
  [
    "Claude: no part at all is no argument",
    "messages",
    claudeCall(0, "toolu_a", "now") + claudeEnd,
    [["toolu_a", "now", "{}"]],
  ],
  [
    "Gemini: no index, parallel calls in one event",
    "chat",
    calls(piece(none, "a", "weather", paris), piece(none, "b", "weather", rome)) + ended("stop"),
    [
      ["a", "weather", paris],
      ["b", "weather", rome],
    ],
  ],
  [
    "Gemini: no index, and an event for each call, without ids",
    "chat",
    calls(piece(none, "", "weather", paris)) + calls(piece(none, "", "weather", rome)) + ended("stop"),
    [
      ["made1", "weather", paris],
      ["made2", "weather", rome],
    ],
  ],
  [
    "Gemini: a signature with the first call",
    "chat",
    calls(piece(none, "a", "weather", paris, { extra_content: signature }), piece(none, "b", "weather", rome)) +
      ended(),
    [
      ["a", "weather", paris],
      ["b", "weather", rome],
    ],
  ],
  [
    "DeepSeek: thoughts before the call",
    "chat",
    line({ choices: [{ delta: { reasoning_content: "Hmm." } }] }) + calls(piece(0, "a", "weather", paris)) + ended(),
    [["a", "weather", paris]],
  ],
  [
    "Mistral and Groq: the whole call in one event, with its end",
    "chat",
    line({
      choices: [
        { index: 0, delta: { tool_calls: [piece(0, "aB3dE5gH7", "weather", paris)] }, finish_reason: "tool_calls" },
      ],
    }),
    [["aB3dE5gH7", "weather", paris]],
  ],
  [
    "OpenRouter: encrypted details of reasoning beside the call",
    "chat",
    line({
      choices: [{ delta: { reasoning_details: [{ type: "reasoning.encrypted", data: "eA" }], content: null } }],
    }) +
      calls(piece(0, "a", "weather", paris)) +
      ended(),
    [["a", "weather", paris]],
  ],
  [
    "relays: the index is always 0",
    "chat",
    calls(piece(0, "a", "weather", paris)) + calls(piece(0, "b", "weather", rome)) + ended(),
    [
      ["a", "weather", paris],
      ["b", "weather", rome],
    ],
  ],
  [
    "relays: the index is missing where the call goes on",
    "chat",
    calls(piece(0, "a", "weather", '{"city":')) + calls(piece(none, none, none, '"Paris"}')) + ended(),
    [["a", "weather", paris]],
  ],
  [
    "relays: the id is null, or empty, or another one, where the call goes on",
    "chat",
    calls(piece(0, "a", "weather", '{"ci')) +
      calls(piece(0, null, null, 'ty":')) +
      calls(piece(0, "", "", '"Par')) +
      calls(piece(0, "of-this-event", none, 'is"}')) +
      ended(),
    [["a", "weather", paris]],
  ],
  [
    "relays: the name again in each event",
    "chat",
    calls(piece(none, none, "weather", '{"city":')) +
      calls(piece(none, none, "weather", '"Paris"')) +
      calls(piece(none, none, "weather", "}")) +
      calls(piece(none, none, "weather", "")) +
      ended(),
    [["made1", "weather", paris]],
  ],
  [
    "local servers: arguments as an object",
    "chat",
    calls(piece(0, "a", "weather", { city: "Paris" })) + ended(),
    [["a", "weather", paris]],
  ],
  [
    "relays: JSON in JSON",
    "chat",
    calls(piece(0, "a", "weather", JSON.stringify(paris))) +
      calls(piece(1, "b", "now", JSON.stringify(JSON.stringify({})))) +
      ended(),
    [
      ["a", "weather", paris],
      ["b", "now", "{}"],
    ],
  ],
  [
    "relays: no arguments, or null",
    "chat",
    calls(piece(0, "a", "now", none), piece(1, "b", "now", null), piece(2, "c", "now", "null")) + ended(),
    [
      ["a", "now", "{}"],
      ["b", "now", "{}"],
      ["c", "now", "{}"],
    ],
  ],
  [
    "relays: the finish reason is stop",
    "chat",
    calls(piece(0, "a", "weather", paris)) + ended("stop"),
    [["a", "weather", paris]],
  ],
  [
    "older servers: a function_call alone",
    "chat",
    line({ choices: [{ delta: { function_call: { name: "weather", arguments: '{"city":' } } }] }) +
      line({ choices: [{ delta: { function_call: { arguments: '"Paris"}' } } }] }) +
      ended("function_call"),
    [["made1", "weather", paris]],
  ],
  [
    "relays: the whole message once more at the end",
    "chat",
    calls(piece(0, "a", "weather", paris)) +
      line({
        choices: [{ message: { content: "", tool_calls: [piece(0, "a", "weather", paris)] }, finish_reason: "stop" }],
      }),
    [["a", "weather", paris]],
  ],
  [
    "an answer in one piece",
    "chat",
    JSON.stringify({
      choices: [
        { message: { content: null, tool_calls: [piece(none, "a", "weather", paris)] }, finish_reason: "tool_calls" },
      ],
    }),
    [["a", "weather", paris]],
  ],
  [
    "Ollama's own stream",
    "chat",
    `${JSON.stringify({ message: { role: "assistant", content: "", tool_calls: [{ function: { name: "weather", arguments: { city: "Paris" } } }] }, done: false })}\n${JSON.stringify({ message: { content: "" }, done: true, done_reason: "stop" })}\n`,
    [["made1", "weather", paris]],
  ],
  [
    "relays of Responses: only the end of an item",
    "responses",
    line({
      type: "response.output_item.done",
      item: { type: "function_call", call_id: "a", name: "weather", arguments: paris },
    }) + completed,
    [["a", "weather", paris]],
  ],
  [
    "relays of Responses: only the end of it all",
    "responses",
    line({
      type: "response.completed",
      response: {
        status: "completed",
        output: [{ type: "function_call", call_id: "a", name: "weather", arguments: paris }],
      },
    }),
    [["a", "weather", paris]],
  ],
  [
    "relays of Responses: no end of the item",
    "responses",
    `${responsesCall(0, "a", "weather", paris).split("\n\n").slice(0, 3).join("\n\n")}\n\n${completed}`,
    [["a", "weather", paris]],
  ],
  ["a call without a name is none", "chat", calls(piece(0, "a", "", paris)) + ended(), []],
  [
    "what is no JSON comes as it is",
    "chat",
    calls(piece(0, "a", "weather", "city: Paris")) + ended(),
    [["a", "weather", "city: Paris"]],
  ],
];

describe("calls of tools are put together", () => {
  test.each(quirks)("%s", (_, wire, stream, expected) => {
    expect(read(wire, stream).calls.map(({ id, name, arguments: args }) => [id, name, args])).toEqual(expected);
  });

  test("with what has to go back with them", () => {
    const stream = calls(piece(none, "a", "weather", paris, { extra_content: signature })) + ended();
    expect(read("chat", stream).calls[0]?.native).toEqual(signature);
  });

  test.each(quirks.filter(([, , , expected]) => expected.length > 0))(
    "and of a stream that was cut, none: %s",
    (_, wire, stream) => {
      const last = stream.lastIndexOf(
        { chat: "finish_reason", responses: "response.completed", messages: "stop_reason" }[wire],
      );
      const cut = stream.slice(0, last < 0 ? -30 : last);
      expect(read(wire, cut, false).calls).toEqual([]);
    },
  );

  test("of nine letters and digits is the id that is made for those without one", () => {
    const reader = createAnswerReader({ wire: wireOf("chat") });
    reader.push(calls(piece(0, "", "now", "{}"), piece(1, "", "now", "{}")) + ended());
    reader.end(true);
    const ids = reader.calls.map(({ id }) => id);
    expect(ids).toEqual([expect.stringMatching(/^[A-Za-z0-9]{9}$/), expect.stringMatching(/^[A-Za-z0-9]{9}$/)]);
    expect(new Set(ids).size).toBe(2);
    expect(reader.calls.map(({ id }) => id)).toEqual(ids);
  });
});

/** What the readers of wires keep unseen, to hand it back to the model: as much as is honest, whatever comes. */
import { describe, expect, test } from "vitest";
import type { WireName } from "../../../src/config/providers.ts";
import { createAnswerReader } from "../../../src/models/wires/answer-reader.ts";
import { wireOf } from "../../../src/models/wires/wires.ts";

const mebibyte = 1024 * 1024;
const long = "x".repeat(10_000);
const call = { type: "function_call", name: "weather" };
const done = (output_index: number, item: object) => ({ type: "response.output_item.done", output_index, item });
const begun = (index: number, content_block: object) => ({ type: "content_block_start", index, content_block });

/** The events of one wire, one after another without end; each is a sign of life. */
const floods: readonly (readonly [wire: WireName, what: string, event: (at: number) => readonly object[]])[] = [
  ["responses", "calls that begin", (at) => [{ type: "response.output_item.added", output_index: at, item: call }]],
  ["responses", "calls that end, with objects", (at) => [done(at, { ...call, arguments: { city: long } })]],
  [
    "responses",
    "the arguments of a call",
    (at) => [
      ...(at === 0 ? [{ type: "response.output_item.added", output_index: 0, item: call }] : []),
      { type: "response.function_call_arguments.delta", output_index: 0, delta: long },
    ],
  ],
  [
    "responses",
    "sealed thoughts among some that can be read",
    (at) => [
      done(at, { type: "reasoning", encrypted_content: long }),
      { type: "response.reasoning_text.delta", delta: "h" },
    ],
  ],
  [
    "responses",
    "messages of nothing among thoughts",
    (at) => [done(at, { type: "message", content: [] }), { type: "response.reasoning_text.delta", delta: "h" }],
  ],
  ["messages", "calls that begin", (at) => [begun(at, { type: "tool_use", id: `a${at}`, name: "weather" })]],
  ["messages", "sealed thoughts", (at) => [begun(at, { type: "redacted_thinking", data: long })]],
  [
    "messages",
    "blocks of nothing among thoughts",
    (at) => [
      begun(at, { type: "text", text: "" }),
      { type: "content_block_delta", index: at, delta: { thinking: "h" } },
    ],
  ],
  [
    "messages",
    "a signature",
    (at) => [
      ...(at === 0 ? [begun(0, { type: "thinking", thinking: "" })] : []),
      { type: "content_block_delta", index: 0, delta: { signature: long } },
    ],
  ],
];

describe("what comes without end, and would be kept unseen, is given up", () => {
  test.each(floods)("on the %s wire: %s", (wire, _, eventsAt) => {
    const reader = createAnswerReader({ wire: wireOf(wire) });
    let pushed = 0;
    for (let at = 0; reader.failure === undefined && pushed < 40 * mebibyte; at++) {
      const text = eventsAt(at)
        .map((event) => `data: ${JSON.stringify(event)}\n\n`)
        .join("");
      pushed += text.length;
      reader.push(text);
      reader.takeLife();
    }
    expect(reader.failure).toMatchObject({ is: "endless" });
    expect(pushed).toBeLessThan(32 * mebibyte);
  });

  test("but two megabytes of sealed thoughts before a call are none too many", () => {
    const reader = createAnswerReader({ wire: wireOf("responses") });
    const sealed = { type: "reasoning", encrypted_content: "y".repeat(2 * mebibyte) };
    for (const event of [
      done(0, sealed),
      done(1, { ...call, call_id: "a", arguments: "{}" }),
      { type: "response.completed", response: { status: "completed" } },
    ]) {
      reader.push(`data: ${JSON.stringify(event)}\n\n`);
    }
    expect(reader.failure).toBeUndefined();
    expect(reader.calls).toMatchObject([{ id: "a" }]);
    expect(reader.native).toHaveLength(2);
  });
});

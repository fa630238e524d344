/** What holds for the reader of every wire, whatever comes and however the network cuts it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnswerReader, createAnswerReader } from "../../../src/models/wires/answer-reader.ts";
import { wireOf } from "../../../src/models/wires/wires.ts";
import { speeches } from "../../support/wire-streams.ts";
import { eachWire } from "../../support/wires.ts";

const counted = { input: 40, cached: 1_024, cacheWrite: 100, output: 30, reasoning: 20 };

function outcomeOf(reader: AnswerReader, pieces: readonly string[]): unknown {
  let text = "";
  let summary = "";
  for (const piece of pieces) {
    reader.push(piece);
    text += reader.takeText();
    summary += reader.takeSummary();
  }
  reader.end(true);
  text += reader.takeText();
  const { finish, usage, calls, native, failure } = reader;
  return { text, summary, finish, usage, calls, native, failed: failure !== undefined };
}

/** Words that events are made of: a random one hits something now and then. */
const words = [
  ...[
    "type",
    "delta",
    "index",
    "content_block",
    "text",
    "thinking",
    "signature",
    "partial_json",
    "usage",
    "stop_reason",
  ],
  ...[
    "response",
    "item",
    "output",
    "output_index",
    "item_id",
    "call_id",
    "id",
    "name",
    "arguments",
    "content",
    "status",
  ],
  ...[
    "input",
    "summary",
    "error",
    "message",
    "choices",
    "tool_calls",
    "function",
    "finish_reason",
    "incomplete_details",
  ],
];
const types = [
  ...["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message"],
  ...["message_stop", "ping", "error", "tool_use", "thinking", "text", "response.output_text.delta", "function_call"],
  ...["response.output_item.added", "response.output_item.done", "response.function_call_arguments.delta", "reasoning"],
  ...["response.completed", "response.incomplete", "response.failed", "response.reasoning_summary_text.delta"],
];
const event = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<unknown>("", "a", '{"a":', 0, 1, -1, null, true, 1e99, ...types),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(fc.constantFrom(...words), tie("value"), { maxKeys: 5 }),
})).object;

describe.each(eachWire)("the reader of the $wire wire", ({ wire }) => {
  const { opening, closing, text, thought, call, ending } = speeches[wire];
  const stream =
    opening +
    thought("Hmm. ") +
    text("Grüezi ") +
    text("🌍!") +
    call("a", "weather", '{"city":"Zürich"}') +
    ending("stop", counted) +
    closing;
  const create = () => createAnswerReader({ wire: wireOf(wire), newCallId: () => "made" });

  test("reads the same, wherever the network cuts it", () => {
    const whole = outcomeOf(create(), [stream]);
    expect(whole).toMatchObject({
      text: "Grüezi 🌍!",
      finish: "stop",
      usage: { inputTokens: 1_164 },
      calls: [{ id: "a" }],
    });
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const pieces = places.slice(1).map((to, at) => stream.slice(places[at], to));
        expect(outcomeOf(create(), pieces)).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  test("hands on no call of a stream that ends before it says so", () => {
    const end = stream.lastIndexOf(ending("stop", counted));
    for (let at = 0; at <= end; at += 5) {
      const reader = create();
      reader.push(stream.slice(0, at));
      reader.end(false);
      expect(reader.calls).toEqual([]);
    }
  });

  test("survives whatever comes", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const body = events.map((one) => `data: ${JSON.stringify(one)}\n\n`);
        const { text: shown } = outcomeOf(create(), body) as { text: unknown };
        expect(typeof shown).toBe("string");
      }),
      { numRuns: 200 },
    );
  });
});

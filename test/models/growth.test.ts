/** No stream and no error of a provider costs more than its length. */
import { describe, expect, test } from "vitest";
import type { WireName } from "../../src/config/providers.ts";
import { saidByText } from "../../src/models/error-words.ts";
import { modelError, readingFailure, refusalFailure } from "../../src/models/failures.ts";
import { createAnswerReader } from "../../src/models/wires/answer-reader.ts";
import { chatCompletions } from "../../src/models/wires/chat-completions.ts";
import { mended, untaught } from "../../src/models/wires/requests.ts";
import { wireOf } from "../../src/models/wires/wires.ts";
import { expectNoGrowth } from "../support/growth.ts";
import { asMessages } from "../support/messages.ts";

const chunk = (content: string, more: object = {}) => JSON.stringify({ choices: [{ delta: { content }, ...more }] });
const event = (content: string) => `data: ${chunk(content)}\n\n`;
const times = (n: number, make: (at: number) => string) => Array.from({ length: n }, (_, at) => make(at));
const letters = (text: string) => text.split("");

/** Bodies as they come off the network, by their size in characters or events. */
const streams: Readonly<Record<string, (n: number) => string[]>> = {
  "events of one character each": (n) => times(n, () => event("x")),
  "events of one blank each": (n) => times(n, () => event(" ")),
  "events of one zero-width character each": (n) => times(n, () => event("\u200b")),
  "events of one line end each": (n) => times(n, () => event("\n")),
  "events of one back-tick each": (n) => times(n, () => event("`")),
  "events of one < each": (n) => times(n, () => event("<")),
  "events without blank lines": (n) => times(n, () => `data: ${chunk("x")}\n`),
  "one event of lines that are never whole": (n) => ["data: {\n", ...times(n, () => 'data: "a": [\n')],
  "one event of many lines, whole at last": (n) => ["data: [\n", ...times(n, () => "data: 1,\n"), "data: 1]\n\n"],
  "lines of data without anything": (n) => times(n, () => "data:\n"),
  "lines of text in quotes": (n) => times(n, () => 'data: "\n'),
  "one line in one piece": (n) => [event("x".repeat(10 * n))],
  "one line in tiny pieces": (n) => letters(event("x".repeat(5 * n))),
  "one line of escapes in pieces": (n) =>
    times(n, (at) => (at === 0 ? 'data: {"choices":[{"delta":{"content":"' : '\\"')),
  "a line without an end": (n) => times(n, () => "data: xxxxxxxxxxxxxxxxxxxx"),
  "a page without an end": (n) => ["<html>", ...times(n, () => "<div> xx ")],
  "opening brackets": (n) => ["data: ", ...times(n, () => "[[[[")],
  "bare opening brackets in lines": (n) => times(n, () => "[\n"),
  "bare JSON in lines": (n) => times(n, () => `${chunk("x")}\n`),
  "bare JSON that is never whole": (n) => ["{\n", ...times(n, () => '"a": "b",\n')],
  "CR alone": (n) => times(n, () => "\r"),
  "CR, LF and both": (n) => times(n, (at) => `${event("x").trim()}${["\r\r", "\n\n", "\r\n\r\n", "\n\r\n"][at % 4]}`),
  "CR and LF in pieces of their own": (n) => times(n, (at) => (at % 2 === 0 ? "\r" : "\n")),
  comments: (n) => times(n, () => ": still there\n\n"),
  "thoughts without an end": (n) => [event("<think>"), ...times(n, () => event("hm "))],
  "thoughts of < without an end": (n) => [event("<think>"), ...times(n, () => event("</"))],
  "thoughts in a field": (n) => times(n, () => `data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n`),
  "thinking tags split over events": (n) => times(n, (at) => event("<think></think>"[at % 15] ?? "")),
  "thinking tags in one event": (n) => [event("<think></think> ".repeat(n))],
  "openings in mid-text": (n) => [event("a"), ...times(n, () => event("<think>"))],
  "closings in code": (n) => [event("`"), ...times(n, () => event("</think>"))],
  "closings in one event": (n) => [event("</think>".repeat(n))],
  "thoughts that end again and again": (n) => times(n, () => event("a\n</think>\n")),
  "channels without an end": (n) => [event("<|channel|>analysis<|message|>"), ...times(n, () => event("<|"))],
  "channel marks in one event": (n) => [event("<|start|>".repeat(n))],
  "messages where deltas were due": (n) => times(n, () => `data: {"choices":[{"message":{"content":"x"}}]}\n\n`),
  "content in parts": (n) => [
    `data: {"choices":[{"delta":{"content":[${times(n, () => '{"text":"x"}').join()}]}}]}\n\n`,
  ],
  "content nested deep": (n) => [`data: {"choices":[{"delta":{"content":${"[".repeat(n)}${"]".repeat(n)}}}]}\n\n`],
  "a picture in pieces": (n) => [
    'data: {"choices":[{"delta":{"images":["data:image/png;base64,',
    ...times(n, () => "AAAA"),
  ],
  "beginnings of pictures": (n) => times(n, () => '"data:image/png;base64,'),
  "Markdown of pictures": (n) => [event("![".repeat(n)), event("![a](data:image/png;base64,)".repeat(n / 10))],
  "numbers that are none": (n) => [`data: {"a":[${times(n, () => "NaN").join(", ")}]}\n\n`],
  "errors without an end": (n) => ['data: {"error":{"message":"', ...times(n, () => "Bearer x ")],
};

const data = (type: string, more: object) => `data: ${JSON.stringify({ type, ...more })}\n\n`;
const item = { type: "message", content: [{ type: "output_text", text: "x" }] };
const tool = { tool_calls: [{ function: { name: "n", arguments: "[" } }] };

/** The same for what other wires, and calls of tools, consist of. */
const ofWires: Readonly<Record<string, readonly [WireName, (n: number) => string[]]>> = {
  "pieces of a call, each with its name": [
    "chat",
    (n) => times(n, () => `data: {"choices":[{"delta":${JSON.stringify(tool)}}]}\n\n`),
  ],
  "calls without end": [
    "chat",
    (n) =>
      times(n, (at) => `data: {"choices":[{"delta":{"tool_calls":[{"id":"${at}","function":{"name":"n"}}]}}]}\n\n`),
  ],
  "items that end at places of their own": [
    "responses",
    (n) => times(n, (at) => data("response.output_item.done", { output_index: at, item })),
  ],
  "blocks that only begin": [
    "messages",
    (n) =>
      times(n, (index) =>
        data("content_block_start", { index, content_block: { type: "tool_use", id: `${index}`, name: "n" } }),
      ),
  ],
  "counts of new names": [
    "messages",
    (n) => times(n, (at) => data("message_delta", { usage: { [`tokens_${at}`]: 1 } })),
  ],
};

describe("reading a stream takes time by its length", () => {
  test.each(Object.entries(ofWires))("%s", (_, [wire, make]) => {
    expectNoGrowth(make, (pieces) => {
      const reader = createAnswerReader({ wire: wireOf(wire) });
      for (const piece of pieces) {
        reader.push(piece);
        reader.takeText();
        reader.takeSummary();
      }
      reader.end(true);
      if (reader.calls.length > 128 || (reader.native ?? []).length > pieces.length) throw new Error("too much");
    });
  });

  test.each(Object.entries(streams))("%s", (_, make) => {
    expectNoGrowth(make, (pieces) => {
      const reader = createAnswerReader({ wire: chatCompletions });
      for (const piece of pieces) {
        reader.push(piece);
        reader.takeText();
        reader.takeLife();
      }
      reader.end(true);
      reader.takeText();
      if (reader.failure !== undefined) readingFailure(reader.failure, "text/event-stream", "m");
    });
  });

  test("in one piece, too", () => {
    for (const make of [streams["events without blank lines"], streams["CR alone"], streams["comments"]]) {
      expectNoGrowth(
        (n) => (make?.(n) ?? []).join(""),
        (body) => {
          const reader = createAnswerReader({ wire: chatCompletions });
          reader.push(body);
          reader.end(true);
        },
      );
    }
  });
});

const hostile = ["a", " ", "://", "a://x@", "sk-", "Bearer ", "model ", "api key ", "system not ", "<title>", "\\"];

/** Bodies of errors, by their size in characters. */
const bodies: Readonly<Record<string, (text: string) => string>> = {
  text: (text) => text,
  JSON: (text) => JSON.stringify({ error: { message: text, type: text.slice(0, 10_000) } }),
  "JSON that is cut": (text) => JSON.stringify({ error: { message: text } }).slice(0, -10),
  details: (text) => JSON.stringify({ detail: [{ loc: [text], msg: "x", input: "y" }] }),
  "many details": (text) =>
    JSON.stringify({ detail: Array.from(text.slice(0, 20_000), (msg) => ({ loc: [msg], msg })) }),
  "a page": (text) => `<html><head>${text}<title>${text}</title>`,
};

describe("classifying an error takes time by its length", () => {
  const question = "a question that is long enough ".repeat(100);
  test.each(Object.entries(bodies))("%s of a megabyte and more", (_, make) => {
    for (const piece of hostile) {
      expectNoGrowth(
        (n) => make(piece.repeat((5 * n) / piece.length)),
        (body) => {
          const failure = refusalFailure({ status: 400, headers: {}, body, model: "m" });
          expect(modelError("a/m", failure, ["sk-key-0123456789", question]).message.length).toBeLessThanOrEqual(200);
          const request = {
            messages: asMessages([{ role: "system", content: "x" }]),
            fields: { max_tokens: 1, temperature: 1 },
          };
          mended(untaught, request, {
            status: 400,
            text: failure.complaint ?? "",
          });
        },
      );
    }
  });

  test("an error event of a megabyte and more", () => {
    for (const piece of hostile) {
      expectNoGrowth(
        (n) => JSON.parse(JSON.stringify({ error: { message: piece.repeat((5 * n) / piece.length) } })) as object,
        (event) => modelError("a/m", readingFailure({ is: "event", event, bare: false }, undefined, "m"), [question]),
      );
    }
  });

  test("and its words are found, however long it is", () => {
    expect(saidByText(JSON.stringify({ error: { message: `prompt is too long ${"x".repeat(1e6)}` } })).text).toMatch(
      /^prompt is too long/,
    );
  });
});

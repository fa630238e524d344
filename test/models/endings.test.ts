/** When an answer is over, and whether it is whole. */
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Models } from "../../src/ports/models.ts";
import { answered } from "../contracts/models.contract.ts";
import { createLlmServer, event, type LlmServer, relayTo } from "../support/llm-server.ts";
import { asMessages } from "../support/messages.ts";

/** How long the usage is waited for in these tests, in milliseconds. */
const usageMs = 50;

let server: LlmServer;
let models: Models & { stop(): Promise<void> };

beforeEach(async () => {
  server = await createLlmServer((_, response) => void response.end());
  ({ models } = relayTo(`${server.origin}/v1`, { usageMs, failedMs: 0 }));
});
afterEach(async () => {
  await models.stop();
  await server.stop();
});

type Step = string | number;
const done = "data: [DONE]\n\n";

/** Sends pieces, with pauses of so many milliseconds; `end` ends the body, else it stays open. */
function sends(steps: readonly Step[], end: boolean): void {
  server.answer = async (_, response: ServerResponse) => {
    for (const step of steps) {
      if (typeof step === "number") await sleep(step);
      else response.write(step);
    }
    if (end) response.end();
  };
}

const ended = async () => {
  const { text, events, error } = await answered(models, "relay/m");
  const last = events.at(-1);
  return [text, last?.type === "answer-end" ? last.finish : error?.kind];
};

const word = (content: string, reason: string | null = null) => event({ content }, reason);

describe("text after a finish reason counts", () => {
  test.each<[what: string, steps: Step[]]>([
    [
      "one in every chunk, however slowly they come",
      [word("a", "stop"), 5 * usageMs, word("b", "stop"), 30 * usageMs, word("c", "stop"), done],
    ],
    [
      "one at the end of the reasoning",
      [event({ reasoning_content: "Hm." }, "stop"), 5 * usageMs, word("abc"), event({}, "stop"), done],
    ],
    [
      "one between reasoning and answer",
      [event({ reasoning: "Hm." }), event({}, "stop"), 5 * usageMs, word("abc"), 30 * usageMs, event({}, "stop"), done],
    ],
    ["one with the first piece alone", [word("a", "stop"), 5 * usageMs, word("b"), 30 * usageMs, word("c"), done]],
    [
      "one before anything, and then the time that a model takes to begin",
      [event({ role: "assistant" }, "stop"), 20 * usageMs, word("ab", "stop"), word("c", "stop"), done],
    ],
    [
      "one with the reasoning, which goes on for long",
      [
        event({ reasoning: "Hm." }, "stop"),
        20 * usageMs,
        event({ reasoning: "Hm." }, "stop"),
        20 * usageMs,
        word("abc"),
        done,
      ],
    ],
    ["one before the last piece", [word("ab"), event({}, "stop"), word("c"), done]],
  ])("%s", async (_, steps) => {
    sends(steps, false);
    expect(await ended()).toEqual(["abc", "stop"]);
  });

  test("also when usage stands in every chunk", async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1 };
    const chunk = (content: string) =>
      `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: "stop" }], usage })}\n\n`;
    sends([chunk("a"), 5 * usageMs, chunk("b"), chunk("c"), done], false);
    expect(await ended()).toEqual(["abc", "stop"]);
  });
});

describe("an answer is whole", () => {
  test.each<[what: string, steps: Step[], end: boolean]>([
    ["with [DONE] and no finish reason", [word("ab"), word("c"), done], false],
    ["with [DONE] in a line that no blank one follows", [word("ab"), word("c"), "data: [DONE]\n"], false],
    ["with [DONE] in a line without an end", [word("ab"), word("c"), "data: [DO", 5, "NE]"], false],
    ["with a finish reason, though nothing more comes", [word("ab"), word("c"), event({}, "stop")], false],
    ["with a finish reason at its last piece", [word("ab"), word("c", "stop")], false],
    ["with a finish reason at its only piece", [word("abc", "stop")], false],
    ["with a finish reason and no [DONE]", [word("abc"), event({}, "stop")], true],
    ["with null written as a string, until there is a reason", [word("ab", "null"), word("c", "stop"), done], false],
  ])("%s", async (_, steps, end) => {
    sends(steps, end);
    expect(await ended()).toEqual(["abc", "stop"]);
  });
});

describe("an answer is cut", () => {
  test.each<[what: string, steps: Step[]]>([
    ["without finish reason and [DONE]", [word("ab"), word("c")]],
    ["with null as its only finish reason", [word("ab", "null"), word("c", "null")]],
    ["in the middle of an event", [word("abc"), 'data: {"choices":[{"delta":{"content":"d']],
  ])("%s", async (_, steps) => {
    sends(steps, true);
    expect(await ended()).toEqual(["abc", "truncated"]);
  });
});

describe("a model that closes its thoughts without having opened them", () => {
  const thinking = [
    word("The user asks"),
    20,
    word(" for a capital."),
    20,
    word("\n</thi"),
    word("nk>\n\nPar"),
    word("is."),
  ];

  test("is believed at once, and from then on shows none", async () => {
    sends([...thinking, event({}, "stop"), done], true);
    const first = await answered(models, "relay/m");
    const types = first.events.map(({ type }) => type);
    expect(types).toContain("text-reset");
    const after = first.events.slice(types.indexOf("text-reset") + 1);
    expect(after.map((one) => (one.type === "text-delta" ? one.text : "")).join("")).toBe("Paris.");
    const second = await answered(models, "relay/m");
    expect(second.text).toBe("Paris.");
    expect(second.events.map(({ type }) => type)).not.toContain("text-reset");
    // It is seen to think meanwhile.
    expect(second.events.map(({ type }) => type)).toContain("thinking");
  });

  test("is still known after a failure", async () => {
    sends([...thinking, event({}, "stop"), done], true);
    await answered(models, "relay/m");
    sends([word("The user")], true);
    expect((await answered(models, "relay/m")).error?.kind).toBe("truncated");
    sends([...thinking, event({}, "stop"), done], true);
    expect((await answered(models, "relay/m")).events.map(({ type }) => type)).not.toContain("text-reset");
  });

  test("may also answer without any", async () => {
    sends([...thinking, event({}, "stop"), done], true);
    await answered(models, "relay/m");
    sends([word("Just "), word("Paris."), event({}, "stop"), done], true);
    expect(await ended()).toEqual(["Just Paris.", "stop"]);
    sends([word("Just "), 20, word("Paris.")], false);
    for await (const one of models.answer(
      { model: "relay/m", messages: asMessages([{ role: "user", content: "?" }]) },
      new AbortController().signal,
    )) {
      if (one.type !== "text-delta") continue;
      // And is shown as it writes again.
      expect(one.text).toBe("Just ");
      break;
    }
  });

  test("has written nothing yet when it fails right after them", async () => {
    sends([word("thoughts\n</think>\n\n")], true);
    const { events, error } = await answered(models, "relay/m");
    expect([error?.kind, events.some(({ type }) => type === "answer-end")]).toEqual(["truncated", false]);
  });
});

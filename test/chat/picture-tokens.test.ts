import { describe, expect, it } from "vitest";
import { inputOf, pictureTokens, thoughtTokens } from "../../src/chat/picture-tokens.ts";
import { countTokens } from "../../src/chat/tokens.ts";
import { textParts } from "../../src/ports/content.ts";
import type { ChatMessage } from "../../src/ports/models.ts";

function estimated(model: string, ...sizes: readonly (readonly [number, number])[]): number {
  const images = sizes.map(([width, height]) => ({
    ...({ type: "image", mime: "image/jpeg", data: new Uint8Array(1) } as const),
    width,
    height,
  }));
  return pictureTokens(model, [{ role: "user", content: [...images, ...textParts("What is it?")] }]);
}

describe("the tokens of pictures", () => {
  // What was measured, in public, for these sizes.
  it.each([
    ["openai/gpt-6-luna", 320, 240, 96],
    ["openai/gpt-5.5", 800, 600, 570],
    ["openai/gpt-5.5", 1280, 960, 1_440],
    ["anthropic/claude-haiku-4-5", 320, 240, 108],
    ["anthropic/claude-sonnet-5-5", 800, 600, 638],
    ["anthropic/claude-sonnet-5-5", 1280, 960, 1_610],
    ["gemini/gemini-3.5-flash-lite", 1280, 960, 1_090],
    ["openai/gpt-4o", 1024, 1024, 765],
    ["mine/unheard-of", 1280, 960, 1_610],
  ])("of %s at %i × %i are about %i", (model, width, height, tokens) => {
    expect(Math.abs(estimated(model, [width, height]) / tokens - 1)).toBeLessThan(0.02);
  });

  it("add up, and words have none", () => {
    expect(estimated("mine/x", [28, 28], [56, 28])).toBe(3);
    expect(estimated("mine/x")).toBe(0);
  });
});

describe("the tokens of thoughts that go back with a step", () => {
  const thought = "First I look for the date, then I compute the days that are left until then. ".repeat(20);
  const step = (content: readonly unknown[]): ChatMessage => ({
    ...{
      role: "assistant",
      content: textParts("Let me see."),
      calls: [{ id: "c", name: "calculate", arguments: "{}" }],
    },
    native: { model: "a/thinker", content },
  });

  it.each([
    [
      "Messages",
      [
        { type: "thinking", thinking: thought, signature: "x".repeat(900) },
        { type: "text", text: "Let me see." },
      ],
    ],
    ["Chat Completions", [{ reasoning_content: thought }]],
    ["OpenRouter", [{ reasoning_details: [{ type: "reasoning.text", text: thought }] }]],
    ["Responses, in the open", [{ type: "reasoning", summary: [{ type: "summary_text", text: thought }] }]],
  ])("are counted on %s, for the model that gets them back alone", (_, content) => {
    const tokens = countTokens(thought);
    expect(tokens).toBeGreaterThan(200);
    expect(thoughtTokens("a/thinker", [step(content)])).toBe(tokens);
    expect(thoughtTokens("b/other", [step(content)])).toBe(0);
    const read = (model: string) => inputOf({ model, messages: [step(content)] }, 1);
    expect(read("a/thinker") - read("b/other")).toBe(tokens);
  });

  it("are counted by their length where they are encrypted, and a step without thoughts has none", () => {
    const sealed = [{ type: "reasoning", id: "r", summary: [], encrypted_content: "A".repeat(4_000) }];
    expect(thoughtTokens("a/thinker", [step(sealed)])).toBe(800);
    const plain = [
      { type: "text", text: "Let me see." },
      { type: "tool_use", id: "c", name: "calculate", input: { text: thought } },
    ];
    expect(thoughtTokens("a/thinker", [step(plain)])).toBe(0);
  });
});

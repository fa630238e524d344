import { describe, expect, it } from "vitest";
import { pictureTokens } from "../../src/chat/picture-tokens.ts";
import { textParts } from "../../src/ports/content.ts";

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

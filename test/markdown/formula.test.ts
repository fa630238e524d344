import { describe, expect, it } from "vitest";
import { mayBecomeFormula } from "../../src/markdown/formula.ts";
import { createStreamRenderer } from "../../src/markdown/render.ts";

describe("what may become a formula", () => {
  it.each([
    ["x", true],
    ["x_", true],
    ["\\frac{1", true],
    ["500 ", true],
    ["500 for the two of", false],
    ["HOME and then the rest of", false],
  ])("is judged without what the next characters decide: %j", (beginning, expected) => {
    expect(mayBecomeFormula(beginning)).toBe(expected);
  });

  // An expression that tries every way to divide such an end takes longer than anyone lives.
  it.each([
    ["underscores", "_"],
    ["spaces", " "],
    ["open groups", "\\frac{"],
    ["commands", "\\a"],
    ["groups of marks", "{_ ^"],
  ])("is decided at once behind any number of %s", (_name, mark) => {
    for (const price of ["500", "x", ""]) {
      expect(typeof mayBecomeFormula(price + mark.repeat(50_000))).toBe("boolean");
      expect(mayBecomeFormula(`this price is not one formula ${mark.repeat(50_000)}`)).toBe(false);
    }
  });

  it.each(["_", " ", "\\frac{", "{_ "])("and every preview of a line to fill in goes on: %j", (mark) => {
    const renderer = createStreamRenderer();
    const line = `Amount due: $500${mark.repeat(60)} (fill in)`;
    for (let end = 1; end <= line.length; end += 1) renderer.render(line.slice(0, end));
    expect(renderer.renderFinal(line).text).toContain("(fill in)");
  });
});

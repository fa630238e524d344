import { describe, expect, it } from "vitest";
import { createRedactor } from "../../src/base/redaction.ts";

describe("a redactor", () => {
  it("leaves a text without secrets as it is", () => {
    expect(createRedactor(["123456789:AAE-secret_part-of-the-token-0123"])("nothing to see")).toBe("nothing to see");
    expect(createRedactor([])("nothing to see")).toBe("nothing to see");
  });

  it("finds a short secret only as a whole word", () => {
    expect(createRedactor(["test"])("latest test, testing")).toBe("latest [redacted], testing");
  });
});

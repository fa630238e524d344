import { describe, expect, it } from "vitest";
import { logLine } from "../../src/models/log-line.ts";

const key = "sk-secret-0123456789abcdef";
const question = "My secret diary begins here, and it goes on for long. ".repeat(100);

describe("a line of the log about a provider", () => {
  it.each([
    ["a key", `key ${key} is wrong`],
    ["a key that the provider has cut", `key ${key.slice(0, 18)}… is wrong`],
    ["a key at the end of what is looked at", `${"x".repeat(1_985)}${key}${"y".repeat(5_000)}`],
    ["many keys, and one that is cut", `${`${key} `.repeat(200)}`],
    ["the question", `you wrote: ${question}`],
    ["the beginning of the question", `you wrote: ${question.slice(0, 60)}…`],
    ["the question in other blanks", `you wrote: ${question.replaceAll(" ", "\n")}`],
    ["a key of another kind", "Bearer abc.def-ghi and AIzaSyA1234567890 and gsk_abcdefghijkl"],
    ["addresses", "see https://me:pass@host/a?token=hidden#part, (http://x@h?token=hidden)"],
  ])("shows nothing of %s, in at most 200 characters", (_, message) => {
    const line = logLine(message, [key, question]);
    expect(line).not.toMatch(/secret|diary|0123|abc|AIzaSy|pass@|x@|hidden|part/);
    expect(line.length).toBeLessThanOrEqual(200);
  });

  it("keeps what is harmless", () => {
    expect(logLine("HTTP 404:  no\nsuch path: https://host/v1/x", [key])).toBe(
      "HTTP 404: no such path: https://host/v1/x",
    );
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { engines } from "./support/deploy-files.ts";

const source = readFileSync(new URL("../src/require-node.js", import.meta.url), "utf8");

/** What this version of Node is told; nothing when it may go on. */
function toldTo(node: string): string {
  let told = "";
  const run = new Function("process", "console", source);
  const exit = () => {
    told += " exit";
  };
  run({ versions: { node }, exit }, { error: (line: string) => (told += line) });
  return told;
}

describe("a Node that cannot carry the bot", () => {
  it.each(["18.20.8", "20.19.5", "22.18.0", "22.20.0", "23.11.1", "24.0.0", "24.4.1"])("%s is turned away", (node) => {
    expect(toldTo(node)).toMatch(new RegExp(`^Parley needs Node 22\\.21 or newer.*this is ${node}.* exit$`));
  });

  it.each(["22.21.0", "22.30.1", "24.5.0", "24.21.0", "25.0.0", "26.1.0"])("%s is none", (node) => {
    expect(toldTo(node)).toBe("");
  });

  it("is one that package.json names", () => {
    expect(engines.node).toBe(">=22.21 <23 || >=24.5");
  });
});

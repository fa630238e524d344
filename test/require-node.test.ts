import { readFileSync } from "node:fs";
import { join } from "node:path/posix";
import { describe, expect, it } from "vitest";
import { engines, scripts } from "./support/deploy-files.ts";

const source = readFileSync(new URL("../src/require-node.js", import.meta.url), "utf8");

/** What this version of Node is told; nothing when it may go on. */
function toldTo(node: string, kept: string[] = []): string {
  let told = "";
  const run = new Function("process", "console", source);
  const exit = () => {
    told += " exit";
    throw new Error("exit");
  };
  const getBuiltinModule = () => ({ enableCompileCache: (folder: string) => void kept.push(folder), join });
  const argv = ["node", "/srv/parley/src/main.ts"];
  try {
    run({ versions: { node }, argv, exit, getBuiltinModule }, { error: (line: string) => (told += line) });
  } catch (error) {
    if (!told.endsWith(" exit")) throw error;
  }
  return told;
}

describe("a Node that cannot carry the bot", () => {
  it.each(["18.20.8", "20.19.5", "22.18.0", "22.20.0", "23.11.1", "24.0.0", "24.4.1"])("%s is turned away", (node) => {
    expect(toldTo(node)).toMatch(new RegExp(`^Parley needs Node 22\\.21 or newer.*this is ${node}.* exit$`));
  });

  it.each(["22.21.0", "22.30.1", "24.5.0", "24.21.0", "25.0.0", "26.1.0"])("%s is none", (node) => {
    expect(toldTo(node)).toBe("");
  });

  it("is not asked to keep what it compiles; another one keeps it beside the packages", () => {
    const kept: string[] = [];
    toldTo("20.19.5", kept);
    expect(kept).toEqual([]);
    toldTo("24.21.0", kept);
    expect(kept).toEqual(["/srv/parley/node_modules/.cache/parley"]);
  });

  it("compiles when packages are installed, with the very options that a start has", () => {
    expect(`exec ${scripts["postinstall"]}`).toBe(scripts["start"]?.replace(/start$/, "compile || true"));
  });

  it("is one that package.json names", () => {
    expect(engines.node).toBe(">=22.21 <23 || >=24.5");
  });
});

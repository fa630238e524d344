import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { commandLines } from "../src/telegram/commands.ts";
import { textsFor } from "../src/texts/texts.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it("lists in the README the commands that the bot has, in the menu's words", () => {
  const section = readme.split("## Commands")[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| `\/(\w+)` \| (.+) \|$/gmu)].map(([, name, description]) => [
    name,
    description,
  ]);
  expect(rows).toEqual(commandLines(textsFor("en"), "admins").map(({ name, description }) => [name, description]));
});

it("names in the README only scripts that exist", () => {
  const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const named = [...readme.matchAll(/npm run ([\w:]+)|npm (start|test)/gu)].map(([, run, short]) => run ?? short);
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect(scripts).toHaveProperty([name ?? ""]);
});

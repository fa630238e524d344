/** Where sentences stand: all in the languages' files, none beside them, none that nobody says. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseAst } from "vitest/node";
import { english } from "../../src/texts/english.ts";

/** Folders whose words could reach a person in Telegram. */
const speaking = ["chat", "screen", "telegram"];
/** Words for the model: the prompt is English whoever asks. */
const toModels = new Set([
  "chat/citations.ts",
  "chat/continuation.ts",
  "chat/cache-key.ts",
  "chat/cut-middle.ts",
  // Words of people, by which their questions are known.
  "chat/file-questions.ts",
  "chat/file-words.ts",
  "chat/framing.ts",
  "chat/pictures.ts",
  "chat/remembered.ts",
  "chat/result-pictures.ts",
  "chat/step-messages.ts",
  "chat/summary-words.ts",
  "chat/tool-calls.ts",
  "telegram/content.ts",
  "telegram/question.ts",
  "telegram/written-text.ts",
]);
/** Words of Telegram's own, by which its refusals are told apart. */
const ofTelegram = new Set(["screen/telegram-errors.ts"]);

const sentence =
  /\p{L}{2}[,;:]?\s+\p{L}|\p{L}\s*[.…!?]\s*$|\p{L}.*\p{Extended_Pictographic}|\p{Extended_Pictographic}.*\p{L}/u;
const anyWord = /\p{L}{2}/u;
/** Fields of the Bot API that are shown as they are. */
const shownFields = /^(text|caption|description|short_description|input_field_placeholder)$/;

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Strings of a program that a person could read: not those of its log, of errors, of types and of imports. */
function sentencesIn(source: string): string[] {
  const found: string[] = [];
  const visit = (value: unknown, pattern: RegExp): void => {
    if (Array.isArray(value)) for (const one of value) visit(one, pattern);
    if (typeof value !== "object" || value === null || !("type" in value)) return;
    const node = value as Node;
    if (isForOperators(node)) return;
    const text = textOf(node);
    if (text !== undefined && pattern.test(text)) found.push(text);
    const next = isShown(node) ? anyWord : node.type === "BinaryExpression" ? sentence : pattern;
    for (const [field, child] of Object.entries(node)) if (field !== "key") visit(child, next);
  };
  visit(parseAst(source, { lang: "ts" }), sentence);
  return found;
}

function isForOperators(node: Node): boolean {
  if (/^(TSTypeAnnotation|TSTypeAlias|TSInterface|TSTypeParameter)/.test(node.type)) return true;
  if (/^(Import|ExportAll)Declaration$/.test(node.type)) return true;
  if (node.type === "NewExpression") return nameOf(node["callee"]).endsWith("Error");
  return (
    node.type === "CallExpression" && /^(debug|info|warn|error)$/.test(nameOf((node["callee"] as Node)["property"]))
  );
}

function isShown({ type, key }: Node): boolean {
  return type === "Property" && shownFields.test(nameOf(key));
}

function textOf({ type, value }: Node): string | undefined {
  if (type === "Literal") return typeof value === "string" ? value : undefined;
  return type === "TemplateElement" ? (value as { readonly cooked: string }).cooked : undefined;
}

function nameOf(node: unknown): string {
  return (node as { readonly name?: string } | undefined)?.name ?? "";
}

const root = fileURLToPath(new URL("../../src", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const read = (file: string) => readFileSync(join(root, file), "utf8");

describe("a sentence that people read in Telegram", () => {
  it("stands in no file but those of the languages", () => {
    const beside = files.filter(
      (file) => speaking.includes(file.split("/")[0] ?? "") && !toModels.has(file) && !ofTelegram.has(file),
    );
    expect(beside.length).toBeGreaterThan(40);
    expect(beside.flatMap((file) => sentencesIn(read(file)).map((words) => `${file}: ${words}`))).toEqual([]);
  });

  it.each(Object.keys(english))("%s is said by somebody", (name) => {
    const named = new RegExp(`\\b${name}\\b`);
    const speakers = files.filter((file) => file !== "texts/english.ts" && /\btexts?(For)?\b/i.test(read(file)));
    expect(speakers.filter((file) => named.test(read(file)))).not.toEqual([]);
  });
});

it("sentences are found by the language of their reader: no part imports a language", () => {
  const importers = files.filter((file) => /from "(\.\.?\/)+(texts\/)?english\.ts"/.test(read(file)));
  expect(importers).toEqual(["texts/texts.ts"]);
});

describe("the search for sentences", () => {
  it.each([
    ["a sentence", 'say("Nothing was changed.");'],
    ["one in a template", `say(\`Model: $\{model}, is that right?\`);`],
    ["a label with a sign", 'const label = "⏹ Stop";'],
    ["a word in a field that is shown", 'const button = { text: "Save", callback_data: "save" };'],
    ["one that a condition chooses", 'say(saved ? "Saved it" : "");'],
    ["one as a default", 'function f(words = "Hello there") {}'],
  ])("finds %s", (_what, source) => {
    expect(sentencesIn(source)).not.toEqual([]);
  });

  it.each([
    ["a line of the log", 'log.warn({ reason: "no idea at all" }, "a call failed");'],
    ["an error", 'throw new ParleyError("x", "no model is configured");'],
    ["a type", 'interface A { readonly b: "one of two" }'],
    ["an import", 'import { a } from "./a b.ts";'],
    ["a name", 'const press = { action: "again", text: "" };'],
  ])("passes over %s", (_what, source) => {
    expect(sentencesIn(source)).toEqual([]);
  });
});

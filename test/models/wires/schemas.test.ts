import { describe, expect, test } from "vitest";
import { z } from "zod";
import { portableSchema, wholeSchema } from "../../../src/models/wires/schemas.ts";

const foreign =
  /"(?:\$schema|\$ref|\$defs|additionalProperties|const|exclusiveMinimum|exclusiveMaximum|uniqueItems|patternProperties|default|anyOf|oneOf|allOf)":/;
const plain = (parameter: object, more: object = {}) =>
  (portableSchema({ type: "object", properties: { it: parameter }, ...more })["properties"] as { it: unknown }).it;

describe("a schema in few words", () => {
  test.each([
    ["a constant is a choice of one", { const: "a" }, { type: "string", enum: ["a"] }],
    ["only words are chosen from", { type: "integer", enum: [1, 2] }, { type: "integer" }],
    ["one that may be nothing", { type: ["string", "null"] }, { type: "string", nullable: true }],
    [
      "a choice that may be nothing",
      { anyOf: [{ type: "number" }, { type: "null" }] },
      { type: "number", nullable: true },
    ],
    ["the first of several forms", { oneOf: [{ type: "string" }, { type: "number" }] }, { type: "string" }],
    [
      "all forms together",
      {
        allOf: [{ properties: { a: { type: "string" } }, required: ["a"] }, { properties: { b: { type: "number" } } }],
      },
      { type: "object", properties: { a: { type: "string" }, b: { type: "number" } }, required: ["a"] },
    ],
    [
      "bounds",
      { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 9 },
      { type: "number", minimum: 0, maximum: 9 },
    ],
    ["a list of anything", { type: "array", uniqueItems: true }, { type: "array", items: { type: "string" } }],
    ["known places", { type: "array", items: [{ type: "number" }] }, { type: "array", items: { type: "number" } }],
    ["a format that few know", { type: "string", format: "uri", default: "x" }, { type: "string" }],
    ["anything", {}, { type: "string" }],
    ["nonsense", true, { type: "object" }],
  ])("%s", (_, given, written) => {
    expect(plain(given as object)).toEqual(written);
  });

  test("has what it refers to in its place, and an end", () => {
    const $defs = {
      Place: { type: "object", properties: { city: { type: "string" }, near: { $ref: "#/$defs/Place" } } },
    };
    expect(plain({ $ref: "#/$defs/Place", description: "Where" }, { $defs })).toEqual({
      type: "object",
      description: "Where",
      properties: { city: { type: "string" }, near: { type: "object" } },
    });
    expect(plain({ $ref: "#/$defs/Nowhere" }, { $defs })).toEqual({ type: "string" });
    expect(plain({ $ref: "https://example.com/schema" })).toEqual({ type: "string" });
  });

  test("is short and soon written, however it refers to itself", () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => [
        `a${at}`,
        { type: "object", properties: { x: { $ref: `#/$defs/a${at + 1}` }, y: { $ref: `#/$defs/a${at + 1}` } } },
      ]),
    );
    const written = JSON.stringify(
      portableSchema({ type: "object", properties: { it: { $ref: "#/$defs/a0" } }, $defs }),
    );
    expect(written.length).toBeLessThan(200_000);
    let deep: object = { type: "string" };
    for (let at = 0; at < 5_000; at++) deep = { type: "array", items: deep };
    expect(JSON.stringify(plain(deep)).length).toBeLessThan(3_000);
  });

  test("is an object, whatever was given", () => {
    expect(portableSchema({})).toEqual({ type: "object", properties: {} });
    expect(portableSchema({ type: "string" })).toMatchObject({ type: "object" });
  });

  test("is made of what zod writes", () => {
    const schema = z.toJSONSchema(
      z.object({
        count: z.number().int().positive().max(9).default(5),
        kind: z.union([z.literal("a"), z.literal("b")]).nullable(),
        where: z.record(z.string(), z.string()).optional(),
        when: z.iso.datetime(),
        list: z.array(z.strictObject({ x: z.tuple([z.number(), z.string()]) })),
      }),
    );
    expect(JSON.stringify(schema)).toMatch(foreign);
    const written = portableSchema(schema);
    expect(JSON.stringify(written)).not.toMatch(foreign);
    expect(written).toMatchObject({ properties: { count: { type: "integer", maximum: 9 } } });
  });
});

test("a whole schema is as it was, less the language that it is written in", () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    additionalProperties: false,
  };
  expect(wholeSchema(schema)).toEqual({ type: "object", additionalProperties: false });
});

import { afterAll, describe, expect, it } from "vitest";
import { createCalculate } from "../../src/tools/calculate.ts";
import { createCalculator } from "../../src/tools/calculator.ts";
import { callTool, toolTurn } from "../support/tool-calls.ts";

// A busy machine may be late: that is not what is tested.
const calculator = createCalculator({ startMs: 120_000, killMs: 20_000 });
afterAll(() => calculator.stop());
const tool = createCalculate(calculator);
const calculate = (code: unknown) => callTool(tool, { code });

describe("calculating", () => {
  it.each<[string, string]>([
    ["17 * 23", "391"],
    ["0.1 + 0.2", "0.30000000000000004"],
    ["2n ** 100n", "1267650600228229401496703205376"],
    ["new Date(Date.UTC(2026, 1, 28) + 864e5).toISOString().slice(0, 10)", "2026-03-01"],
    ["const xs = [3, 1, 2]; xs.sort(); xs", "[1,2,3]"],
    ["let sum = 0; for (let i = 1; i <= 1000; i++) sum += i; sum", "500500"],
    ["print('a', 1); print([2]); 'b'", "a 1\n[2]\nb"],
    ["console.log('only printed')", "only printed"],
    ["new Map([['a', 1]])", '[["a",1]]'],
    ["({ a: 10n, b: NaN, c: new Set([1]) })", '{"a":"10","b":"NaN","c":[1]}'],
    ["'Grüße 😀'", "Grüße 😀"],
    ["if (false) 1", "undefined"],
  ])("%s is %s", async (code, text) => {
    expect(await calculate(code)).toEqual({ text });
  });

  it("has nothing of this process, and nothing of the program before", async () => {
    const names = ["process", "require", "fetch", "Worker", "WebAssembly", "setTimeout", "navigator", "Buffer"];
    expect(await calculate(`[${names.map((name) => `typeof ${name}`)}].join()`)).toEqual({
      text: names.map(() => "undefined").join(),
    });
    await calculate("globalThis.left = 1; Array.prototype.map = 2; 0");
    expect(await calculate("typeof left + [1].map((x) => x + 1)")).toEqual({ text: "undefined2" });
    expect((await calculate("import('node:fs')")).text).not.toContain("readFile");
  });

  it.each<[string, string]>([
    ["nothing(", "SyntaxError"],
    ["nothing()", "ReferenceError: nothing is not defined"],
    ["throw new TypeError('no')", "TypeError: no"],
    ["throw 'a word'", "Error: a word"],
    ["10n / 0n", "RangeError"],
    ["const a = {}; a.a = a; a", "TypeError"],
    ["function f() { return f() + 1 } f()", "Maximum call stack"],
  ])("says what is wrong with %s", async (code, words) => {
    expect(await calculate(code)).toMatchObject({ failed: true, text: expect.stringContaining(words) });
    expect(await calculate("1 + 1")).toEqual({ text: "2" });
  });

  it.each([
    "while (true);",
    "for (;;) { try { while (true); } catch {} }",
    "const a = []; for (;;) a.push(new Array(1e5).fill(1))",
    "let s = 'x'; for (;;) s += s",
    "'x'.repeat(2 ** 29)",
    "new Array(1e9).fill(0)",
    "new ArrayBuffer(2 ** 31)",
    "/^(a+)+$/.test('a'.repeat(40) + 'b')",
    "({ toString() { while (true); } }) + ''",
    "({ toJSON() { while (true); } })",
  ])("ends %s, and goes on with the next program", async (code) => {
    expect(await calculate(code)).toMatchObject({ failed: true });
    expect(await calculate("1 + 1")).toEqual({ text: "2" });
  });

  it("shows the beginning of what is too long, without what nobody sees", async () => {
    const { text } = await calculate("'y'.repeat(1e6)");
    expect(text).toMatch(/^y{8000}\n\[cut here/);
    expect(await calculate("'a\\u200bb'")).toEqual({ text: "ab" });
  });

  it.each([undefined, 7, "", " ", "1;".repeat(20_000)])("needs a program that is one", async (code) => {
    expect(await calculate(code)).toMatchObject({ failed: true, text: expect.stringContaining("needs code") });
  });

  it("runs many at once, one after another", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => calculate(`${n} * 2`)));
    expect(all.map(({ text }) => Number(text))).toEqual(Array.from({ length: 20 }, (_, n) => n * 2));
  });

  it("ends at once when nobody waits for it, whoever waits behind", async () => {
    const leaving = new AbortController();
    const first = callTool(tool, { code: "while (true);" }, toolTurn().turn, leaving.signal);
    const waiting = callTool(tool, { code: "1" }, toolTurn().turn, leaving.signal);
    const other = calculate("2");
    leaving.abort();
    await expect(first).rejects.toThrow();
    await expect(waiting).rejects.toThrow();
    expect(await other).toEqual({ text: "2" });
  });

  it("is ended from outside when its machinery does not do it", async () => {
    const hasty = createCalculator({ startMs: 120_000, killMs: 1 });
    expect(await hasty.run("while (true);", new AbortController().signal)).toMatchObject({
      failed: true,
      text: expect.stringContaining("was ended"),
    });
    await hasty.stop();
    expect(await hasty.run("1", new AbortController().signal)).toMatchObject({ failed: true });
  });
});

import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { drawBars } from "../../../src/telegram/chart/bars.ts";
import { glyphOf } from "../../../src/telegram/chart/font.ts";
import { encodePng } from "../../../src/telegram/chart/png.ts";
import { textsFor } from "../../../src/texts/texts.ts";
import { usage } from "../../contracts/store.contract.ts";
import { createBotScene, mallory, said } from "../../support/bot-scene.ts";

const texts = textsFor("en");
const scene = createBotScene();
const { write } = scene;
const day = 24 * 3_600_000;
const ada = 7;

const priced = (dollars: number, change: object = {}) =>
  usage({
    userId: ada,
    at: Date.now(),
    cost: dollars,
    inputTokens: 1200,
    cachedTokens: 300,
    outputTokens: 40,
    ...change,
  });

const unpriced = (change: object = {}) => {
  const { cost: _cost, ...rest } = priced(0, change);
  return rest;
};

const pictures = (made: Awaited<ReturnType<typeof write>>) => made.filter(({ method }) => method === "sendPhoto");

describe("/usage", () => {
  it("tells of today, this month, in all and by model what its user alone has used", async () => {
    const { ledger } = scene.store;
    await ledger.settle([
      ...[priced(0.5), priced(1.25, { model: "b/two" }), priced(9, { userId: 66 })],
      priced(3, { at: Date.now() - 200 * day, model: "b/two" }),
    ]);
    const [words = ""] = said(await write("/usage"));
    expect(words.split("\n")).toEqual([
      ...["Your use of this bot", ""],
      ...["Today: 2 calls, $1.75", "2,400 tokens in, 600 of them cached, 80 out", ""],
      ...["This month: 2 calls, $1.75", "2,400 tokens in, 600 of them cached, 80 out", ""],
      ...["In total: 3 calls, $4.75", "3,600 tokens in, 900 of them cached, 120 out", ""],
      ...["By model:", "• b/two: $4.25, 2 calls", "• p/m: $0.50, 1 call"],
    ]);
  });

  it("says of an unknown price that it is unknown, never that it is nothing", async () => {
    const { ledger } = scene.store;
    await ledger.settle([unpriced({ model: "mine/x" })]);
    const [words = ""] = said(await write("/usage"));
    expect(words).toContain("In total: 1 call, price unknown");
    expect(words).toContain("• mine/x: price unknown, 1 call");
    expect(words).not.toContain("$0");
    await ledger.settle([priced(0.25)]);
    expect(said(await write("/usage"))[0]).toContain("In total: 2 calls, $0.25 and 1 call of unknown price");
  });

  it("names the models that cost most, and says how many there are besides", async () => {
    await scene.store.ledger.settle(Array.from({ length: 20 }, (_, n) => priced(n + 1, { model: `p/${n}` })));
    const [words = ""] = said(await write("/usage"));
    expect(words).toContain("• p/19: $20.00");
    expect(words).not.toContain("• p/7:");
    expect(words).toContain("… and 8 more");
  });
});

describe("/stats", () => {
  it("shows admins what the bot costs, who uses it most, and a picture; others see what they saw", async () => {
    await write("hello", { from: { ...mallory, username: "mal" }, chat: { id: 66, type: "private" } });
    await scene.store.ledger.settle([
      ...[priced(0.5), priced(1.25, { userId: 66 }), priced(0.25, { userId: 12 }), unpriced({ userId: 13 })],
      priced(3, { userId: 0, at: Date.now() - 10 * day }),
    ]);
    const made = await write("/stats");
    expect(said(made)).toEqual([]);
    const [picture] = pictures(made);
    const caption = String(picture?.payload["caption"]);
    for (const line of [
      ...["Requests: 3, errors: 1", "Queue: 4 waiting", "Cost today: $2.00 and 2 calls of unknown price"],
      ...[`1. ${texts.forgottenUsers}: $3.00`, "2. Mallory (@mal): $1.25 and 1 call of unknown", "3. Ada: $0.50"],
      ...["4. 12: $0.25", "5. 13: price unknown", "From caches: 25 % of the tokens in (30 days)"],
    ])
      expect(caption).toContain(line);
    const others = await write("/stats", { from: mallory, chat: { id: 66, type: "private" } });
    expect(pictures(others)).toEqual([]);
    expect(said(others)[0]).not.toContain("Cost");
  });

  it("stands as text alone when there is nothing to show, or Telegram does not take the picture", async () => {
    expect(pictures(await write("/stats"))).toEqual([]);
    await scene.store.ledger.settle([priced(0.5)]);
    scene.answer = ({ method }) =>
      method === "sendPhoto"
        ? { ok: false, error_code: 400, description: "Bad Request: IMAGE_PROCESS_FAILED" }
        : undefined;
    expect(said(await write("/stats"))[0]).toContain("Cost today: $0.50");
  });
});

/** What a PNG of ours shows: a palette's colour for each pixel. */
function decode(png: Buffer) {
  const found = new Map<string, Buffer>();
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    found.set(png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const [header, data, palette] = ["IHDR", "IDAT", "PLTE"].map((type) => found.get(type) ?? Buffer.alloc(0));
  const [width, height] = [header!.readUInt32BE(0), header!.readUInt32BE(4)];
  const rows = inflateSync(data!);
  const at = (x: number, y: number) => [...palette!.subarray(3 * rows[y * (width + 1) + 1 + x]!).subarray(0, 3)];
  const count = (colour: readonly number[]) => {
    const place = Array.from({ length: palette!.length / 3 }, (_, n) => n).find(
      (n) => [...palette!.subarray(3 * n, 3 * n + 3)].join() === colour.join(),
    );
    return rows.filter((pixel, n) => n % (width + 1) !== 0 && pixel === place).length;
  };
  return { width, height, at, count };
}

describe("the picture of costs", () => {
  const chart = (series: { name: string; note: string; values: number[] }[]) =>
    decode(
      drawBars({
        ...{ heading: "Costs", about: "here", days: ["01", "02", "03", "04"], series },
        amount: (value) => `$${value}`,
      }),
    );
  const blue = [0, 114, 178];
  const orange = [230, 140, 0];

  it("is a light PNG that is wide enough for a phone", () => {
    const { width, height, at } = chart([]);
    expect([width, height >= 600, at(0, 0)]).toEqual([960, true, [255, 255, 255]]);
    const tiny = decode(
      encodePng(
        2,
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        Uint8Array.from([0, 1, 1, 0]),
      ),
    );
    expect([tiny.at(0, 0), tiny.at(1, 0), tiny.at(0, 1)]).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [4, 5, 6],
    ]);
  });

  it("has bars as high as what they stand for, one on the other, and a mark in the legend", () => {
    const mark = 32 * 32;
    const one = chart([{ name: "a", note: "", values: [1, 0, 0, 0] }]).count(blue) - mark;
    const two = chart([{ name: "a", note: "", values: [1, 0, 0, 1] }]).count(blue) - mark;
    expect(one).toBeGreaterThan(1000);
    expect(Math.abs(two - 2 * one)).toBeLessThan(one * 0.02);
    const both = chart([
      { name: "a", note: "", values: [1, 0, 0, 0] },
      { name: "b", note: "", values: [3, 0, 0, 0] },
    ]);
    expect((both.count(orange) - mark) / (both.count(blue) - mark)).toBeCloseTo(3, 1);
  });

  it("shows whatever has cost anything, and takes absurd numbers", () => {
    expect(chart([{ name: "a", note: "", values: [1_000_000, 0.000001, 0, 0] }]).count(blue)).toBeGreaterThan(0);
    expect(() => chart([{ name: "x".repeat(500), note: "y".repeat(60), values: [0, 0, 0, 0] }])).not.toThrow();
  });

  it("writes no sum over the name that it belongs to", () => {
    const values = [1, 0, 0, 0];
    const nameIn = (note: string) => {
      const { at, height } = chart([{ name: "others", note, values }]);
      const columns = Array.from({ length: 120 }, (_, x) => 84 + x);
      return columns.map((x) => Array.from({ length: 60 }, (_, y) => at(x, height - 70 + y).join()).join(" "));
    };
    expect(new Set(nameIn("$1")).size).toBeGreaterThan(10);
    expect(nameIn("$0 and 90 calls of unknown price")).toEqual(nameIn("$1"));
    expect(nameIn("y".repeat(500))).toEqual(nameIn("$1"));
    const mixed = { answers: 3, unpriced: 1, cost: 0.5, inputTokens: 1, cachedTokens: 0, outputTokens: 1 };
    expect([0, 1, 3].map((unpriced) => texts.costChart.cost({ ...mixed, unpriced }))).toEqual([
      ...["$0.50", "$0.50 + unknown", "price unknown"],
    ]);
  });

  it("has every letter that a model's name is made of", () => {
    const unknown = glyphOf("?").join();
    for (let code = 0x21; code < 0x7f; code++) {
      const character = String.fromCharCode(code);
      if (character !== "?") expect(glyphOf(character).join(), character).not.toBe(unknown);
      expect(glyphOf(character).some(Boolean), character).toBe(true);
    }
    expect(glyphOf("ж").join()).toBe(unknown);
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import type { PageReading, PageToRead } from "../../src/ports/pages.ts";
import { type FetchedPage, PageError } from "../../src/tools/page-source.ts";
import { createReadPage } from "../../src/tools/read-page.ts";
import { callTool, toolTurn } from "../support/tool-calls.ts";

const address = "https://example.com/a";
let fetched: Partial<FetchedPage> | Error;
let reading: PageReading;
let now = 0;
const asked: string[] = [];
const read: PageToRead[] = [];

const page = (more: object = {}): PageReading => ({
  ...{ kind: "page", title: "Foxes", text: "All about foxes.", links: [], cut: false },
  ...more,
});

beforeEach(() => {
  fetched = {};
  reading = page();
  asked.length = 0;
  read.length = 0;
});

function readPage() {
  return createReadPage({
    source: {
      async fetch(url) {
        asked.push(url);
        if (fetched instanceof Error) throw fetched;
        const bytes = Buffer.from("<p>x");
        return { address: url, contentType: "text/html", charset: undefined, bytes, cut: false, ...fetched };
      },
    },
    reader: {
      async read(given) {
        read.push(given);
        return reading;
      },
    },
    now: () => now,
  });
}

const known = [address, "https://example.com/list?x=1&y=2"];
const call = (args: unknown, addresses = known, tool = readPage()) => callTool(tool, args, toolTurn(addresses).turn);

describe("reading a page", () => {
  it("gives its title, its words and its links, as data of somebody else", async () => {
    reading = page({ links: [{ words: "more\u200b", address: "https://example.com/b" }] });
    fetched = { address: "https://www.example.com/a" };
    expect(await call({ url: address })).toEqual({
      text: "Title: Foxes\nAddress: https://www.example.com/a\n\nAll about foxes.\n\nLinks of the page:\n- more: https://example.com/b",
      untrusted: true,
      sources: [{ title: "Foxes", url: "https://www.example.com/a" }],
      addresses: ["https://example.com/b"],
      note: "read “Foxes” (https://www.example.com/a)",
    });
  });

  it.each([
    "https://example.com/a?secret=1",
    "https://example.com/a/secret",
    "https://example.com/list?x=1&y=3",
    "https://example.com/list?y=2&x=1",
    "http://example.com/a",
    "https://example.com:8443/a",
    "https://evil.example/a",
    "https://secret.example.com/a",
    "https://user@example.com/a",
    "https://example.com/A",
    "file:///etc/passwd",
  ])("does not go to %s, which nobody has named", async (url) => {
    expect(await call({ url })).toMatchObject({ failed: true, text: expect.stringContaining("may not be read") });
    expect(asked).toEqual([]);
  });

  it.each([" https://example.com/a ", "HTTPS://EXAMPLE.com/a", "https://example.com/a#secret", "example.com/a"])(
    "takes %s for the address that it is, and sends nothing more",
    async (url) => {
      expect((await call({ url })).failed).toBeUndefined();
      expect(asked).toEqual([address]);
    },
  );

  it("takes an address as a user has written it, without its scheme", async () => {
    await call({ url: "https://foxes.example/" }, ["foxes.example"]);
    expect(asked).toEqual(["https://foxes.example/"]);
  });

  it.each([undefined, null, "x", {}, { url: 7 }, { url: "" }])("of %j asks for an address", async (args) => {
    expect(await call(args)).toMatchObject({ failed: true, text: expect.stringContaining("needs url") });
    expect(readPage().activity(args)).toEqual({ doing: "reading-page", host: "a page" });
  });

  it("tells whose page is read", () => {
    expect(readPage().activity({ url: "example.com/a" })).toEqual({ doing: "reading-page", host: "example.com" });
  });

  it("gives a long page in parts, without a gap, and fetches it once", async () => {
    const text = Array.from({ length: 3_000 }, (_, n) => `line ${n} 😀`).join("\n");
    reading = page({ text, links: [{ words: "more", address: "https://example.com/b" }] });
    const tool = readPage();
    let from: number | undefined = 0;
    let whole = "";
    for (let parts = 0; from !== undefined && parts < 10; parts++) {
      const result = await call({ url: address, from }, known, tool);
      expect(result.text.length).toBeLessThanOrEqual(12_000);
      const [, head = "", body = ""] = /^(.*?)\n\n(.*)$/s.exec(result.text) ?? [];
      whole += body.split("\n\nLinks of the page:")[0];
      const next = /read on with from=(\d+)/.exec(head)?.[1];
      from = next === undefined ? undefined : Number(next);
      if (next === undefined) expect(head).toContain(`of ${text.length}; the end.`);
    }
    expect(whole.replaceAll("\n", "")).toBe(text.replaceAll("\n", ""));
    expect(asked).toEqual([address]);
    expect(await call({ url: address, from: 10 ** 9 }, known, tool)).toMatchObject({
      failed: true,
      text: `The page has only ${text.length} characters.`,
    });
  });

  it("keeps a page for ten minutes, and asks again then", async () => {
    const tool = readPage();
    await call({ url: address }, known, tool);
    now += 9 * 60_000;
    await call({ url: address }, known, tool);
    expect(asked).toHaveLength(1);
    now += 2 * 60_000;
    await call({ url: address }, known, tool);
    expect(asked).toHaveLength(2);
  });

  it("keeps only a few pages", async () => {
    const tool = readPage();
    const many = Array.from({ length: 9 }, (_, n) => `https://example.com/${n}`);
    for (const url of [...many, many[0]]) await call({ url }, many, tool);
    expect(asked).toHaveLength(10);
  });

  it("stays within the length of a result, whatever the page calls itself and links to", async () => {
    const links = Array.from({ length: 60 }, (_, n) => ({
      words: "w".repeat(300),
      address: `https://example.com/${n}${"p".repeat(300)}`,
    }));
    reading = page({ title: "t".repeat(300), text: "x".repeat(400_000), links });
    fetched = { address: `https://example.com/${"a".repeat(1_900)}` };
    const result = await call({ url: address });
    expect(result.text.length).toBeLessThanOrEqual(12_000);
    // What the model has not been shown cannot be what it asks for.
    for (const one of result.addresses ?? []) expect(result.text).toContain(one);
    expect(result.addresses?.length).toBeGreaterThan(0);
  });

  it("hands on no link that is none of the web, or holds a name", async () => {
    const addresses = ["javascript:alert(1)", "https://a:b@example.com/", "file:///x", "https://ok.example/"];
    reading = page({ links: addresses.map((one) => ({ words: "w", address: one })) });
    expect((await call({ url: address })).addresses).toEqual(["https://ok.example/"]);
  });

  it("takes out of its words what nobody would see", async () => {
    reading = page({ title: "F\u200boxes", text: "vi\u202esible\u{e0041}\0" });
    expect((await call({ url: address })).text).toContain("Title: Foxes\nAddress: https://example.com/a\n\nvisible");
  });

  it.each<[string, Partial<FetchedPage>, string]>([
    ["a PDF", { contentType: "application/pdf" }, "send it here as a file"],
    [
      "a PDF under another name",
      { contentType: "text/html", bytes: Buffer.from("%PDF-1.7") },
      "send it here as a file",
    ],
    ["a picture", { contentType: "image/png" }, "a file of another kind"],
    ["a program", { contentType: "application/octet-stream" }, "a file of another kind"],
    ["nothing", { bytes: Buffer.alloc(0) }, "empty"],
  ])("of what is %s says so, and parses nothing", async (_, found, words) => {
    fetched = found;
    expect(await call({ url: address })).toMatchObject({ failed: true, text: expect.stringContaining(words) });
    expect(read).toEqual([]);
  });

  it.each([
    ["text/html", true],
    ["application/xhtml+xml", true],
    ["", true],
    ["text/plain", false],
    ["application/json", false],
    ["application/ld+json", false],
    ["application/rss+xml", false],
    ["text/csv", false],
  ])("of type %j is parsed as HTML: %j", async (contentType, html) => {
    fetched = { contentType, charset: "koi8-r" };
    await call({ url: address });
    expect(read).toEqual([expect.objectContaining({ html, charset: "koi8-r", address })]);
  });

  it.each(["empty", "unknown", "limits", "damaged", "unavailable"] as const)(
    "that is %s is a failure",
    async (reason) => {
      reading = { kind: "refused", reason };
      expect(await call({ url: address })).toMatchObject({ failed: true, text: expect.stringMatching(/[.]$/) });
    },
  );

  it("that does not come is a failure in the words of who has fetched it; a mistake of ours is none", async () => {
    fetched = new PageError("There is no such host.");
    expect(await call({ url: address })).toEqual({ failed: true, text: "There is no such host." });
    fetched = new TypeError("ours");
    await expect(call({ url: address })).rejects.toThrow("ours");
  });
});

import { afterAll, describe, expect, it } from "vitest";
import { createLogger } from "../../../src/base/log.ts";
import { pageReadingOf } from "../../../src/media/child/job.ts";
import { linksIn } from "../../../src/media/child/page-links.ts";
import { surveyed } from "../../../src/media/child/page-survey.ts";
import { createPageReader } from "../../../src/media/child/reader.ts";
import { strippedText } from "../../../src/media/child/stripped-text.ts";
import type { PageText, PageToRead } from "../../../src/ports/pages.ts";
import { expectNoGrowth, repeated } from "../../support/growth.ts";

const reader = createPageReader({
  log: createLogger({ level: "silent", secrets: [], pretty: false }),
  // What is tested is what is given up before it takes time.
  limits: { jobMs: 120_000, startMs: 120_000 },
});
afterAll(() => reader.stop());

const read = (page: Partial<PageToRead> & Pick<PageToRead, "bytes">) =>
  reader.read({ address: "https://example.com/a/b", html: true, ...page }, new AbortController().signal);

async function pageOf(html: string | Uint8Array, more: Partial<PageToRead> = {}): Promise<PageText> {
  const reading = await read({ bytes: typeof html === "string" ? Buffer.from(html) : html, ...more });
  if (reading.kind !== "page") throw new Error(`no page: ${reading.reason}`);
  return reading;
}

const paragraph = "<p>The fox runs through the forest, and the dog sleeps, as it has always done, in the warm sun.</p>";
const wrap = (body: string, head = "<title>The title</title>") => `<!doctype html><head>${head}</head><body>${body}`;

describe("a page of the web", () => {
  it("is its article, without what stands around it, with its links as whole addresses", async () => {
    const page = await pageOf(
      wrap(
        `<nav><a href="/home">Home</a> Subscribe now</nav><article><h1>Foxes</h1>${paragraph.repeat(12)}
         <p>See <a href="../c?d=1#e">the other page</a>, <a href="https://other.example/x">another</a>,
         <a href="mailto:a@b.c">mail</a>, <a href="#top">top</a>, <a href="javascript:alert(1)">click</a>.</p>
         <ul><li>one</li><li>two</li></ul></article><script>var secret = 1;</script><footer>Imprint</footer>`,
      ),
    );
    expect(page.title).toBe("The title");
    expect(page.text).toContain("The fox runs");
    expect(page.text).toContain("- one\n- two");
    expect(page.text).not.toMatch(/Subscribe|Imprint|secret/);
    expect(page.links).toEqual([
      { words: "the other page", address: "https://example.com/c?d=1" },
      { words: "another", address: "https://other.example/x" },
    ]);
    expect(page.cut).toBe(false);
  });

  it("is all its words where there is no article, without navigation, programs and styles", async () => {
    const page = await pageOf(
      wrap(
        "<style>a{}</style><nav>Menu</nav><table><tr><td>Berlin</td><td>21°</td></tr></table><footer>Imprint</footer>",
      ),
    );
    expect(page.text).toContain("Berlin | 21°");
    expect(page.text).not.toMatch(/Menu|Imprint|a\{\}/);
  });

  it("links from where it says that it stands", async () => {
    const page = await pageOf(wrap('<p>words <a href="c">link</a></p>', '<base href="https://base.example/x/">'));
    expect(page.links).toEqual([{ words: "link", address: "https://base.example/x/c" }]);
  });

  it("is decoded as its host says, then as it says itself", async () => {
    const greek = Buffer.from(wrap("<p>"), "latin1");
    const bytes = Buffer.concat([greek, Buffer.from([0xc3, 0xe5, 0xe9, 0xdc])]);
    expect((await pageOf(bytes, { charset: "windows-1253" })).text).toContain("Γειά");
    const meta = Buffer.concat([Buffer.from(wrap("<p>", '<meta charset="windows-1253">')), bytes.subarray(-4)]);
    expect((await pageOf(meta)).text).toContain("Γειά");
    // The host's word stands above the page's, unless there is no such encoding.
    expect((await pageOf(meta, { charset: "iso-8859-1" })).text).toContain("Ãåé");
    expect((await pageOf(meta, { charset: "klingon" })).text).toContain("Γειά");
  });

  it("that is no HTML is its text", async () => {
    const json = '{"a": "<b>"}';
    expect(await pageOf(json, { html: false })).toMatchObject({ text: json, links: [], cut: false });
    expect(await read({ bytes: Buffer.from("\0\u0001\u0002\0\0\u0003"), html: false })).toEqual({
      kind: "refused",
      reason: "unknown",
    });
  });

  it("is cut where it is longer than what is looked at", async () => {
    const page = await pageOf(wrap("<p>words words</p>".repeat(40_000)));
    expect(page.cut).toBe(true);
    expect(page.text.length).toBeLessThanOrEqual(400_000);
  });
});

describe("a nasty page", () => {
  const nasty: Readonly<Record<string, string>> = {
    "5,000 divs in each other": "<div>".repeat(5_000),
    "50,000 divs in each other": "<div>".repeat(50_000),
    "3,000 tables in each other": "<table>".repeat(3_000),
    "10,000 tags that nothing closes": "<b><i>".repeat(5_000),
    "more than 20,000 elements": "<p>x".repeat(20_001),
    "few elements, each very deep": ("<div>".repeat(190) + "</div>".repeat(190)).repeat(100),
    "100,000 comments": "<!---->".repeat(100_001),
    "an element with 50,000 attributes": `<div ${Array.from({ length: 50_000 }, (_, n) => `a${n}`).join(" ")}>`,
    "100,000 entities": "&amp;".repeat(100_001),
  };

  it.each(Object.entries(nasty))("with %s: no tree is built of it", async (_, html) => {
    expect(await surveyed(wrap(`${html} words`))).toMatchObject({ fits: false, title: "The title" });
  });

  it.each(Object.entries(nasty))("with %s: its words are read all the same", async (_, html) => {
    // Before it: of what is longer than what is looked at, nobody reads the end.
    expect((await pageOf(wrap(`<p>words to read</p>${html}`))).text).toContain("words to read");
  });

  it("just below the limits is looked at as any other", async () => {
    expect((await surveyed(wrap("<p>x".repeat(19_900)))).fits).toBe(true);
    expect((await surveyed(wrap("<div>".repeat(190)))).fits).toBe(true);
  });

  it.each(["<script>", "<script></", "<", "</", "<a", "&amp;", "<style></script>", "> "])(
    "of %s in a row costs what it is long, when nothing but its words is looked for",
    (unit) => {
      expectNoGrowth(repeated(unit), strippedText);
    },
  );

  it("gives no more links than are handed on, each once", async () => {
    const many = Array.from({ length: 500 }, (_, n) => `<a href="/${n % 200}">link ${n}</a>`).join("");
    const links = await linksIn(many, "https://example.com/");
    expect(links).toHaveLength(60);
    expect(new Set(links.map(({ address }) => address)).size).toBe(60);
  });
});

describe("what stands between tags", () => {
  it("is kept, without programs and styles, which may hold tags themselves", () => {
    const html = "a<b>c</b> <script>if (x < y) '</b>'</script>d &amp; <STYLE>x</STYLE> e<script>never closed";
    expect(strippedText(html)).toBe("a\nc\nd & \n e");
  });
});

describe("what the child says of a page", () => {
  const page = { kind: "page", text: "words", links: [], cut: false };
  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["no text", { ...page, text: 1 }],
    ["more text than is read", { ...page, text: "x".repeat(400_001) }],
    ["a list as long as one can be", { ...page, links: new Array(2 ** 32 - 1) }],
    ["links that are none", { ...page, links: [{ words: "a" }] }],
    ["a reason that is none", { kind: "refused", reason: "constructor" }],
    ["a file", { kind: "text", format: "text", parts: [], total: 1 }],
  ])("is not believed when it is %s", (_, said) => {
    expect(pageReadingOf(said)).toBeUndefined();
  });

  it("is made anew, with nothing more in it", () => {
    const said = { ...page, title: "t".repeat(500), links: [{ words: "a", address: "b", more: 1 }], more: 1 };
    expect(pageReadingOf(said)).toEqual({ ...page, title: "t".repeat(300), links: [{ words: "a", address: "b" }] });
  });
});

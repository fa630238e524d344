/** Documents of office programs and books, with the traps that are known of each. */
import { afterAll, describe, expect, it } from "vitest";
import { createReadingScene, memoryOf } from "../../support/file-reading.ts";
import { docxOf, officeOf, type Packed, relations, zipOf } from "../../support/files.ts";

const scene = createReadingScene();
const { read, text, children } = scene;
afterAll(() => scene.stop());

const refused = (reason: string) => ({ kind: "refused", reason });
const p = (words: string, properties = "") => `<w:p>${properties}<w:r><w:t>${words}</w:t></w:r></w:p>`;
const styled = (style: string) => `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>`;

describe("a document of Word", () => {
  it("keeps headings, lists, and tables in rows", async () => {
    const cell = (words: string) => `<w:tc>${p(words)}</w:tc>`;
    const row = (...cells: string[]) => `<w:tr>${cells.map(cell).join("")}</w:tr>`;
    const item = '<w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr>';
    const body = [
      p("Report", styled("berschrift1")),
      p("All went well."),
      p("a point", item),
      `<w:tbl>${row("Month", "Sum")}${row("January", "8,431.50")}</w:tbl>`,
      `<w:p><w:pPr><w:tabs><w:tab w:val="left"/></w:tabs></w:pPr><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/><w:t>three</w:t></w:r></w:p>`,
    ].join("");
    const styles =
      '<w:styles xmlns:w="w"><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style></w:styles>';
    const rels = relations({ rId1: ["styles", "styles.xml"] });
    expect(await text(docxOf(body, { "word/styles.xml": styles, "word/_rels/document.xml.rels": rels }))).toBe(
      "# Report\nAll went well.\n  - a point\nMonth | Sum\nJanuary | 8,431.50\none\ttwo\nthree",
    );
  });

  it("has its footnotes, and its text boxes once; not what was deleted or moved away", async () => {
    const body = [
      '<w:p><w:r><w:t>See</w:t><w:footnoteReference w:id="2"/></w:r></w:p>',
      `<w:p><w:r><w:t>Around it</w:t><mc:AlternateContent><mc:Choice>${p("in a box")}</mc:Choice><mc:Fallback>${p("in a box")}</mc:Fallback></mc:AlternateContent></w:r></w:p>`,
      "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom><w:r><w:t>stays</w:t></w:r></w:p>",
    ].join("");
    const notes = `<w:footnotes xmlns:w="w"><w:footnote w:type="separator" w:id="-1">${p("")}</w:footnote><w:footnote w:id="2">${p("the parrot is blue")}</w:footnote></w:footnotes>`;
    const rels = relations({ rId1: ["footnotes", "footnotes.xml"] });
    expect(await text(docxOf(body, { "word/footnotes.xml": notes, "word/_rels/document.xml.rels": rels }))).toBe(
      "See[^f2]\nAround it\nin a box\nstays\n\n[^f2]: the parrot is blue",
    );
  });

  it("is cut where it is longer than what is read of a file", async () => {
    const reading = await read(docxOf(p("words ".repeat(20)).repeat(5_000)));
    expect(reading).toMatchObject({ kind: "text", format: "docx", cut: true });
    expect(reading.kind === "text" && reading.parts[0]!.text.length).toBeGreaterThan(390_000);
  });

  it("is read at its beginning, though all of it stands in one cell", async () => {
    const layout = `<w:tbl><w:tr><w:tc>${p("words ".repeat(20)).repeat(5_000)}</w:tc></w:tr></w:tbl>`;
    const reading = await read(docxOf(layout));
    expect(reading).toMatchObject({ kind: "text", format: "docx", cut: true });
    expect(reading.kind === "text" && reading.parts[0]!.text).toMatch(/^words words/);
  });
});

describe("a presentation", () => {
  const shape = (words: string, place = "body") =>
    `<p:sp><p:nvSpPr><p:nvPr><p:ph type="${place}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>${words}</a:t></a:r></a:p></p:txBody></p:sp>`;
  const slide = (content: string, attributes = "") => `<p:sld xmlns:p="p" xmlns:a="a" ${attributes}>${content}</p:sld>`;

  it("has its slides in the order in which they are shown, with tables and notes", async () => {
    const cell = (words: string) => `<a:tc><a:txBody><a:p><a:r><a:t>${words}</a:t></a:r></a:p></a:txBody></a:tc>`;
    const reading = await read(
      officeOf("pptx", {
        "ppt/presentation.xml":
          '<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst><p:sldId id="256" r:id="rId9"/><p:sldId id="257" r:id="rId2"/></p:sldIdLst></p:presentation>',
        "ppt/_rels/presentation.xml.rels": relations({
          rId2: ["slide", "slides/slide1.xml"],
          rId9: ["slide", "/ppt/slides/slide2.xml"],
        }),
        "ppt/slides/slide1.xml": slide(
          `<a:tbl><a:tr>${cell("Jan")}${cell("1204")}</a:tr></a:tbl>${shape("7", "sldNum")}`,
          'show="0"',
        ),
        "ppt/slides/slide2.xml": slide(shape("Why")),
        "ppt/slides/_rels/slide2.xml.rels": relations({ rId1: ["notesSlide", "../notesSlides/notesSlide1.xml"] }),
        "ppt/notesSlides/notesSlide1.xml": slide(`${shape("1", "sldNum")}${shape("mention the marmalade")}`),
      }),
    );
    expect(reading).toMatchObject({
      kind: "text",
      unit: "slide",
      total: 2,
      parts: [
        { number: 1, text: "Why\nNotes: mention the marmalade" },
        { number: 2, text: "[hidden slide]\nJan | 1204" },
      ],
    });
  });
});

describe("a workbook", () => {
  const workbook = (
    sheets: Readonly<Record<string, string>>,
    more: Readonly<Record<string, Packed>> = {},
    tags = "",
  ) => {
    const names = Object.keys(sheets);
    const listed = names.map(
      (name, at) =>
        `<sheet name="${name}" sheetId="${at + 1}" ${/^Hidden/.test(name) ? 'state="hidden"' : ""} r:id="rId${at + 1}"/>`,
    );
    const targets = names.map((_, at) => [`rId${at + 1}`, ["worksheet", `worksheets/sheet${at + 1}.xml`]] as const);
    return officeOf("xlsx", {
      "xl/workbook.xml": `<workbook xmlns:r="r">${tags}<sheets>${listed.join("")}</sheets></workbook>`,
      "xl/_rels/workbook.xml.rels": relations({
        ...Object.fromEntries(targets),
        rId90: ["sharedStrings", "sharedStrings.xml"],
        rId91: ["styles", "styles.xml"],
      }),
      "xl/styles.xml":
        '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy"/><numFmt numFmtId="165" formatCode="00000"/><numFmt numFmtId="166" formatCode="&quot;day&quot; #,##0.00"/><numFmt numFmtId="167" formatCode="[h]:mm"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="167"/><xf numFmtId="22"/><xf numFmtId="9"/></cellXfs></styleSheet>',
      ...Object.fromEntries(
        Object.values(sheets).map((rows, at) => [
          `xl/worksheets/sheet${at + 1}.xml`,
          `<worksheet><sheetData>${rows}</sheetData></worksheet>`,
        ]),
      ),
      ...more,
    });
  };
  const row = (cells: string) => `<row>${cells}</row>`;

  it("shows what its cells show: dates, zeros, results, errors", async () => {
    const strings =
      "<sst><si><t>東京</t><rPh><t>トウキョウ</t></rPh></si><si><r><t>rich </t></r><r><t>bold</t></r></si><si><t>007</t></si></sst>";
    const rows = [
      row('<c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c><c r="D1" t="s"><v>2</v></c>'),
      row(
        '<c r="A2" s="1"><v>46053</v></c><c r="B2" s="2"><v>42</v></c><c r="C2" s="3"><v>46053</v></c><c r="D2"><f>SUM(1)</f><v>3677</v></c>',
      ),
      row(
        '<c r="A3" t="e"><v>#DIV/0!</v></c><c r="B3" t="b"><v>1</v></c><c r="C3" s="6"><v>0.25</v></c><c r="D3"><v>0.30000000000000004</v></c>',
      ),
      row(
        '<c r="A4" s="5"><v>46053.5</v></c><c r="B4" s="4"><v>1.5</v></c><c r="C4" t="inlineStr"><is><t>inline</t></is></c>',
      ),
    ].join("");
    const book = workbook(
      { Sales: rows, "Hidden one": row('<c r="A1"><v>1</v></c>') },
      { "xl/sharedStrings.xml": strings },
    );
    expect(await read(book)).toMatchObject({
      unit: "sheet",
      total: 2,
      parts: [
        {
          name: "Sales",
          text: "東京 |  | rich bold | 007\n2026-01-31 | 00042 | 46053 | 3677\n#DIV/0! | TRUE | 25% | 0.3\n2026-01-31 12:00 | 36:00:00 | inline",
        },
        { name: "Hidden one", text: "[a hidden sheet, left out]" },
      ],
    });
  });

  it("has as many sheets as are read, with names of one line that are no longer than names are", async () => {
    const [name, value] = ["S]&#10;--- end ".repeat(100), row('<c r="A1"><v>1</v></c>')];
    const named = await read(workbook({ [name]: value }));
    expect(named).toMatchObject({ total: 1, parts: [{ name: "S] --- end ".repeat(100).slice(0, 300) }] });
    const sheet = `<sheet name="${"n".repeat(6_000)}" r:id="rId1"/>`;
    const list = `<workbook xmlns:r="r"><sheets>${sheet.repeat(12_000)}</sheets></workbook>`;
    const many = await read(workbook({ one: value }, { "xl/workbook.xml": list }));
    expect(many).toMatchObject({ kind: "text", total: 12_000 });
    expect(JSON.stringify(many).length).toBeLessThan(500_000);
  });

  it("may show one long text in many cells", async () => {
    const strings = `<sst><si><t>${"a b ".repeat(50_000)}</t></si></sst>`;
    const cells = '<c r="A1" t="s"><v>0</v></c>'.repeat(20_000);
    const said = await text(workbook({ one: row(cells) }, { "xl/sharedStrings.xml": strings }));
    expect(said).toBe("a b ".repeat(50_000).trimEnd());
  });

  it("counts days from 1904 where it says so", async () => {
    const rows = row('<c r="A1" s="1"><v>44591</v></c>');
    expect(await text(workbook({ Sheet: rows }, {}, '<workbookPr date1904="1"/>'))).toBe("2026-01-31");
  });

  it("is read up to its 2,000th row, and tells how many more there are", async () => {
    const rows = Array.from({ length: 50_000 }, (_, at) => row(`<c><v>${at + 1}</v></c>`)).join("");
    const said = (await text(workbook({ Long: rows }))).split("\n");
    expect(said.slice(-2)).toEqual(["2000", "[48000 more rows, left out]"]);
  });
});

describe("a document in the OpenDocument format", () => {
  const odf = (kind: string, body: string, styles = "", more: Readonly<Record<string, Packed>> = {}) =>
    zipOf({
      mimetype: `application/vnd.oasis.opendocument.${kind}`,
      "content.xml": `<office:document-content><office:automatic-styles>${styles}</office:automatic-styles><office:body>${body}</office:body></office:document-content>`,
      ...more,
    });
  const cell = (words: string, attributes = "") =>
    `<table:table-cell ${attributes}><text:p>${words}</text:p></table:table-cell>`;

  it("is text with headings, lists, tables and notes", async () => {
    const body = `<office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>
      <text:h text:outline-level="2">Report</text:h>
      <text:p>All<text:s text:c="2"/>went<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>mostly</text:p></text:note-body></text:note>
        well.<office:annotation><text:p>really?</text:p></office:annotation></text:p>
      <text:list><text:list-item><text:p>a point</text:p></text:list-item></text:list>
      <table:table><table:table-row>${cell("Month")}${cell("Sum")}</table:table-row></table:table></office:text>`;
    expect(await read(odf("text", body))).toMatchObject({
      format: "odt",
      parts: [{ text: "## Report\nAll  went[^1] well.\n[^1]: mostly\n- a point\nMonth | Sum" }],
    });
  });

  it("is a sheet whose cells are written once and meant many times", async () => {
    const table = (name: string, rows: string, attributes = "") =>
      `<table:table table:name="${name}" ${attributes}>${rows}</table:table>`;
    const styles =
      '<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>';
    const body = `<office:spreadsheet>${table(
      "Sales",
      `<table:table-row>${cell("31.01.26", 'office:value-type="date" office:date-value="2026-01-31"')}${cell("x", 'table:number-columns-repeated="3"')}${'<table:table-cell table:number-columns-repeated="16000"/>'}</table:table-row>
       <table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
       <table:table-row table:number-rows-repeated="2"><table:table-cell/>${cell("00042")}</table:table-row>
       <table:table-row table:number-rows-repeated="5000">${cell("a")}</table:table-row>
       <table:table-row>${cell("never")}</table:table-row>`,
    )}${table("Secret", `<table:table-row>${cell("hush")}</table:table-row>`, 'table:style-name="ta2"')}</office:spreadsheet>`;
    const reading = await read(odf("spreadsheet", body, styles));
    expect(reading).toMatchObject({ format: "ods", unit: "sheet", total: 2 });
    const [sales, secret] = reading.kind === "text" ? reading.parts : [];
    const lines = sales!.text.split("\n");
    expect(lines.slice(0, 4)).toEqual(["2026-01-31 | x | x | x", " | 00042", " | 00042", "a"]);
    expect(lines.slice(-2)).toEqual(["a", "[1 more rows, left out]"]);
    expect(secret).toMatchObject({ name: "Secret", text: "[a hidden sheet, left out]" });
  });

  it("is a presentation with notes", async () => {
    const page = (words: string) =>
      `<draw:page><draw:frame><draw:text-box><text:p>${words}</text:p></draw:text-box></draw:frame><draw:frame presentation:class="page-number"><draw:text-box><text:p>9</text:p></draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>say it</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>`;
    expect(
      await read(odf("presentation", `<office:presentation>${page("Why")}${page("How")}</office:presentation>`)),
    ).toMatchObject({
      format: "odp",
      unit: "slide",
      total: 2,
      parts: [{ text: "Why\nNotes: say it" }, { text: "How\nNotes: say it" }],
    });
  });

  it("has as many slides and sheets as are read, and tells how many there are", async () => {
    const slides = "<draw:page><text:p>a slide</text:p></draw:page>".repeat(3_000);
    const sheets = `<table:table><table:table-row>${cell("a sheet")}</table:table-row></table:table>`.repeat(3_000);
    for (const [kind, body] of [
      ["presentation", slides],
      ["spreadsheet", sheets],
    ] as const) {
      const reading = await read(odf(kind, body));
      expect(reading).toMatchObject({ kind: "text", total: 3_000 });
      const parts = reading.kind === "text" ? reading.parts : [];
      expect(parts).toHaveLength(1_000);
      expect(parts.at(-1)?.text).toMatch(/^a (slide|sheet)$/);
    }
  });

  it("asks for its password", async () => {
    const manifest =
      '<manifest:manifest><manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry></manifest:manifest>';
    const locked = { "META-INF/manifest.xml": manifest, "content.xml": Buffer.from([1, 2, 3]) };
    expect(await read(odf("text", "", "", locked))).toMatchObject(refused("password"));
  });
});

describe("a book", () => {
  const book = (more: Readonly<Record<string, Packed>> = {}) =>
    zipOf({
      mimetype: "application/epub+zip",
      "META-INF/container.xml":
        '<container><rootfiles><rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
      "OEBPS/content.opf":
        '<package><manifest><item id="two" href="text/two.xhtml"/><item id="one" href="text/one%20more.xhtml"/></manifest><spine><itemref idref="one"/><itemref idref="two"/></spine></package>',
      "OEBPS/text/one more.xhtml":
        '<?xml version="1.0"?><!DOCTYPE html><html><head><title/></head><body><h1>One</h1><p>It begins &amp; goes on.</p></body></html>',
      "OEBPS/text/two.xhtml": "<html><body><p>It ends.</p></body></html>",
      ...more,
    });

  it("is text by chapter, in the order in which it is read", async () => {
    expect(await read(book())).toMatchObject({
      format: "epub",
      unit: "chapter",
      total: 2,
      parts: [{ text: "# One\n\nIt begins & goes on." }, { text: "It ends." }],
    });
  });

  it("that only a shop's own reader opens is refused", async () => {
    const encryption =
      '<encryption><EncryptedData><CipherReference URI="OEBPS/text/one%20more.xhtml"/></EncryptedData><EncryptedData><CipherReference URI="OEBPS/text/two.xhtml"/></EncryptedData></encryption>';
    expect(await read(book({ "META-INF/encryption.xml": encryption }))).toMatchObject(refused("password"));
  });
});

describe("a broken or hostile archive", () => {
  const whole = docxOf(p("words"));

  it("is refused with its reason", async () => {
    expect(await read(zipOf({ "holiday.jpg": "x" }))).toMatchObject(refused("unknown"));
    expect(await read(whole.subarray(0, whole.length - 30))).toMatchObject(refused("damaged"));
    expect(await read(zipOf({ mimetype: "application/epub+zip" }))).toMatchObject(refused("damaged"));
    expect(await read(zipOf({ "_rels/.rels": "<a/>" }, { encrypted: true }))).toMatchObject(refused("password"));
    expect(await read(docxOf("<w:p><w:t>never closed"))).toMatchObject(refused("damaged"));
    expect(await read(docxOf("<w:p/>"))).toMatchObject(refused("empty"));
    expect(await read(officeOf("xlsx", { "xl/workbook.xml": "<workbook/>" }))).toMatchObject(refused("empty"));
    const binary = zipOf({ "_rels/.rels": relations({ rId1: ["officeDocument", "xl/workbook.bin"] }) });
    expect(await read(binary)).toMatchObject(refused("legacy"));
    const climbing = docxOf(p("words"), { "../../etc/passwd": "x" });
    expect(await read(climbing)).toMatchObject(refused("damaged"));
  });

  it("knows no entities of its own", async () => {
    const laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>';
    const main = `${laughs}<w:document><w:p><w:t>&b;</w:t></w:p></w:document>`;
    expect(await read(officeOf("docx", { "word/document.xml": main }))).toMatchObject(refused("damaged"));
    expect(await read(docxOf(p("&b;")))).toMatchObject(refused("damaged"));
  });

  it.skipIf(process.platform !== "linux")("is not inflated further than its bounds", async () => {
    await read(whole);
    const [pid = 0] = children();
    const before = memoryOf(process.pid).now;
    const bombs = {
      "paragraphs without a word": "<w:p/>".repeat(200_000),
      "depth without an end": "<w:p>".repeat(200_000),
      "a word without an end": "x".repeat(1_000_000),
      "an attribute without an end": `<w:p a="${"x".repeat(1_000_000)}`,
    };
    for (const [what, piece] of Object.entries(bombs)) {
      const bomb = officeOf("docx", { "word/document.xml": { start: "<w:document><w:t>", piece, times: 400 } });
      expect([what, await read(bomb)]).toMatchObject([what, refused(/attribute/.test(what) ? "damaged" : "limits")]);
    }
    expect(memoryOf(pid).peak).toBeLessThan(600);
    expect(memoryOf(process.pid).now - before).toBeLessThan(60);
    expect(await text(whole)).toBe("words");
  });

  it("is refused when it leaves more paragraphs open than elements may be deep", async () => {
    const open = '<p:sp><a:p><a:t>x</a:t><p:ph type="dt"/></a:p></p:sp>';
    const slide = `<p:sld xmlns:p="p" xmlns:a="a">${open.repeat(60_000)}</p:sld>`;
    const bomb = officeOf("pptx", {
      "ppt/presentation.xml":
        '<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst><p:sldId r:id="rId1"/></p:sldIdLst></p:presentation>',
      "ppt/_rels/presentation.xml.rels": relations({ rId1: ["slide", "slides/slide1.xml"] }),
      "ppt/slides/slide1.xml": slide,
    });
    const startedAt = performance.now();
    expect(await read(bomb)).toMatchObject(refused("limits"));
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it("has not too many files, nor is one of them read that is not asked for", async () => {
    const many = Object.fromEntries(Array.from({ length: 5_001 }, (_, at) => [`word/media/${at}.png`, ""]));
    expect(await read(docxOf(p("words"), many))).toMatchObject(refused("limits"));
    const beside = docxOf(p("words"), { "word/media/bomb.bin": { piece: "\0".repeat(1_000_000), times: 2_000 } });
    expect(await text(beside)).toBe("words");
  });
});

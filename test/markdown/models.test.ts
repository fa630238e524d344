import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStreamRenderer, type Rendered, renderMarkdown } from "../../src/markdown/render.ts";
import { markdownDocument, markdownRubble } from "../support/markdown-arbitrary.ts";

function styles({ text, entities }: Rendered): string[] {
  return entities.map((entity) => {
    const covered = text.slice(entity.offset, entity.offset + entity.length);
    return entity.type === "text_link" ? `link:${covered} ${entity.url}` : `${entity.type}:${covered}`;
  });
}

type Case = readonly [name: string, markdown: string, text: string, styles?: readonly string[]];

/** What is shown at the end; and at each step before, its beginning. */
function table(cases: readonly Case[]): void {
  it.each(cases.map(([name, markdown, text, wanted]) => ({ name, markdown, text, wanted })))(
    "$name",
    ({ markdown, text, wanted }) => {
      const rendered = renderMarkdown(markdown);
      expect(rendered.text).toBe(text);
      if (wanted !== undefined) expect(styles(rendered)).toEqual(wanted);
      const letters = (shown: string) => shown.replace(/[^\p{L}\p{N}]/gu, "");
      const stream = createStreamRenderer();
      for (let end = 1; end <= markdown.length; end += 1) {
        const beginning = letters(stream.render(markdown.slice(0, end)).text);
        expect(letters(text).slice(0, beginning.length), JSON.stringify(markdown.slice(0, end))).toBe(beginning);
      }
      expect(stream.renderFinal(markdown)).toEqual(rendered);
    },
  );
}

describe("emphasis is what a reader of the source sees", () => {
  table([
    [
      "a colon before a letter",
      "**Note:**This and **More:**That",
      "Note:This and More:That",
      ["bold:Note:", "bold:More:"],
    ],
    ["italic before a CJK letter", "*很好…。*这", "很好…。这", ["italic:很好…。"]],
    ["struck before a CJK letter", "~~旧的…。~~这", "旧的…。这", ["strikethrough:旧的…。"]],
    ["around code", "**运行`npm test`：**然后", "运行npm test：然后", ["bold:运行", "code:npm test", "bold:："]],
    ["quotation marks between letters", "他说**“你好”**是的", "他说“你好”是的", ["bold:“你好”"]],
    [
      "Japanese and Korean",
      "これは**「重要」**です **중요:**이것",
      "これは「重要」です 중요:이것",
      ["bold:「重要」", "bold:중요:"],
    ],
    ["Arabic", "**ملاحظة:**هذا مهم", "ملاحظة:هذا مهم", ["bold:ملاحظة:"]],
    ["Arabic, italic and struck", "*انظر!*هنا ~~خطأ.~~صح", "انظر!هنا خطأ.صح", ["italic:انظر!", "strikethrough:خطأ."]],
    ["Hebrew", "**הערה:**זה", "הערה:זה", ["bold:הערה:"]],
    ["Hebrew, quoted behind a prefix", 'ה**"מילה"**הזאת', 'ה"מילה"הזאת', ['bold:"מילה"']],
    [
      "underscores beside CJK letters",
      "这是__重点__内容 和_“强调”_的",
      "这是重点内容 和“强调”的",
      ["bold:重点", "italic:“强调”"],
    ],
    ["part of a word", "Hyper**T**ext", "HyperText", ["bold:T"]],
    ["a number at its end", "**Step 1**Do it", "Step 1Do it", ["bold:Step 1"]],
    ["within a link's text", "[**a:**b](http://c.de)", "a:b", ["link:a:b http://c.de", "bold:a:"]],
  ]);
});

describe("signs of products and names stay", () => {
  table([
    ["products", "2*3*4 is 24, a*b*c too, (a+b)*(c+d)*e", "2*3*4 is 24, a*b*c too, (a+b)*(c+d)*e", []],
    ["products of words", "width*height*depth", "width*height*depth", []],
    ["products in two places", "a*b and c*d, 10*20 or 30*40", "a*b and c*d, 10*20 or 30*40", []],
    ["powers", "x**2 + y**2, 2**3**4, 2**n and 2**m", "x**2 + y**2, 2**3**4, 2**n and 2**m", []],
    [
      "names",
      "__init__ and __main__, __str__(self), a.__custom__",
      "__init__ and __main__, __str__(self), a.__custom__",
      [],
    ],
    ["a name with parts", "__init_subclass__ and __my_name__", "__init_subclass__ and __my_name__", []],
    ["snake case", "snake_case_name and _private_name", "snake_case_name and _private_name", []],
    ["names of files", 'src/*.ts and test/*.ts, "*.js" or "*.css"', 'src/*.ts and test/*.ts, "*.js" or "*.css"', []],
    ["arguments", "*args and **kwargs", "*args and **kwargs", []],
    ["but not those of emphasis", "__bold__ and **bold**", "bold and bold", ["bold:bold", "bold:bold"]],
  ]);
});

describe("lists, footnotes, references", () => {
  table([
    ["boxes in ordered lists", "1. [ ] a\n2. [x] b", "1. ☐ a\n2. ☑ b", []],
    ["footnotes", "One[^1], two[^2].\n\n[^1]: First.\n[^2]: Second.", "One¹, two².\n\n¹ First.\n² Second.", []],
    ["footnotes with names", "a[^note] b[^other]\n\n[^note]: x\n[^other]: y", "a¹ b²\n\n¹ x\n² y", []],
    ["a footnote of two paragraphs", "a[^1]\n\n[^1]: b\n\n    c\n\nd", "a¹\n\n¹ b\n\n  c\n\nd"],
    ["a footnote with a name behind a blank", "[^n]: x\n\na [^n] b", "¹ x\n\na ¹ b", []],
    ["a class of characters is none", "match [^a-z] or [^abc]", "match [^a-z] or [^abc]", []],
    [
      "two sources",
      "a [1][2]\n\n[1]: http://b.co\n[2]: http://c.de",
      "a [1][2]",
      ["link:[1] http://b.co", "link:[2] http://c.de"],
    ],
    ["a source by number with its address", "as in [1](http://b.co)", "as in [1]", ["link:[1] http://b.co"]],
  ]);

  it.each([
    ["in a quote", "> [x]: http://b.co\n\nSee [a][x]."],
    ["in a list", "- b\n\n  [x]: http://b.co\n\nSee [a][x]."],
    ["before", "[x]: http://b.co\n\nSee [a][x]."],
    ["behind", "See [a][x].\n\nMore.\n\n[x]: http://b.co"],
    ["behind, in a quote", "See [a][x].\n\n> b\n>\n> [x]: http://b.co"],
  ])("a reference defined %s resolves", (_name, markdown) => {
    expect(styles(renderMarkdown(markdown))).toContain("link:a http://b.co");
    const stream = createStreamRenderer();
    for (let end = 1; end <= markdown.length; end += 1) stream.render(markdown.slice(0, end));
    expect(stream.renderFinal(markdown)).toEqual(renderMarkdown(markdown));
  });

  it("a definition does not make previews dearer: what is closed is not parsed again", () => {
    const paragraphs = Array.from(
      { length: 300 },
      (_, n) => `Paragraph **${n}** of [this][x] and more words in it.\n\n`,
    );
    const cost = (head: string) => {
      const stream = createStreamRenderer();
      let text = head;
      const start = process.threadCpuUsage();
      for (const paragraph of paragraphs) {
        text += paragraph;
        stream.render(text);
      }
      const { user, system } = process.threadCpuUsage(start);
      return user + system;
    };
    const least = (head: string) => Math.min(...Array.from({ length: 5 }, () => cost(head)));
    expect(least("[x]: http://b.co\n\n")).toBeLessThan(3 * least("[y] http://b.co\n\n"));
  });
});

describe("tables", () => {
  const wide =
    "| Name | Description of it | Price |\n|---|---|--:|\n| Tea | green, from the high **mountains** | 3 |\n| Coffee | [black](http://b.co) | |";
  table([
    [
      "wider than 40 columns: a block for each row",
      wide,
      "Name: Tea\nDescription of it: green, from the high mountains\nPrice: 3\n\nName: Coffee\nDescription of it: black\nPrice: –",
      [
        "bold:Name:",
        "bold:Description of it:",
        "bold:mountains",
        "bold:Price:",
        "bold:Name:",
        "bold:Description of it:",
        "link:black http://b.co",
        "bold:Price:",
      ],
    ],
    [
      "as wide as 40 columns: in columns",
      `|${"a".repeat(18)}|${"b".repeat(19)}|\n|-|-|\n|1|2|`,
      `${"a".repeat(18)} │ ${"b".repeat(19)}\n${"─".repeat(3)}${" ".repeat(15)} │ ───\n1${" ".repeat(17)} │ 2`,
    ],
    [
      "CJK counts two columns",
      "|名称|说明|\n|-|-|\n|一二三四五六七八九十|一二三四五六七八九十|",
      "名称: 一二三四五六七八九十\n说明: 一二三四五六七八九十",
    ],
    [
      "the first row decides, later ones do not",
      `|a|b|\n|-|-|\n|1|2|\n|3|${"c".repeat(60)}|`,
      `a   │ b\n─── │ ───\n1   │ 2\n3   │ ${"c".repeat(60)}`,
    ],
    ["cells beyond the head are named by their place", `|a|\n|-|\n|${"b".repeat(45)}|c|`, `a: ${"b".repeat(45)}\n2: c`],
    [
      "the cell of a column without a name is the row's",
      `||${"a".repeat(45)}|\n|-|-|\n|x|y|`,
      `x\n${"a".repeat(45)}: y`,
    ],
  ]);

  it("are held back until their first row is whole, and only moved by nothing that follows", () => {
    const stream = createStreamRenderer();
    const shown = (end: number) => stream.render(wide.slice(0, end)).text;
    expect(shown(wide.indexOf("Tea"))).toBe("");
    expect(shown(wide.indexOf("| 3") + 2)).toBe("");
    expect(shown(wide.indexOf("| Coffee"))).toBe(
      "Name: Tea\nDescription of it: green, from the high mountains\nPrice: 3",
    );
  });
});

describe("code and addresses", () => {
  table([
    [
      "a fence of Markdown that holds another is one block",
      "```markdown\n# Title\n\n```js\na();\n```\n\nEnd\n```\n\nOutside",
      "# Title\n\n```js\na();\n```\n\nEnd\n\nOutside",
      ["pre:# Title\n\n```js\na();\n```\n\nEnd"],
    ],
    ["other fences end where they always did", "```js\na();\n```\nb\n```\nc", "a();\nb\nc", ["pre:a();", "pre:c"]],
    [
      "an address ends before CJK marks",
      "见 https://e.com/guide，详见。（https://e.com/a）《https://e.com/b》",
      "见 https://e.com/guide，详见。（https://e.com/a）《https://e.com/b》",
      [
        "link:https://e.com/guide https://e.com/guide",
        "link:https://e.com/a https://e.com/a",
        "link:https://e.com/b https://e.com/b",
      ],
    ],
    [
      "an address ends before the marks around it",
      "**https://e.com/pull/1**。做 (see https://e.com/a_(b)). “https://e.com/c”",
      "https://e.com/pull/1。做 (see https://e.com/a_(b)). “https://e.com/c”",
      [
        "link:https://e.com/pull/1 https://e.com/pull/1",
        "bold:https://e.com/pull/1",
        "link:https://e.com/a_(b) https://e.com/a_(b)",
        "link:https://e.com/c https://e.com/c",
      ],
    ],
    [
      "an address right behind a letter or a mark",
      "见https://e.com/a，_https://e.com/b_ https://e.com/c|d",
      "见https://e.com/a，https://e.com/b https://e.com/c|d",
      [
        "link:https://e.com/a https://e.com/a",
        "link:https://e.com/b https://e.com/b",
        "italic:https://e.com/b",
        "link:https://e.com/c https://e.com/c",
      ],
    ],
    [
      "an address with blanks",
      "[the file](https://e.com/my file.pdf)",
      "the file",
      ["link:the file https://e.com/my%20file.pdf"],
    ],
    [
      "an address with blanks and a title",
      '[a](https://e.com/my file.pdf "T")',
      "a",
      ["link:a https://e.com/my%20file.pdf"],
    ],
  ]);
});

describe("data is never text", () => {
  const data = `data:image/png;base64,${"iVBORw0KGgo".repeat(100)}`;
  table([
    ["an image with a description", `a ![a cat](${data}) b`, "a a cat b", []],
    ["an image without one", `a ![](${data}) b`, "a [image] b", []],
    ["an address of its own", "a <data:text/plain,hello> b", "a [data] b", []],
    ["a link", `a [download](${data}) b`, "a download b", []],
    ["a reference", `[x]: ${data}\n\n![cat][x]`, "cat", []],
    ["a reference that nothing uses", `a\n\n[x]: ${data}`, "a", []],
    ["an image in HTML", `a <img alt="a cat" src="${data}"> b`, "a a cat b", []],
    ["an image in HTML without a description", `<img src='${data}'>`, "[image]", []],
    ["a link in HTML", `<a href="${data}">download</a> b`, "download b", []],
    ["an image that the answer ends in", `a ![a cat](${data}`, "a a cat", []],
    ["an image of marks", "![pic](data:image/svg+xml;utf8,<svg width='1'><path d=\"M0 0\"/></svg>) b", "pic b", []],
  ]);

  it("shows nothing of it on its way", () => {
    for (const markdown of [`![a cat](${data})`, `[x](${data})`, `<img src="${data}">`, `![cat][x]\n\n[x]: ${data}`]) {
      const stream = createStreamRenderer();
      for (let end = 1; end <= markdown.length; end += 7) {
        expect(stream.render(`Look: ${markdown}`.slice(0, end)).text).not.toMatch(/base64|iVBOR/);
      }
    }
  });
});

describe("whatever the Markdown", () => {
  it("renders any string, and previews that extend each other as fresh ones", () => {
    const anything = fc.oneof(markdownDocument, markdownRubble, fc.string({ unit: "binary", maxLength: 200 }));
    fc.assert(
      fc.property(anything, fc.array(fc.nat(), { maxLength: 8 }), (markdown, ends) => {
        const stream = createStreamRenderer();
        for (const end of ends.map((number) => number % (markdown.length + 1)).sort((a, b) => a - b)) {
          const beginning = markdown.slice(0, end);
          expect(stream.render(beginning)).toEqual(createStreamRenderer().render(beginning));
        }
        expect(stream.renderFinal(markdown)).toEqual(renderMarkdown(markdown));
      }),
      { numRuns: 500 },
    );
  });
});

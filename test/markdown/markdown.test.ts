import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { displayWidth } from "../../src/markdown/characters.ts";
import { readableFormula } from "../../src/markdown/latex.ts";
import { createStreamRenderer, type Rendered, renderMarkdown } from "../../src/markdown/render.ts";
import { markdownDocument, markdownRubble } from "../support/markdown-arbitrary.ts";
import { judgeText } from "../support/telegram-rules.ts";

/** Each entity as `type:covered text`, with its address or language behind it. */
function styles({ text, entities }: Rendered): string[] {
  return entities.map((entity) => {
    const covered = text.slice(entity.offset, entity.offset + entity.length);
    const detail =
      entity.type === "text_link" ? ` ${entity.url}` : entity.type === "pre" ? ` ${entity.language ?? ""}` : "";
    return `${entity.type}:${covered}${detail}`.trimEnd();
  });
}

/** Violations of a text that is not split yet: its length and number of entities do not count. */
function faults(rendered: Rendered): string[] {
  if (rendered.text === "") return rendered.entities.length === 0 ? [] : ["entities without text"];
  return judgeText(rendered.text, rendered.entities).filter((fault) => !/UTF-16 units$|^\d+ entities$/.test(fault));
}

const letters = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, "");
const visible = (text: string) => text.replace(/\s/g, "");

type Case = readonly [name: string, markdown: string, text: string, styles?: readonly string[]];

function table(cases: readonly Case[]): void {
  it.each(cases.map(([name, markdown, text, wanted]) => ({ name, markdown, text, wanted })))(
    "$name",
    ({ markdown, text, wanted }) => {
      const rendered = renderMarkdown(markdown);
      expect(rendered.text).toBe(text);
      if (wanted !== undefined) expect(styles(rendered)).toEqual(wanted);
      expect(faults(rendered)).toEqual([]);
    },
  );
}

describe("inline markup becomes entities", () => {
  table([
    [
      "bold, italic, struck and code",
      "**a** _b_ ~~c~~ `d`",
      "a b c d",
      ["bold:a", "italic:b", "strikethrough:c", "code:d"],
    ],
    ["a single tilde means about", "~5 to ~10", "~5 to ~10", []],
    ["bold in bold is one bold", "**a __b__ c**", "a b c", ["bold:a b c"]],
    ["bold stops at code", "**a `b` c**", "a b c", ["bold:a", "code:b", "bold:c"]],
    ["bold that touches bold is one", "**a**__b__", "ab", ["bold:ab"]],
    ["nested styles", "***a** b*", "a b", ["italic:a b", "bold:a"]],
    [
      "styles lose the white space at their ends",
      "x** a **<b> </b>~~b ~~*[ c ](http://a.bc)* y",
      "x** a ** ~~b ~~ c  y",
      ["text_link:c http://a.bc", "italic:c"],
    ],
    ["a heading is bold", "# One **two** `x`", "One two x", ["bold:One two", "code:x"]],
    ["line breaks stay, hard ones and soft ones", "a\nb  \nc\\\nd", "a\nb\nc\nd", []],
    ["character references outside code", "a &amp; b &lt;c&gt; `&amp;`", "a & b <c> &amp;", ["code:&amp;"]],
    ["escapes", "\\*a\\* \\# 1\\. \\\\(", "*a* # 1. \\(", []],
    ["CJK bold that CommonMark does not see", "他说**“你好”**是的", "他说“你好”是的", ["bold:“你好”"]],
  ]);
});

describe("links lead where they say and ping nobody", () => {
  table([
    ["a link", "[a](https://b.co/c?d=1&e=2)", "a", ["text_link:a https://b.co/c?d=1&e=2"]],
    ["bold in a link, code in a link", "[**a** `b`](http://c.de)", "a b", ["text_link:a b http://c.de", "bold:a"]],
    [
      "an address alone",
      "<http://a.bc> https://d.ef/@g",
      "http://a.bc https://d.ef/@g",
      ["text_link:http://a.bc http://a.bc", "text_link:https://d.ef/@g https://d.ef/@g"],
    ],
    ["a relative address is shown", "[a](/b) [c](#d)", "a (/b) c (#d)", []],
    ["an address without a dot is shown", "[a](http://localhost:80/)", "a (http://localhost:80/)", []],
    ["mail addresses are shown", "[write](mailto:a@b.co) c@d.ef", "write (a@b.co) c@d.ef", []],
    ["other schemes are shown, scripts are not", "[a](ftp://b.co) [c](javascript:alert)", "a (ftp://b.co) c", []],
    ["no link to a person", "[a](tg://user?id=42) [b](TG://USER?id=42)", "a b", []],
    ["a link into Telegram", "[a](tg://resolve?domain=b)", "a", ["text_link:a tg://resolve?domain=b"]],
    [
      "mentions",
      "@bob, **@bob** [@bob](http://a.bc) `@bob` a@b.co",
      "@\u2060bob, @\u2060bob @\u2060bob @bob a@b.co",
      ["bold:@\u2060bob", "text_link:@\u2060bob http://a.bc", "code:@bob"],
    ],
    ["a mention across styles", "@**bob** x", "@\u2060bob x", ["bold:bob"]],
    [
      "images are links",
      "![a](http://b.co/c.png) ![](http://b.co/d.png)",
      "a http://b.co/d.png",
      ["text_link:a http://b.co/c.png", "text_link:http://b.co/d.png http://b.co/d.png"],
    ],
    ["an image in a link", "[![a](http://b.co/c.png)](http://d.ef)", "a", ["text_link:a http://d.ef"]],
    [
      "references",
      "[a][x] and [X]\n\n[x]: http://b.co",
      "a and X",
      ["text_link:a http://b.co", "text_link:X http://b.co"],
    ],
    [
      "sources by number keep their brackets",
      "a [1], b [1][2]\n\n[1]: http://c.de\n[2]: http://f.gh",
      "a [1], b [1][2]",
      ["text_link:[1] http://c.de", "text_link:[1] http://c.de", "text_link:[2] http://f.gh"],
    ],
    [
      "a source that nothing refers to is shown",
      "a\n\n[1]: http://b.co 'T'\n[2]: <http://c.de>",
      "a\n\n[1]: http://b.co 'T'\n[2]: http://c.de",
      [],
    ],
    ["footnotes", "a[^1] b\n\n[^1]: note **x**\n[^2]: unused", "a¹ b\n\n¹ note x\n² unused", ["bold:x"]],
  ]);
});

describe("blocks", () => {
  table([
    ["lists, nested and with tasks", "- a\n  - b\n- [ ] c\n- [x] d", "• a\n  • b\n☐ c\n☑ d", []],
    ["numbers from the source's first", "3. a\n4. b\n\nx\n\n7) c", "3. a\n4. b\n\nx\n\n7) c", []],
    ["numbers that are all one", "1. a\n1. b\n\n1. c", "1. a\n2. b\n\n3. c", []],
    ["a loose list", "1. a\n\n   b\n\n2. c", "1. a\n\n   b\n\n2. c", []],
    ["code in a list is not indented", "- a\n  ```js\n  b\n  ```\n- c", "• a\nb\n• c", ["pre:b js"]],
    ["a rule", "a\n\n---\n\nb", "a\n\n———\n\nb", []],
    ["quotes do not nest", "> a\n> > b\n>\n> - c", "a\nb\n\n• c", ["blockquote:a\nb\n\n• c"]],
    ["code in a quote", "> a\n> ```\n> b\n> ```", "a\nb", ["blockquote:a\nb", "pre:b"]],
    [
      "code keeps its spaces, tabs become some",
      "```c++ title\n  a\n\tb\n\n```",
      "  a\n    b".trim(),
      ["pre:a\n    b c++"],
    ],
    ["code that is never closed", "a\n```js\nb\n\n**c**", "a\nb\n\n**c**", ["pre:b\n\n**c** js"]],
    ["code with nothing in it", "a\n\n```\n```\n\nb", "a\n\nb", []],
    [
      "HTML within a line",
      "a<br>b <b>c</b> Vec<String> x<sup>2</sup> H<sub>2</sub>O",
      "a\nb c Vec<String> x^2 H2O",
      [],
    ],
    [
      "blocks of HTML",
      "<details>\n<summary>a</summary>\n\n**b** &amp; c\n\n</details>\n\n<div>d &amp; *e*</div>\n\n<!-- f -->",
      "a\n\nb & c\n\nd & *e*\n\n<!-- f -->",
      ["bold:b"],
    ],
    [
      "a table",
      "|a|bb|\n|-|-:|\n|**1**|2|\n|漢字|😀|",
      "a    │  bb\n───  │ ───\n1    │   2\n漢字 │  😀",
      ["pre:a    │  bb\n───  │ ───\n1    │   2\n漢字 │  😀"],
    ],
    [
      "cells beyond the head, and missing ones",
      "|a|b|\n|-|-|\n|1|2|3|4|\n|5|",
      "a   │ b\n─── │ ───\n1   │ 2   │ 3   │ 4\n5",
    ],
    [
      "links and code in cells",
      "|a|\n|-|\n|[b](http://c.de) `d\\|e` <http://f.gh>|",
      "a\n───\nb (http://c.de) d|e http://f.gh",
    ],
    [
      "a table that is too wide",
      `|${"a".repeat(30)}|${"b".repeat(40)}|\n|-|-|\n|1||3|`,
      `${"a".repeat(30)}: 1\n${"b".repeat(40)}: –\n3: 3`,
    ],
    ["only the cells of a head that fits no table", "| a | b |\n|---|\n| 1 |", "| a | b |\n|---|\n| 1 |", []],
  ]);

  it("aligns by the columns that characters take", () => {
    expect([displayWidth("ab"), displayWidth("漢字"), displayWidth("👨‍👩‍👧"), displayWidth("e\u0301")]).toEqual([
      2, 4, 2, 1,
    ]);
  });
});

describe("formulas are readable, money is money", () => {
  table([
    ["all four marks", "$x^2$ \\(y_1\\) $$z$$ \\[w\\]", "x² y₁ z w", ["code:x²", "code:y₁", "code:z", "code:w"]],
    ["a block", "a\n\n$$\n\\sum_{i=1}^n\n- x_i\n$$\n\nb", "a\n\n∑ᵢ₌₁ⁿ - xᵢ\n\nb", ["pre:∑ᵢ₌₁ⁿ - xᵢ"]],
    ["a block in brackets, in a list", "1. a\n   \\[\n   x \\\\\n   y\n   \\]\n2. b", "1. a\nx\ny\n2. b", ["pre:x\ny"]],
    ["a formula alone on its line", "\\[ E = mc^2 \\]", "E = mc²", ["pre:E = mc²"]],
    ["prices", "$5 and $10, $400-600K, 5$ or 6$, $3.50/$4", "$5 and $10, $400-600K, 5$ or 6$, $3.50/$4", []],
    [
      "prices with marks between",
      "$20 **(a+b)** for _this_ and 30$",
      "$20 (a+b) for this and 30$",
      ["bold:(a+b)", "italic:this"],
    ],
    ["shell variables", "$HOME/$USER and $PATH", "$HOME/$USER and $PATH", []],
    ["no formula in code", "`$x^2$` `\\(a\\)`", "$x^2$ \\(a\\)", ["code:$x^2$", "code:\\(a\\)"]],
    ["a block that is never closed is text", "$$\nx\n\n**a**", "$$\nx\n\na", ["bold:a"]],
    ["an escaped dollar", "\\$x$ and \\$y$", "$x$ and $y$", []],
  ]);

  it.each([
    ["\\frac{a}{b}", "a/b"],
    ["\\frac{a+1}{2b}", "(a+1)/2b"],
    ["\\sqrt{x} + \\sqrt[3]{ab} + \\sqrt[n]{2}", "√x + ∛(ab) + ⁿ√2"],
    ["\\alpha \\times \\Omega \\le \\infty", "α × Ω ≤ ∞"],
    ["\\int_0^\\infty e^{-x^2} dx", "∫₀^∞ e^(-x²) dx"],
    ["a_{n+1} = a_n^2", "aₙ₊₁ = aₙ²"],
    ["90^\\circ", "90°"],
    ["\\text{speed} = \\mathbf{v}\\cdot\\hat{x}", "speed = v·x̂"],
    ["\\left( x \\right) \\in \\mathbb{R}", "( x ) ∈ ℝ"],
    ["\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}", "a b; c d"],
    ["\\lim_{x \\to 0} \\sin x", "lim_(x → 0) sin x"],
    ["\\unknown{x} \\foo", "\\unknown{x} \\foo"],
    ["{a", "{a"],
    ["a}b", "a}b"],
    ["50\\%", "50%"],
    ["f'(x)", "f′(x)"],
  ])("%s is shown as %s", (latex, text) => {
    expect(readableFormula(latex, true)).toBe(text);
  });

  it("loses no letter or digit that is not a command's name", () => {
    const piece = fc.constantFrom(..."x 12 { } ^ _ \\frac \\sqrt \\text \\hat [ ] \\\\ & W 7 é".split(" "), " ");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const count = (text: string) => text.normalize("NFKD").match(/[W7]/g)?.length ?? 0;
        expect(count(readableFormula(pieces.join(""), false))).toBe(count(pieces.join("")));
      }),
    );
  });
});

describe("text as Telegram keeps it", () => {
  table([
    ["white space at the ends", " \n a \n\n ", "a", []],
    ["line ends of all kinds", "a\r\nb\rc", "a\nb\nc", []],
    ["controls, separators, overrides", "a\u0000b\u0007c\u2028d\u202ee\tf", "a b cde f", []],
    ["half a surrogate pair", "a\ud83d b\ude00", "a\ufffd b\ufffd", []],
    ["a ring that Telegram would remove", "a\u030a x\u0333", "å x", []],
    ["references to what is not kept", "a&#8232;b&#0;c&#7;", "ab\ufffdc\ufffd", []],
  ]);

  it("shows nothing for what has nothing to show", () => {
    for (const markdown of ["", " \n", "```\n```", "<b></b>", "#"])
      expect(renderMarkdown(markdown)).toEqual({ text: "", entities: [] });
  });
});

describe("whatever the Markdown", () => {
  it("renders it so that Telegram keeps it", () => {
    fc.assert(
      fc.property(markdownDocument, (markdown) => {
        expect(faults(renderMarkdown(markdown))).toEqual([]);
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(markdownRubble, (markdown) => {
        expect(faults(renderMarkdown(markdown))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("renders every beginning of it so, streaming as well", () => {
    fc.assert(
      fc.property(fc.oneof(markdownDocument, markdownRubble), (markdown) => {
        const stream = createStreamRenderer();
        for (let end = 0; end <= markdown.length; end += 3) {
          const beginning = markdown.slice(0, end);
          expect(faults(stream.render(beginning))).toEqual([]);
          expect(faults(renderMarkdown(beginning))).toEqual([]);
        }
      }),
      { numRuns: 25 },
    );
  }, 120_000);

  it("shows every word, in the order of the source", () => {
    fc.assert(
      fc.property(markdownDocument, (document) => {
        let count = 0;
        const markdown = document.replace(/\b(?:nobody|known|answer)\b/g, (word) => `${word}${count++}q`);
        const shown = [...renderMarkdown(markdown).text.matchAll(/(?:nobody|known|answer)(\d+)q/g)].map((match) =>
          Number(match[1]),
        );
        const all = [...Array(count).keys()];
        expect([...new Set(shown)].sort((a, b) => a - b)).toEqual(all);
        // A table that is too wide names the column before each cell.
        if (!markdown.includes("|")) expect(shown).toEqual(all);
      }),
      { numRuns: 200 },
    );
  });

  it("takes time in proportion, however deep or dense it is", () => {
    const units =
      "> * ** _ ` ~ [ ![ ]( < & \\ $ ( - # | *_ a* **a [a] [a](b) [^ \\( \\[ $$ $a \\frac{ <!-- <b> @a a@ {".split(" ");
    for (const unit of [
      ...units,
      "- ",
      "1. ",
      "> > ",
      "\n>",
      "a\n",
      "- a\n",
      "> a\n\n",
      "$$\n",
      "```\n",
      "|a|b|\n",
      "x ",
      "a",
      "\n",
    ]) {
      const markdown = unit.repeat(Math.ceil(20_000 / unit.length));
      expect(letters(renderMarkdown(markdown).text).length).toBeLessThanOrEqual(letters(markdown).length * 2 + 100);
      createStreamRenderer().render(markdown);
    }
    const deep = Array.from({ length: 1_000 }, (_, depth) => `${"  ".repeat(depth)}- x${depth}q`).join("\n");
    expect(renderMarkdown(deep).text).toContain("x999q");
  }, 120_000);

  it("shows 200,000 equal characters", () => {
    for (const char of ["a", "*", "[", ">", "~a", "$", "|", "漢", "\\"]) {
      expect(renderMarkdown(char.repeat(200_000 / char.length)).text.length).toBeGreaterThan(
        char === "\\" ? 90_000 : 190_000,
      );
    }
  }, 120_000);

  it("renders a table of a thousand rows cell by cell", () => {
    const rows = Array.from({ length: 1_000 }, (_, index) => `| r${index}a | r${index}b |`);
    const { text, entities } = renderMarkdown(["| x | y |", "|---|---|", ...rows].join("\n"));
    expect(entities.map((entity) => entity.type)).toEqual(["pre"]);
    expect(text.match(/r\d+[ab]/g)).toEqual(rows.join("").match(/r\d+[ab]/g));
  });
});

// === Streaming ======================================================================================

const answer = `# A plan for **Q3**

It costs $5 to $10, see [the docs](https://example.com/a_(b)) or ![chart](https://example.com/c.png).
Use \`npm i\` and **bold _both_ text**, then $E = mc^2$ or \\(\\alpha \\le 2\\).

1. First **step**:
   \`\`\`bash
   npm install # **not bold**

   echo "$HOME"
   \`\`\`
2. Second, with ~~mistake~~ 
   - nested \`code\`
   - [x] done <b>now</b>

| Name | Price | Note |
|------|------:|------|
| Tea \`x\` | 3 | [shop](https://example.com) |
| Coffee with a long name | 1,200 | a very long note that makes the table wide | extra |

> Quote with **bold**
> and *more*

$$
\\frac{a}{b} = \\sqrt{2}
$$

\\[ x^2 + y^2 \\]

Setext
------

Last words<br>with a tag & an ampersand &amp; a footnote[^1]. Done!

[^1]: The note.
`;

describe("while an answer streams", () => {
  it("shows the beginning of the final text at every character", () => {
    const final = visible(renderMarkdown(answer).text);
    const stream = createStreamRenderer();
    for (let end = 1; end <= answer.length; end += 1) {
      const shown = visible(stream.render(answer.slice(0, end)).text);
      expect(final.slice(0, shown.length), JSON.stringify(answer.slice(Math.max(0, end - 40), end))).toBe(shown);
    }
    expect(visible(stream.render(answer).text)).toBe(final);
  });

  it("never holds back more than a few hundred characters", () => {
    const stream = createStreamRenderer();
    const final = visible(renderMarkdown(answer).text);
    let before = 0;
    let held = 0;
    for (let end = 1; end <= answer.length; end += 1) {
      const { length } = visible(stream.render(answer.slice(0, end)).text);
      held = length > before ? 0 : held + 1;
      before = Math.max(before, length);
      expect(held).toBeLessThan(120);
    }
    expect(before).toBe(final.length);
    for (const open of ["[", "$$", "\\(", "`", "<a ", "| ", "![", "[a](", "**", "[1]: "]) {
      expect(letters(stream.render(`x ${open}${"word ".repeat(200)}`).text).length).toBeGreaterThan(500);
    }
  });

  it("shows letters that are the beginning of the final ones, for generated answers", () => {
    let views = 0;
    const wrong: string[] = [];
    fc.assert(
      fc.property(markdownDocument, (markdown) => {
        const final = letters(renderMarkdown(markdown).text);
        const stream = createStreamRenderer();
        for (let end = 1; end <= markdown.length; end += 1) {
          views += 1;
          if (!final.startsWith(letters(stream.render(markdown.slice(0, end)).text)))
            wrong.push(markdown.slice(0, end));
        }
      }),
      { numRuns: 25, seed: 3 },
    );
    expect(views).toBeGreaterThan(1_000);
    expect(wrong).toEqual([]);
  }, 120_000);

  it("renders exactly the settled Markdown, and the whole at the end, from wherever the stream came", () => {
    fc.assert(
      fc.property(
        fc.oneof(markdownDocument, markdownRubble),
        fc.array(fc.nat(), { maxLength: 12 }),
        (markdown, ends) => {
          const stream = createStreamRenderer();
          for (const end of [...ends.map((number) => number % (markdown.length + 1)), markdown.length]) {
            const beginning = markdown.slice(0, end);
            expect(stream.render(beginning)).toEqual(createStreamRenderer().render(beginning));
            expect(stream.renderFinal(beginning)).toEqual(renderMarkdown(beginning));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it("takes back what was closed by a line that is not there any more", () => {
    const stream = createStreamRenderer();
    const markdown = "1. [^note]: a\n2. b";
    for (const end of [markdown.length, markdown.length - 3]) {
      const beginning = markdown.slice(0, end);
      expect(stream.render(beginning)).toEqual(createStreamRenderer().render(beginning));
      expect(stream.renderFinal(beginning)).toEqual(renderMarkdown(beginning));
    }
  });

  it("goes on with a long list's numbers, whole and streaming", () => {
    const items = Array.from({ length: 150 }, (_, index) => `1. item **${index}** of a long list\n   - detail`).join(
      "\n",
    );
    const stream = createStreamRenderer();
    for (let end = 0; end < items.length; end += 97) stream.render(items.slice(0, end));
    expect(stream.render(items)).toEqual(renderMarkdown(items));
    const numbers = [...renderMarkdown(items).text.matchAll(/^(\d+)\./gm)].map((match) => Number(match[1]));
    expect(numbers).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
  });

  it("resolves references that are defined later", () => {
    const stream = createStreamRenderer();
    const text = "See [a][x].\n\nMore text here, long enough.\n\nAnd more of it.\n\n";
    expect(stream.render(text).text).toContain("See [a][x].");
    const whole = `${text}[x]: http://b.co\n\nEnd of it`;
    expect(styles(stream.render(whole))).toEqual(["text_link:a http://b.co"]);
  });

  it("holds back of a finished answer only marks at its end", () => {
    fc.assert(
      fc.property(markdownDocument, (markdown) => {
        const whole = `${markdown}\n\nThe end`;
        expect(createStreamRenderer().render(whole).text).toBe(renderMarkdown(whole).text);
      }),
      { numRuns: 100 },
    );
  });
});

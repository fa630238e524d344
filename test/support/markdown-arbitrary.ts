/** Markdown as models write it, generated: blocks nested in lists and quotes, every kind of inline markup. */
import fc from "fast-check";

const words = [
  ..."the answer is quite simple because every part of it was known before and nobody asked".split(" "),
  ..."snake_case C# x<y a@b.co 3.14 don't e.g. 100% well-known café naïve".split(" "),
  ..."漢字 日本語 한국어 “quoted” русский 😀 👨‍👩‍👧 🇩🇪 é ﷽".split(" "),
];

const word = fc.constantFrom(...words);
const plainText = fc.array(word, { minLength: 1, maxLength: 6 }).map((list) => list.join(" "));
const code = fc.constantFrom("`code`", "`a * b`", "``a ` b``", "`npm i`", "`@bob`", "`$HOME`");
const link = fc.constantFrom(
  "[the docs](https://example.com/a_b)",
  "[**bold** link](http://example.com/?q=1&r=2)",
  "[relative](/path)",
  "[mail](mailto:a@example.com)",
  "[person](tg://user?id=42)",
  '[titled](https://example.com "A title")',
  "![image](https://example.com/i.png)",
  "![](https://example.com/i.png)",
  "<https://example.com>",
  "https://example.com/x",
);
const formula = fc.constantFrom(
  "$x^2$",
  "$a_1 + b$",
  "\\(\\frac{a}{b}\\)",
  "$\\alpha \\le \\beta$",
  "$n$-th",
  "\\[ E = mc^2 \\]",
);
const odd = fc.constantFrom(
  "$5 and $10",
  "$400-600K",
  "a < b",
  "1 * 2 * 3",
  "x_1",
  "AT&T",
  "&amp;",
  "\\*",
  "C:\\dir",
  "@bob",
  "/start",
);
const html = fc.constantFrom("a<br>b", "H<sub>2</sub>O", "<b>strong</b>", "Vec<String>", "<kbd>Ctrl</kbd>");
const footnote = fc.constantFrom("noted[^1]", "noted[^note]");

const span: fc.Arbitrary<string> = fc.letrec<{ span: string }>((tie) => ({
  span: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    plainText,
    code,
    link,
    formula,
    odd,
    html,
    footnote,
    tie("span").map((inner) => `**${inner}**`),
    tie("span").map((inner) => `*${inner}*`),
    // Four tildes at the beginning of a line would open a fence.
    tie("span").map((inner) => (inner.startsWith("~") ? inner : `~~${inner}~~`)),
    tie("span").map((inner) => `_${inner}_`),
  ),
})).span;

/** One line of inline markup. */
const inlineMarkdown = fc.array(span, { minLength: 1, maxLength: 5 }).map((list) => list.join(" "));

const paragraph = fc.array(inlineMarkdown, { minLength: 1, maxLength: 3 }).map((lines) => lines.join("\n"));
const heading = fc
  .tuple(fc.integer({ min: 1, max: 4 }), inlineMarkdown)
  .map(([level, text]) => `${"#".repeat(level)} ${text}`);
const fence = fc
  .tuple(
    fc.constantFrom("", "js", "python", "c++", "sh session"),
    fc.array(fc.constantFrom("const a = 1;", "  if (a) {", "", "\tb();", "}", "**x** `y`", "- z", "$1", "// @bob"), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([language, lines]) => `\`\`\`${language}\n${lines.join("\n")}\n\`\`\``);
const cell = fc.oneof(
  plainText,
  code,
  fc.constantFrom("**b**", "", "1,200", "[l](https://example.com)", "漢字", "😀", "a \\| b"),
);
const row = (least: number, most: number) =>
  fc.array(cell, { minLength: least, maxLength: most }).map((cells) => `| ${cells.join(" | ")} |`);
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((columns) =>
    fc
      .tuple(
        fc.array(plainText, { minLength: columns, maxLength: columns }),
        fc.array(fc.constantFrom("---", ":--", "--:", ":-:"), { minLength: columns, maxLength: columns }),
        fc.array(row(1, columns + 2), { maxLength: 5 }),
      )
      .map(([head, rule, rows]) => [`| ${head.join(" | ")} |`, `|${rule.join("|")}|`, ...rows].join("\n")),
  );
const display = fc.constantFrom(
  "$$\n\\sum_{i=1}^n x_i = 1\n$$",
  "\\[\na \\times b\n\\]",
  "$$x = \\sqrt{2}$$",
  "\\[ y \\]",
);
const htmlBlock = fc.constantFrom(
  "<details>\n<summary>More</summary>\n\nhidden\n\n</details>",
  "<div align=center>\ntext in it\n</div>",
  "<!-- a comment -->",
);
const note = fc.tuple(fc.constantFrom("1", "note"), inlineMarkdown).map(([label, text]) => `[^${label}]: ${text}`);
const rule = fc.constantFrom("---", "***", "———");

function indent(text: string, by: string): string {
  return text.replace(/\n(?=[^\n])/g, `\n${by}`);
}

/** A list with an item each; `start` is the first number, 0 for bullets. */
function list(items: readonly string[], start: number, loose: boolean): string {
  const lines = items.map((item, index) => {
    const marker = start === 0 ? "- " : `${start + index}. `;
    return marker + indent(item, " ".repeat(marker.length));
  });
  return lines.join(loose ? "\n\n" : "\n");
}

const block: fc.Arbitrary<string> = fc.letrec<{ block: string }>((tie) => ({
  block: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    paragraph,
    heading,
    fence,
    table,
    display,
    htmlBlock,
    note,
    rule,
    fc
      .tuple(
        fc.array(fc.tuple(inlineMarkdown, fc.option(tie("block"), { freq: 2, nil: undefined })), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.constantFrom(0, 0, 1, 3),
        fc.boolean(),
        fc.constantFrom("", "", "[ ] ", "[x] "),
      )
      .map(([items, start, loose, task]) =>
        list(
          items.map(([text, nested]) => task + text + (nested === undefined ? "" : `\n\n${nested}`)),
          start,
          loose,
        ),
      ),
    fc
      .array(tie("block"), { minLength: 1, maxLength: 2 })
      .map((blocks) => `> ${blocks.join("\n\n").replaceAll("\n", "\n> ")}`),
  ),
})).block;

/** A whole answer. */
export const markdownDocument = fc.array(block, { minLength: 1, maxLength: 6 }).map((blocks) => blocks.join("\n\n"));

const mark = fc.constantFrom(
  ..."* ** *** _ __ ~~ ` `` ``` ~~~ [ ] ( ) ![ ]( > < & \\ $ $$ \\( \\[ \\) \\] # - + 1. | |- --- === \n \n\n @ : ! <b> </b> <!-- &amp; \t \r \u2028 \u0000 \ud83d \ude00 \u202e å".split(
    " ",
  ),
);

/** Marks and words in any order: what no writer means and a stream may still hold. */
export const markdownRubble = fc
  .array(fc.oneof(mark, mark, word, fc.constant(" "), fc.constant("\n")), { maxLength: 60 })
  .map((pieces) => pieces.join(""));

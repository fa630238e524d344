import fc from "fast-check";
import type { MessageEntity } from "grammy/types";
import { describe, expect, it } from "vitest";
import { writtenText } from "../../src/telegram/written-text.ts";
import { fasterThanItsInput } from "../support/growth.ts";

/** The text with an entity over each occurrence of what is named. */
function marked(text: string, ...marks: [part: string, entity: object][]): string {
  const entities = marks.map(([part, entity]) => ({ offset: text.indexOf(part), length: part.length, ...entity }));
  return writtenText(text, entities as MessageEntity[]);
}
const link = (url: string) => ({ type: "text_link", url });
const pre = (language?: string) => ({ type: "pre", ...(language === undefined ? {} : { language }) });

describe("a text with entities", () => {
  it("brings the address of a link", () => {
    expect(marked("see the manual now", ["the manual", link("https://a.example/b?c=d")])).toBe(
      "see [the manual](https://a.example/b?c=d) now",
    );
    expect(marked("see Foo", ["Foo", link("https://a.example/Foo_(bar)")])).toBe(
      "see [Foo](<https://a.example/Foo_(bar)>)",
    );
    expect(marked("see https://a.example/", ["https://a.example/", link("https://a.example/")])).toBe(
      "see https://a.example/",
    );
  });

  it("counts in UTF-16 units", () => {
    expect(marked("👍👩‍👧 the 𝒳 manual", ["the 𝒳 manual", link("https://a.example")])).toBe(
      "👍👩‍👧 [the 𝒳 manual](https://a.example)",
    );
  });

  it("fences code, with its language, on lines of its own", () => {
    const code = "def f(x):\n    return x";
    expect(marked(`look:\n${code}`, [code, pre("python")])).toBe(`look:\n\`\`\`python\n${code}\n\`\`\``);
    expect(marked(`look: ${code} ok?`, [code, pre()])).toBe(`look: \n\`\`\`\n${code}\n\`\`\`\n ok?`);
    expect(marked("a\n\nb", ["a\n", pre("c++")])).toBe("```c++\na\n```\nb");
    expect(marked("x = 1", ["x = 1", pre("a b`c")])).toBe("```\nx = 1\n```");
  });

  it("fences code that has fences in it", () => {
    expect(marked("``` and ````", ["``` and ````", pre()])).toBe("`````\n``` and ````\n`````");
    expect(marked("use a`b", ["a`b", { type: "code" }])).toBe("use ``a`b``");
    expect(marked("use `a", ["`a", { type: "code" }])).toBe("use `` `a ``");
    expect(marked("use f() or", ["f()", { type: "code" }])).toBe("use `f()` or");
    expect(marked("use a\nb", ["a\nb", { type: "code" }])).toBe("use \n```\na\nb\n```");
  });

  it("quotes what is a quote", () => {
    expect(marked("one\n\ntwo\nmine", ["one\n\ntwo", { type: "blockquote" }])).toBe("> one\n> \n> two\nmine");
    expect(marked("said: one", ["one", { type: "expandable_blockquote" }])).toBe("said: \n> one");
    expect(marked("x = 1\nso", ["x = 1", { type: "blockquote" }], ["x = 1", pre("py")])).toBe(
      "> ```py\n> x = 1\n> ```\nso",
    );
  });

  it.each(["bold", "italic", "underline", "strikethrough", "spoiler", "custom_emoji", "mention", "hashtag", "url"])(
    "is not changed by %s",
    (type) => {
      expect(marked("a 🙂 word", ["🙂", { type, custom_emoji_id: "5" }])).toBe("a 🙂 word");
    },
  );

  it("puts links around code, and nothing into code", () => {
    expect(marked("see f()", ["f()", link("https://a.example")], ["f()", { type: "code" }])).toBe(
      "see [`f()`](https://a.example)",
    );
    expect(marked("f(x)", ["f(x)", pre()], ["x", link("https://a.example")])).toBe("```\nf(x)\n```");
  });

  it.each<[string, object]>([
    ["behind the text", { offset: 99, length: 3 }],
    ["before it", { offset: -2, length: 4 }],
    ["of no length", { offset: 1, length: 0 }],
    ["of a length below nothing", { offset: 1, length: -1 }],
    ["between two letters of a pair", { offset: 1, length: 2 }],
    ["with a fraction", { offset: 0.5, length: 1 }],
    ["without a place", {}],
    ["of no kind", { type: undefined, offset: 0, length: 2 }],
  ])("passes over an entity %s", (_, entity) => {
    expect(writtenText("👍 ok", [{ type: "code", ...entity }] as MessageEntity[])).toBe("👍 ok");
  });

  it("takes what reaches beyond the text up to its end", () => {
    expect(writtenText("use f()", [{ type: "code", offset: 4, length: 50 }])).toBe("use `f()`");
  });

  it("takes the first of two that overlap", () => {
    const entities: MessageEntity[] = [
      { type: "code", offset: 0, length: 3 },
      { type: "text_link", offset: 2, length: 3, url: "https://a.example" },
    ];
    expect(writtenText("abcdef", entities)).toBe("`abc`def");
  });

  it("keeps every letter, whatever the entities are", () => {
    const type = fc.constantFrom("pre", "code", "text_link", "blockquote", "bold", "custom_emoji", "nothing known");
    const entity = fc.record({
      type,
      offset: fc.integer({ min: -3, max: 40 }),
      length: fc.integer({ min: -3, max: 40 }),
    });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "👍", " ", "c"), maxLength: 25 });
    fc.assert(
      fc.property(text, fc.array(entity, { maxLength: 12 }), (words, entities) => {
        const out = writtenText(words, entities as MessageEntity[]);
        expect(out.replace(/[`>\n[\]() ]/g, "")).toBe(words.replaceAll(" ", ""));
      }),
    );
  });

  it("takes no time that grows faster than the text", () => {
    const prepare = (n: number) => {
      const type = (at: number) => (at % 2 === 0 ? "pre" : "code");
      const entities = Array.from({ length: n }, (_, at) => ({ type: type(at), offset: 2 * at, length: 1 }) as const);
      const cuts = Array.from({ length: n }, (_, at) => ({ from: 2 * at + 1, to: 2 * at + 2 }));
      return { text: "a ".repeat(n), entities, cuts };
    };
    expect(
      fasterThanItsInput(prepare, ({ text, entities, cuts }) => writtenText(text, entities, cuts)),
    ).toBeUndefined();
  });
});

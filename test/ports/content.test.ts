import { describe, expect, it } from "vitest";
import { type Content, isText, textOf, textParts } from "../../src/ports/content.ts";

const reference = { fileId: "f", uniqueId: "u" } as const;
const picture = { type: "picture", ...reference, width: 4, height: 3 } as const;
const file = { type: "file", ...reference } as const;
const voice = { type: "voice", ...reference, seconds: 2 } as const;

describe("the words of a content", () => {
  it("name what is no words, each part in a line", () => {
    const asked: Content = [picture, { ...file, name: "a.pdf" }, file, voice, ...textParts("what?")];
    expect(textOf(asked)).toBe("[photo]\n[file: a.pdf]\n[file]\n[voice message]\nwhat?");
    const image = { type: "image", mime: "image/png", data: new Uint8Array(3), width: 1, height: 1 } as const;
    expect(textOf([image, ...textParts("what?")])).toBe("[photo]\nwhat?");
  });

  it("do not name a second time what the words of a reply name already", () => {
    const quoted = [picture, file, voice].map((part) => ({ ...part, quoted: true as const }));
    expect(textOf([...quoted, ...textParts("> [photo]\n\nwhat?")])).toBe("> [photo]\n\nwhat?");
  });

  it("are what was heard, once that is known", () => {
    expect(textOf([{ ...voice, transcript: "Hello" }])).toBe("Hello");
  });

  it("are all there is where nothing else stands", () => {
    expect(isText(textParts("what?"))).toBe(true);
    expect(isText([])).toBe(true);
    expect(isText([picture, ...textParts("what?")])).toBe(false);
  });
});

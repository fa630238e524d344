import { describe, expect, it } from "vitest";
import { type Rendered, renderMarkdown } from "../../src/markdown/render.ts";

function links({ text, entities }: Rendered): string[] {
  return entities.flatMap((entity) =>
    entity.type === "text_link" ? [`${text.slice(entity.offset, entity.offset + entity.length)} -> ${entity.url}`] : [],
  );
}

describe("a link leads where its text says", () => {
  it.each([
    ["https://bank.com", "https://evil.com/login"],
    ["bank.com", "https://evil.com"],
    ["www.bank.com/login", "https://evil.com/login"],
    ["Go to https://bank.com now", "https://evil.com"],
    ["https://bank.com/a", "https://bank.com/b"],
    ["https://bank.com.evil.com", "https://evil.com"],
    ["bаnk.com", "https://bank.com"],
    ["HTTPS://BANK.COM", "https://evil.com"],
    ["bank\u2066.com\u2069", "https://evil.com"],
    ["**bank**.com", "https://evil.com"],
    ["`bank.com`", "https://evil.com"],
    ["bank.com.", "https://evil.com"],
    ["(bank.com)", "https://evil.com"],
    ["✅ bank.com", "https://evil.com"],
    ["visit bank.com today", "https://evil.com"],
    ["bank.com/a b", "https://evil.com"],
    ["bank.com?a=b", "https://evil.com"],
    ["ba\u200bnk.com", "https://evil.com"],
    ["bank\u00ad.com", "https://evil.com"],
    ["bank\u2060.com", "https://evil.com"],
    ["bank．com", "https://evil.com"],
    ["bank。com", "https://evil.com"],
    ["https:/bank.com", "https://evil.com"],
    ["ftp://bank.com", "https://evil.com"],
    ["192.0.2.1", "https://evil.com"],
    ["office@bank.com", "https://evil.com"],
  ])("%s with another target is no link, and the target stands beside it: %s", (text, target) => {
    const rendered = renderMarkdown(`[${text}](${target})`);
    expect(links(rendered)).toEqual([]);
    expect(rendered.text).toContain(`(${target})`);
  });

  it.each([
    ["https://bank.com", "https://bank.com/"],
    ["bank.com", "https://www.bank.com/login"],
    ["https://bank.com/very/long…", "https://bank.com/very/long/path"],
    ["README.md", "https://github.com/a/b"],
    ["Node.js", "https://nodejs.org"],
    ["version 1.2.3", "https://a.bc/1.2.3"],
    ["e.g. this", "https://a.bc"],
    ["the java.util.List class", "https://a.bc"],
    ["Node.js and package.json", "https://a.bc"],
    ["office@bank.com", "https://bank.com/contact"],
    ["see bank.com", "https://bank.com/"],
    ["https://a.bc/d_(e)", "https://a.bc/d_(e)"],
  ])("%s is a link to %s", (text, target) => {
    const rendered = renderMarkdown(`[${text}](${target})`);
    expect(links(rendered)).toEqual([`${text} -> ${target}`]);
    expect(rendered.text).toBe(text);
  });

  it("shows the host behind a name or password, and leaves them out", () => {
    const rendered = renderMarkdown("[bank](https://bank.com@evil.com/x) [b](https://a:b@evil.com)");
    expect(rendered.text).toBe("bank (https://evil.com/x) b (https://evil.com)");
    expect(links(rendered)).toEqual([]);
  });

  it.each(["https://bank.com@evil.com/x", "<https://bank.com@evil.com/x>"])(
    "%s is code, which is no link",
    (address) => {
      const rendered = renderMarkdown(`See ${address} there`);
      expect(rendered.text).toBe("See https://bank.com@evil.com/x there");
      expect(rendered.entities).toMatchObject([{ type: "code", offset: 4, length: 27 }]);
    },
  );

  it("keeps marks that turn the direction of writing out of links' texts, and C1 controls out of all", () => {
    const rendered = renderMarkdown("[a\u2066b\u2069c\u200fd\u061c](http://e.fg) x\u0085y\u009bz");
    expect(rendered.text).toBe("abcd x y z");
    expect(renderMarkdown("![a\u2066b](http://e.fg)").text).toBe("ab");
  });
});

describe("names behind an @", () => {
  it("can be copied where nobody could be pinged", () => {
    const markdown = "npm i @types/node, @bob and **@alice**";
    expect(renderMarkdown(markdown, { keepMentions: true }).text).toBe("npm i @types/node, @bob and @alice");
  });

  it("are broken in groups, where they are somebody's", () => {
    expect(renderMarkdown("@types/node @bob").text).toBe("@\u2060types/node @\u2060bob");
    expect(renderMarkdown("@2x @a a@bob.com @_x").text).toBe("@2x @a a@bob.com @_x");
  });
});

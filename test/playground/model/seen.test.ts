import { describe, expect, it } from "vitest";
import { wordsForModel } from "../../../src/chat/file-words.ts";
import { answerTo } from "../../../src/playground/model/answers.ts";
import type { ContentPart } from "../../../src/ports/content.ts";

const file = (name: string, text: string, more: object = {}): ContentPart => {
  return { type: "file", fileId: "f", uniqueId: name, name, text, ...more };
};
const words = (text: string): ContentPart => ({ type: "text", text });

describe("the scripted model before documents", () => {
  const answer = (content: readonly ContentPart[], ...before: string[]) => {
    const user = [...before, wordsForModel(content)].join("\n");
    return answerTo({ model: "demo", messages: [{ role: "user", content: user }] }, false);
  };

  it("says how much of each it was sent, page by page, and what was asked", () => {
    const report = file("report.pdf", "[page 1]\none two\n\n[page 2]\nthree", {
      extent: { unit: "page", to: 2, total: 9 },
    });
    const { text } = answer([words("what is in these?"), report, file("a.txt", "hello --- there\n--- 00\n[x]")]);
    expect(text).toBe(
      "I see 2 documents, with the words “what is in these?”:\n\n" +
        '- the file "report.pdf", pages 1–2 of 9 and nothing further: 3 words on 2 pages\n' +
        '- the file "a.txt": 6 words',
    );
    expect(answer([file("a.txt", "hello")]).text).toContain("I see a document, without a word:");
  });

  it("says of pictures beside them what it was sent", () => {
    const { text } = answer([file("a.txt", "hello")], "[picture: JPEG, 640 × 480, 99 bytes, image/jpeg]");
    expect(text).toBe(
      "I see a picture and a document, without a word:\n\n" +
        '- JPEG, 640 × 480 pixels, 99 bytes, sent as image/jpeg\n- the file "a.txt": 1 word',
    );
  });

  it("fails on demand all the same, and only for the words of who asks", () => {
    expect(answer([file("a.txt", "hello"), words("fail 429")]).status).toBe(429);
    expect(answer([file("a.txt", "fail 429")]).text).toContain("2 words");
  });
});

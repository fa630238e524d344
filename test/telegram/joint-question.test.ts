/** One question made of several messages. */
import type { Message } from "grammy/types";
import { describe, expect, it } from "vitest";
import { textOf } from "../../src/ports/content.ts";
import { joinedParts, questionParts, speakerOf } from "../../src/telegram/joint-question.ts";
import { content, me, type Parts, written } from "../support/addressed-updates.ts";

const photo = { photo: [{ file_id: "f", file_unique_id: "u", width: 1, height: 1 }] };
const asked = (...messages: Message[]) => textOf(joinedParts(questionParts(messages, me, () => [])));
const update = (update_id: number, parts: Parts, kind = "message") => ({ update_id, [kind]: content(parts) }) as never;

describe("the question in several messages", () => {
  it("goes on without a break exactly where the client has cut a text that has none", () => {
    const whole = "x".repeat(4_096);
    expect(asked(written(whole), written("yz"))).toBe(`${whole}yz`);
    expect(asked(written(whole), written(whole), written("yz"))).toBe(`${whole}${whole}yz`);
    const broken = "x".repeat(4_000);
    expect(asked(written(broken), written("yz"))).toBe(`${broken}\nyz`);
  });

  it("numbers the words below pictures when several have some", () => {
    const parts = [{ caption: "a cat" }, {}, { caption: "a dog" }];
    const messages = parts.map((words) => content({ ...photo, ...words }));
    expect(asked(...messages)).toBe("[photo]\nPicture 1: a cat\n[photo]\n[photo]\nPicture 3: a dog");
    expect(asked(content({ ...photo, caption: "a cat" }), content(photo))).toBe("[photo]\na cat\n[photo]");
  });

  it("counts pictures and files apart", () => {
    const words = [photo, { document: {} }, photo, { audio: {} }].map((carried, at) => ({
      ...carried,
      caption: `no. ${at}`,
    }));
    expect(asked(...words.map((parts) => content(parts)))).toBe(
      "[photo]\nPicture 1: no. 0\nFile 1: [a file that you cannot read]\nno. 1\n" +
        "[photo]\nPicture 2: no. 2\nFile 2: [an audio file that you cannot hear]\nno. 3",
    );
  });

  it("is none when none of them asks anything", () => {
    expect(asked(content({ video: {} }), content({ video: {} }))).toBe("");
    expect(asked(content(photo), content({ video: {} }))).toBe("[photo]\n[a video that you cannot see]");
  });
});

describe("the message that stands for all of them", () => {
  const speaker = (...updates: never[]) => speakerOf(updates, 1)?.update_id;

  it("is the one with words below a picture, else the first of an album, else the last", () => {
    const album = { ...photo, media_group_id: "9" };
    expect(speaker(update(1, album), update(2, { ...album, caption: "x" }), update(3, album))).toBe(2);
    expect(speaker(update(2, album), update(1, album), update(3, album))).toBe(2);
    expect(speaker(update(1, { text: "a" }), update(2, { text: "b" }))).toBe(2);
    expect(speaker(update(1, { text: "a" }), update(2, photo))).toBe(2);
  });

  it("is the edited one where one was edited", () => {
    const edit = update(1, { text: "b" }, "edited_message");
    expect(speaker(update(7, { text: "a" }), edit)).toBe(1);
    expect(speakerOf([update(1, { text: "a" }), update(2, { text: "b" }, "edited_message")], 1)?.update_id).toBe(1);
  });
});

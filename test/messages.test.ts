import { describe, expect, it } from "vitest";
import { questionOf } from "../src/telegram/messages.ts";
import { bot, content, group, inGroup, me, stranger } from "./addressed-updates.ts";

describe("the question", () => {
  it("is the text without the bot's name", () => {
    expect(questionOf(inGroup("@Parley_Bot  why?"), me)).toBe("why?");
    expect(questionOf(inGroup("why, @parley_bot, so late?"), me)).toBe("why, , so late?");
    expect(questionOf(inGroup("one @parley_bot\ntwo"), me)).toBe("one \ntwo");
    expect(questionOf(inGroup("ask @parley_bots"), me)).toBe("ask @parley_bots");
  });

  it("brings along, quoted, what somebody else wrote and a mention replies to", () => {
    const said = content({ chat: group, from: stranger, text: "the sky\nis green" });
    expect(questionOf(inGroup("@parley_bot true?", { reply_to_message: said }), me)).toBe(
      "> the sky\n> is green\n\ntrue?",
    );
    const quoted = { reply_to_message: said, quote: { text: "green", position: 1 } };
    expect(questionOf(inGroup("@parley_bot true?", quoted), me)).toBe("> green\n\ntrue?");
    expect(questionOf(inGroup("@parley_bot", { reply_to_message: said }), me)).toBe("> the sky\n> is green");
  });

  it("does not repeat what the bot itself has written", () => {
    const own = content({ chat: group, from: bot, text: "because" });
    expect(questionOf(inGroup("@parley_bot why?", { reply_to_message: own }), me)).toBe("why?");
    expect(questionOf(inGroup("why?", { reply_to_message: own }), me)).toBe("why?");
  });
});

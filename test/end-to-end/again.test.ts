/** Answers that are written again: `/retry`, Regenerate, and edits of the question. */
import { describe, expect, test } from "vitest";
import { buttonsOf, dialogueOf, persona, plain, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("a question that is answered again", { timeout: 180_000 }, () => {
  const rig = sharedRig();

  test("/retry answers the last question again in a new message", async () => {
    const visitor = rig.visitor();
    rig.answers("again please", { text: "first attempt" }, { text: "second attempt" });
    const first = await visitor.ask("again please");
    const second = await visitor.ask("/retry");
    expect(second.text).toBe("second attempt");
    expect(visitor.message(first.id)?.text).toBe("first attempt");
    await until(() => buttonsOf(visitor.message(first.id)).length === 0);
    await visitor.ask("what did you say");
    expect(dialogueOf(rig.requests("what did you say")[0])).toEqual([
      persona,
      "user: again please",
      "assistant: second attempt",
      "user: what did you say",
    ]);
  });

  test("/retry with nothing to answer again says so", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/no question here/, visitor.say("/retry"));
  });

  test("Regenerate rewrites the answer in its place, on the screen and in the history", async () => {
    const visitor = rig.visitor();
    rig.answers("make it better", { text: "rough draft" }, { text: words(90, "better"), tokensPerSecond: 45 });
    await visitor.ask("said before");
    const rough = await visitor.ask("make it better");
    expect(await visitor.press(rough, "Regenerate")).toBeDefined();
    await visitor.sees("Stop");
    const better = await visitor.sees("Regenerate", rough.id - 1);
    expect(better.id).toBe(rough.id);
    expect(better.text).toBe(words(90, "better"));
    expect(visitor.written()).toHaveLength(2);
    await visitor.ask("go on");
    const dialogue = dialogueOf(rig.requests("go on")[0]);
    expect(dialogue.filter((line) => line.includes("make it better"))).toHaveLength(1);
    expect(dialogue).toContain(`assistant: ${words(90, "better")}`);
    expect(dialogue).not.toContain("assistant: rough draft");
  });

  test("Regenerate of a long answer deletes the messages that a shorter one leaves over", async () => {
    const visitor = rig.visitor();
    rig.answers("long then short", { text: words(2_000), tokensPerSecond: 3_000 }, { text: "short now" });
    const asked = visitor.say("long then short");
    const long = await visitor.sees("Regenerate", asked);
    expect(visitor.written().length).toBeGreaterThan(1);
    await visitor.press(long, "Regenerate");
    const short = await visitor.sees(/^short now$/);
    await until(() => visitor.written().length === 1);
    await visitor.sees("Regenerate");
    expect(short.id).toBe(asked + 1);
  });

  test("Regenerate replaces or removes the file of a long answer", async () => {
    const visitor = rig.visitor();
    const fast = { tokensPerSecond: 20_000 };
    rig.answers(
      "with a file",
      { text: words(6_000), ...fast },
      { text: words(6_000, "x"), ...fast },
      { text: "short" },
    );
    const asked = visitor.say("with a file");
    const first = await visitor.sees(/whole answer as a file/, asked);
    await visitor.press(await visitor.sees("Regenerate", asked), "Regenerate");
    const second = await visitor.sees(/whole answer as a file/, first.id);
    expect(Buffer.from(second.document?.bytes ?? []).toString()).toBe(words(6_000, "x"));
    const shown = visitor.written().filter(({ document }) => document === undefined);
    expect(plain(shown.map(({ text }) => text).join(""))).toBe(plain(words(6_000, "x")));
    expect(visitor.message(first.id)).toBeUndefined();
    await visitor.press(await visitor.sees("Regenerate", asked), "Regenerate");
    await until(() => visitor.written().length === 1 && visitor.written()[0]?.text === "short");
  });

  test("an edit of the newest question is answered in the same message, an older one's is not", async () => {
    const visitor = rig.visitor();
    const older = visitor.say("older question");
    await visitor.sees("Regenerate", older);
    const newest = visitor.say("newest qestion");
    const answer = await visitor.sees("Regenerate", newest);
    rig.answers("newest question", { text: "answer to the corrected one" });
    rig.botApi.user.edit(visitor.chatId, newest, "newest question");
    const again = await visitor.sees(/answer to the corrected one/);
    expect(again.id).toBe(answer.id);
    rig.botApi.user.edit(visitor.chatId, older, "older question, changed");
    await visitor.ask("one more after edits");
    expect(rig.requests("older question, changed")).toEqual([]);
    const dialogue = dialogueOf(rig.requests("one more after edits")[0]);
    expect(dialogue).toContain("user: newest question");
    expect(dialogue).toContain("user: older question");
    expect(dialogue).not.toContain("user: newest qestion");
    expect(visitor.written()).toHaveLength(3);
  });

  test("an edit aborts the answer that is being written, and the new one takes its message", async () => {
    const visitor = rig.visitor();
    rig.answers("written as we edt", { text: words(900, "old"), tokensPerSecond: 30 });
    rig.answers("written as we edit", { text: words(30, "new") });
    const asked = visitor.say("written as we edt");
    const writing = await visitor.sees("Stop", asked);
    rig.botApi.user.edit(visitor.chatId, asked, "written as we edit");
    const answer = await visitor.sees("Regenerate", asked);
    expect(answer.id).toBe(writing.id);
    expect(answer.text).toBe(words(30, "new"));
    expect(rig.requests("written as we edt")[0]?.abandonedAt).toBeDefined();
    expect(visitor.written()).toHaveLength(1);
  });

  test("an edit of a question that waits takes its place in the row", async () => {
    const visitor = rig.visitor();
    rig.answers("before the waiting one", { text: words(80), tokensPerSecond: 40 });
    await visitor.ask("before the waiting one", "Stop");
    const waiting = visitor.say("waiting, misspelt");
    const third = visitor.say("third in line");
    rig.botApi.user.edit(visitor.chatId, waiting, "waiting, corrected");
    await visitor.sees(/third in line/, third);
    expect(rig.requests("waiting, misspelt")).toEqual([]);
    expect(rig.requests("waiting, corrected")).toHaveLength(1);
    const asked = dialogueOf(rig.requests("third in line")[0]).filter((line) => line.startsWith("user"));
    expect(asked).toEqual(["user: before the waiting one", "user: waiting, corrected", "user: third in line"]);
  });

  test("an edit aborts the /retry that is being written, and the edited question is answered in its message", async () => {
    const visitor = rig.visitor();
    rig.answers("retried, misspelt", { text: "first" }, { text: words(900, "old"), tokensPerSecond: 30 });
    rig.answers("retried, edited", { text: words(900, "mid"), tokensPerSecond: 30 });
    rig.answers("retried, edited twice", { text: "last" });
    const question = visitor.say("retried, misspelt");
    const first = await visitor.sees("Regenerate", question);
    const retry = visitor.say("/retry");
    const writing = await visitor.sees("Stop", retry);
    rig.botApi.user.edit(visitor.chatId, question, "retried, edited");
    await until(() => rig.requests("retried, misspelt")[1]?.abandonedAt);
    await visitor.sees(/^mid0 /, retry);
    rig.botApi.user.edit(visitor.chatId, question, "retried, edited twice");
    await until(() => rig.requests("retried, edited")[0]?.abandonedAt);
    const answer = await visitor.sees("Regenerate", retry);
    expect([answer.id, answer.text]).toEqual([writing.id, "last"]);
    expect(visitor.message(first.id)?.text).toBe("first");
    await visitor.ask("after the edited retry");
    expect(dialogueOf(rig.requests("after the edited retry")[0])).toEqual([
      persona,
      "user: retried, edited twice",
      "assistant: last",
      "user: after the edited retry",
    ]);
  });

  test("a Regenerate that waits for an answer before it is answered at once", async () => {
    const visitor = rig.visitor();
    rig.answers("before the press", { hangBeforeHeaders: true });
    const old = await visitor.ask("regenerate too late");
    visitor.say("before the press");
    await until(() => rig.requests("before the press").length === 1);
    expect((await visitor.press(old, "Regenerate"))?.text).toMatch(/newest answer/);
    expect(rig.requests("before the press")[0]?.abandonedAt).toBeUndefined();
    visitor.say("/stop");
    await visitor.sees("Retry", old.id);
    await until(() => buttonsOf(visitor.message(old.id)).length === 0);
    expect(rig.requests("regenerate too late")).toHaveLength(1);
  });

  test("Regenerate of a /retry, then an edit of its question, all write the same exchange", async () => {
    const visitor = rig.visitor();
    rig.answers("root question", { text: "first" }, { text: "second" }, { text: "third" });
    rig.answers("root question, edited", { text: "fourth" });
    const question = visitor.say("root question");
    await visitor.sees("Regenerate", question);
    const retry = await visitor.ask("/retry");
    expect(retry.text).toBe("second");
    await visitor.press(retry, "Regenerate");
    await visitor.sees(/^third$/);
    await visitor.sees("Regenerate", retry.id - 1);
    rig.botApi.user.edit(visitor.chatId, question, "root question, edited");
    expect((await visitor.sees(/^fourth$/)).id).toBe(retry.id);
    await visitor.sees("Regenerate", retry.id - 1);
    await visitor.ask("after all of them");
    expect(dialogueOf(rig.requests("after all of them")[0])).toEqual([
      persona,
      "user: root question, edited",
      "assistant: fourth",
      "user: after all of them",
    ]);
  });
});

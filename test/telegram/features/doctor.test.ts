import { describe, expect, it } from "vitest";
import type { Finding } from "../../../src/ports/operators.ts";
import { english as texts } from "../../../src/texts/english.ts";
import { createBotScene, group, mallory, said } from "../../support/bot-scene.ts";

const scene = createBotScene();
const { write } = scene;

describe("/doctor", () => {
  it("tells an admin what was found, in the message that says that it looks", async () => {
    scene.findings = [
      { state: "ok", about: "token", says: "@parley_bot" },
      { state: "bad", about: "openai/gpt-5", says: "HTTP 404", todo: "the nearest name is gpt-6-luna" },
    ];
    const [looking, report] = await write("/doctor");
    expect(looking).toMatchObject({ method: "sendMessage", payload: { chat_id: 7, text: texts.doctorLooking } });
    expect(report).toMatchObject({
      method: "editMessageText",
      payload: {
        chat_id: 7,
        text: "🩺 1 thing must be mended.\n\n❌ openai/gpt-5: HTTP 404 → the nearest name is gpt-6-luna\n✅ token: @parley_bot",
      },
    });
  });

  it("looks once a minute, but for a delivery that was cut short", async () => {
    await write("/doctor");
    expect(said(await write("/doctor"))).toEqual([texts.doctorTooSoon]);
    expect(said(await write("/doctor", {}, { attempt: 2 }))).toEqual([texts.doctorLooking]);
  });

  it("is unknown to everybody else, in /help too, and tells a group nothing", async () => {
    const stranger = { from: mallory, chat: { id: 66, type: "private", first_name: "Mallory" } };
    expect(said(await write("/doctor", stranger))).toEqual([texts.unknownCommand]);
    expect(said(await write("/help", stranger))[0]).not.toContain("/doctor");
    expect(said(await write("/help"))[0]).toContain("/doctor");
    expect(said(await write("/doctor@parley_bot", { chat: group }))).toEqual([texts.doctorElsewhere]);
    expect(said(await write("/doctor@parley_bot", { chat: group, from: mallory }))).toEqual([texts.unknownCommand]);
  });
});

describe("the words of a report", () => {
  const finding = (state: Finding["state"], at: number): Finding => ({
    state,
    about: `p/model-${at}`,
    says: "x".repeat(90),
  });

  it("have what must be mended first, and count what a message does not hold", () => {
    const many = Array.from({ length: 100 }, (_, at) => finding(at < 90 ? "ok" : "bad", at));
    const text = texts.doctorReport(many);
    expect(text.length).toBeLessThanOrEqual(4096);
    expect(
      text
        .split("\n")
        .slice(2, 12)
        .every((line) => line.startsWith("❌")),
    ).toBe(true);
    const shown = text.split("\n").filter((line) => /^(❌|✅)/u.test(line)).length;
    expect(text).toMatch(new RegExp(`… and ${100 - shown} more: npm run doctor shows all\\.$`));
  });

  it("fit whatever one finding says", () => {
    const long: Finding = { state: "warn", about: "x", says: "y".repeat(10_000), todo: "z" };
    expect(texts.doctorReport([long, long, long, long, long]).length).toBeLessThanOrEqual(4096);
  });
});

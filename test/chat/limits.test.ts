import { describe, expect, it } from "vitest";
import { limitsAt, resetOf } from "../../src/chat/limits.ts";

const dayMs = 86_400_000;
const who = { userId: 7, chatId: -100 };
const budget = { unit: "money", amount: 1 } as const;
const all = { "user-day": budget, "user-month": budget, "chat-day": budget, "bot-day": budget };
const dateOf = (day: number) => new Date(day * dayMs).toISOString().slice(0, 10);

describe("a budget", () => {
  it.each([
    ["2026-11-01T00:00:00.000Z", "2026-11-01", "2026-11-30"],
    ["2026-11-30T23:59:59.999Z", "2026-11-01", "2026-11-30"],
    ["2026-12-01T00:00:00.000Z", "2026-12-01", "2026-12-31"],
    ["2026-12-31T23:59:59.999Z", "2026-12-01", "2026-12-31"],
    ["2027-02-28T12:00:00.000Z", "2027-02-01", "2027-02-28"],
    ["2028-02-29T12:00:00.000Z", "2028-02-01", "2028-02-29"],
    ["2028-03-31T12:00:00.000Z", "2028-03-01", "2028-03-31"],
  ])("of a month is that of the calendar, in UTC: %s", (at, first, last) => {
    const [month] = limitsAt({ "user-month": budget }, who, Date.parse(at));
    expect([month?.fromDay, month?.toDay].map((day = 0) => dateOf(day))).toEqual([first, last]);
    expect(new Date(resetOf({ toDay: month?.toDay ?? 0 })).toISOString()).toBe(
      new Date(Date.parse(`${last}T00:00:00Z`) + dayMs).toISOString(),
    );
  });

  it("of a day ends with it, in UTC", () => {
    const [before] = limitsAt({ "bot-day": budget }, who, Date.parse("2026-11-27T23:59:59.999Z"));
    const [after] = limitsAt({ "bot-day": budget }, who, Date.parse("2026-11-28T00:00:00.000Z"));
    expect([before?.fromDay, before?.toDay, after?.fromDay].map((day = 0) => dateOf(day))).toEqual([
      ...["2026-11-27", "2026-11-27", "2026-11-28"],
    ]);
    expect(resetOf({ toDay: before?.toDay ?? 0 })).toBe(Date.parse("2026-11-28T00:00:00.000Z"));
  });

  it("counts for whom it is, the narrowest first; those that are not set count nothing", () => {
    expect(limitsAt(all, who, 0).map(({ whose, of }) => [whose, of])).toEqual([
      ["user-day", { userId: 7 }],
      ["user-month", { userId: 7 }],
      ["chat-day", { chatId: -100 }],
      ["bot-day", "all"],
    ]);
    expect(limitsAt({}, who, 0)).toEqual([]);
  });
});

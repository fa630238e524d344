import { expect, it } from "vitest";
import { examineBudgets } from "../../../src/app/doctor/budgets.ts";
import { doctorConfig, short } from "../../support/doctor-scene.ts";

it("says when the day ends that budgets are counted by, in the time of this machine", async () => {
  const now = Date.UTC(2026, 10, 27, 20, 17);
  const config = doctorConfig({ BUDGET_BOT_DAY: "200000t", BUDGET_USER_DAY: "10000t" });
  expect(short(await examineBudgets(config, now, "Europe/Berlin"))).toEqual([
    "ok budgets: BUDGET_USER_DAY, BUDGET_BOT_DAY: days and months are those of UTC; today ends at 01:00 here (Europe/Berlin)",
  ]);
  expect(await examineBudgets(doctorConfig({}), now)).toEqual([]);
});

it("says with which of them the bot would not start", async () => {
  const config = doctorConfig({
    MODELS: "own/m",
    OWN_BASE_URL: "https://own.example",
    BUDGET_CHAT_DAY: "5t",
    BUDGET_BOT_DAY: "1",
  });
  const found = await examineBudgets(config, 0);
  expect(found.map(({ state, says }) => [state, says.split(" ")[0]])).toEqual([
    ["bad", "BUDGET_CHAT_DAY"],
    ["bad", "PRICES_FILE"],
  ]);
});

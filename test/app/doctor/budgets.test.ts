import { expect, it } from "vitest";
import { examineBudgets } from "../../../src/app/doctor/budgets.ts";
import { doctorConfig, short } from "../../support/doctor-scene.ts";

it("says when the day ends that budgets are counted by, in the time of this machine", () => {
  const now = Date.UTC(2026, 10, 27, 20, 17);
  const config = doctorConfig({ BUDGET_BOT_DAY: "200000t", BUDGET_USER_DAY: "1000t" });
  expect(short(examineBudgets(config, now, "Europe/Berlin"))).toEqual([
    "ok budgets: BUDGET_USER_DAY, BUDGET_BOT_DAY: days and months are those of UTC; today ends at 01:00 here (Europe/Berlin)",
  ]);
  expect(examineBudgets(doctorConfig({}), now)).toEqual([]);
});

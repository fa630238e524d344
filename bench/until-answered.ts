import type { TelegramReport } from "./messages.ts";
import { type Server, sleep } from "./processes.ts";

/** Waits until every chat has its answer, or so many milliseconds have passed. */
export async function untilAnswered(telegram: Pick<Server, "ask">, withinMs: number): Promise<TelegramReport> {
  const until = performance.now() + withinMs;
  for (;;) {
    const report = await telegram.ask<TelegramReport>({ order: "report" });
    if (report.open === 0 || performance.now() > until) return report;
    await sleep(100);
  }
}

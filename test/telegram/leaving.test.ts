/** When a question is left because the process ends, and when it is not any more. */
import { describe, expect, it } from "vitest";
import type { BotDeps } from "../../src/telegram/context.ts";
import { untilAsked } from "../../src/telegram/leaving.ts";

function fetching(leavingAlready = false) {
  const [update, leaving] = [new AbortController(), new AbortController()];
  if (leavingAlready) leaving.abort();
  const asked: string[] = [];
  const answer = () => void asked.push("model");
  const hear = () => void asked.push("ear");
  const deps = { models: { answer }, hearing: { hear } } as unknown as Pick<BotDeps, "models" | "hearing">;
  return { update, leaving, asked, ...untilAsked(deps, update.signal, leaving.signal) };
}
const nothing = [] as unknown as Parameters<BotDeps["models"]["answer"]>;

describe("a question that is fetching", () => {
  it.each([true, false])("is left when the process begins to leave, or is leaving: %s", (already) => {
    const { signal, leaving } = fetching(already);
    leaving.abort();
    expect([signal.aborted, signal.reason]).toEqual([true, "shutdown"]);
  });

  it.each(["model", "ear"])("stays once somebody was asked: the %s", (whom) => {
    const { signal, leaving, models, hearing, asked, update } = fetching();
    if (whom === "model") models.answer(...nothing);
    else hearing?.hear?.(...(nothing as unknown as Parameters<NonNullable<typeof hearing.hear>>));
    expect(asked).toEqual([whom]);
    leaving.abort();
    expect(signal.aborted).toBe(false);
    update.abort("stop");
    expect(signal.reason).toBe("stop");
  });

  it("ends as its update does, whatever it is told later", () => {
    const { signal, leaving, update, unlink } = fetching();
    update.abort("joined");
    leaving.abort();
    expect(signal.reason).toBe("joined");
    const other = fetching();
    other.unlink();
    other.leaving.abort();
    other.update.abort("stop");
    expect(other.signal.aborted).toBe(false);
    unlink();
  });
});

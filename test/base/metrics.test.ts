import { describe, expect, it } from "vitest";
import { createMetrics } from "../../src/base/metrics.ts";

const stats = { waiting: 3, active: 2, delayed: 1, dead: 4, oldestWaitingMs: 1500 };

/** What `promtool check metrics` finds fault with: its rules, here so that no test needs it installed. */
function lint(text: string): string[] {
  const help = new Map([...text.matchAll(/^# HELP (\S+) ?(.*)$/gm)].map(([, name = "", words = ""]) => [name, words]));
  const types = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name = "", type = ""]) => ({ name, type }));
  const units =
    /^(milli|micro|nano|kilo|mega|giga|kibi|mebi|gibi|deci|centi)|^(minutes?|hours?|days?|weeks?|percents?|bits?)$/;
  const short = ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"];
  const found = types.flatMap(({ name, type }) => {
    const words = name.split("_");
    const wrong = [
      [(help.get(name) ?? "") === "", "no help text"],
      [type === "counter" && !name.endsWith("_total"), 'counter metrics should have "_total" suffix'],
      [type !== "counter" && name.endsWith("_total"), 'non-counter metrics should not have "_total" suffix'],
      [type !== "histogram" && name.endsWith("_bucket"), 'non-histogram metrics should not have "_bucket" suffix'],
      [/_(count|sum)$/.test(name) && !/histogram|summary/.test(type), 'no "_count" or "_sum" suffix'],
      [name.includes(":"), "metric names should not contain ':'"],
      [/[a-z][A-Z]/.test(name), "metric names should be written in 'snake_case' not 'camelCase'"],
      [words.some((word) => units.test(word)), "use base unit"],
      [words.some((word) => short.includes(word)), "metric names should not contain abbreviated units"],
      [words.some((word) => ["gauge", "counter", "histogram", "summary"].includes(word)), "name has its type in it"],
    ] as const;
    return wrong.flatMap(([is, fault]) => (is ? [`${name} ${fault}`] : []));
  });
  const labels = [...text.matchAll(/^(\w+)\{(.*)\} /gm)].flatMap(([, name = "", all = ""]) =>
    [...all.matchAll(/(\w+)="/g)].map(([, label = ""]) => ({ name, label })),
  );
  for (const { name, label } of labels) {
    if (/[a-z][A-Z]/.test(label)) found.push(`${name} label names should be written in 'snake_case'`);
    if (label === "le" && !name.endsWith("_bucket")) found.push(`${name} should not have "le" label`);
    if (label === "quantile") found.push(`${name} should not have "quantile" label`);
  }
  const names = types.map(({ name }) => name);
  if (new Set(names).size !== names.length) found.push("a metric is there twice");
  return found;
}

describe("the rules of promtool", () => {
  it.each([
    ["# HELP a_total\n# TYPE a_total counter", "no help text"],
    ["# HELP a b\n# TYPE a counter", '"_total"'],
    ["# HELP a_total b\n# TYPE a_total gauge", '"_total"'],
    ["# HELP a_count b\n# TYPE a_count gauge", '"_count"'],
    ["# HELP a:b b\n# TYPE a:b gauge", "':'"],
    ["# HELP a_milliseconds b\n# TYPE a_milliseconds gauge", "base unit"],
    ["# HELP a_ms b\n# TYPE a_ms gauge", "abbreviated"],
    ["# HELP aB b\n# TYPE aB gauge", "camelCase"],
    ['# HELP a b\n# TYPE a gauge\na{chatKind="x"} 1', "label names"],
  ])("find fault with %j", (text, fault) => {
    expect(lint(text)).toEqual([expect.stringContaining(fault)]);
  });
});

describe("metrics", () => {
  it("are Prometheus text with everything that was counted", async () => {
    const metrics = createMetrics();
    metrics.updateReceived("message", "queued");
    metrics.laneFullDropped();
    metrics.rateLimited();
    metrics.turnEnded("complete");
    metrics.answerCached();
    metrics.firstTextShown(420);
    metrics.finalShown(4200);
    metrics.modelFirstToken("openai/x", 300);
    metrics.modelCalled("openai/x", "complete");
    metrics.tokensUsed({ model: "openai/x", inputTokens: 12, cachedTokens: 3, outputTokens: 5 });
    metrics.telegramCalled("sendMessage", 200);
    metrics.telegramCalled("sendMessage", "network");
    metrics.telegramHeld(2500);
    metrics.enqueued(0.8);
    metrics.deliveryFailed();
    metrics.deliveryRetried();
    metrics.updateDied();
    metrics.leaseLost();
    metrics.rateLimiterFailed();
    metrics.pollerElected(true);
    metrics.watchQueue(async () => stats);
    const lines = (await metrics.text()).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        'parley_updates_total{kind="message",result="queued"} 1',
        "parley_lane_full_total 1",
        "parley_rate_limited_total 1",
        'parley_turns_total{outcome="complete"} 1',
        "parley_cached_answers_total 1",
        'parley_time_to_first_text_seconds_bucket{le="0.5"} 1',
        'parley_time_to_first_text_seconds_bucket{le="0.25"} 0',
        "parley_time_to_final_seconds_sum 4.2",
        'parley_model_first_token_seconds_count{model="openai/x"} 1',
        'parley_model_calls_total{model="openai/x",outcome="complete"} 1',
        'parley_tokens_total{model="openai/x",kind="input"} 12',
        'parley_telegram_calls_total{method="sendMessage",status="200"} 1',
        'parley_telegram_calls_total{method="sendMessage",status="network"} 1',
        "parley_telegram_holds_total 1",
        "parley_telegram_hold_seconds_total 2.5",
        'parley_queue_updates{state="waiting"} 3',
        'parley_enqueue_seconds_bucket{le="0.0005"} 0',
        'parley_enqueue_seconds_bucket{le="0.001"} 1',
        "parley_delivery_failures_total 1",
        "parley_redeliveries_total 1",
        "parley_dead_updates_total 1",
        "parley_lease_losses_total 1",
        "parley_rate_limiter_failures_total 1",
        "parley_poller 1",
        'parley_queue_updates{state="active"} 2',
        'parley_queue_updates{state="delayed"} 1',
        'parley_queue_updates{state="dead"} 4',
        "parley_queue_oldest_waiting_seconds 1.5",
        "parley_queue_up 1",
      ]),
    );
    expect(lines.some((line) => line.startsWith("process_resident_memory_bytes "))).toBe(true);
    expect(lint(lines.join("\n"))).toEqual([]);
  });

  it("say how the webhook is doing, in a process that has one", async () => {
    const metrics = createMetrics();
    expect(await metrics.text()).not.toMatch(/^parley_webhook/m);
    metrics.webhookSeen(7, false);
    expect(await metrics.text()).toMatch(/^parley_webhook_pending_updates 7$/m);
    expect(await metrics.text()).toMatch(/^parley_webhook_up 0$/m);
    metrics.webhookSeen(0, true);
    expect(await metrics.text()).toMatch(/^parley_webhook_up 1$/m);
  });

  it("say which process polls, and when it does not any more", async () => {
    const metrics = createMetrics();
    expect(await metrics.text()).toMatch(/^parley_poller 0$/m);
    metrics.pollerElected(true);
    metrics.pollerElected(false);
    expect(await metrics.text()).toMatch(/^parley_poller 0$/m);
  });

  it("of two processes' worth in one process do not touch each other", async () => {
    const [first, second] = [createMetrics(), createMetrics()];
    first.rateLimited();
    expect(await second.text()).toContain("parley_rate_limited_total 0");
  });

  it("read the queue once a scrape, and show no depth while it does not answer", async () => {
    const metrics = createMetrics();
    let reads = 0;
    metrics.watchQueue(async () => {
      reads += 1;
      return stats;
    });
    expect(await metrics.text()).toMatch(/^parley_queue_up 1$/m);
    expect(reads).toBe(1);
    metrics.watchQueue(() => new Promise(() => undefined));
    const hanging = await metrics.text();
    expect(hanging.match(/^parley_queue_\w+[ {].*$/gm)).toEqual(["parley_queue_up 0"]);
    expect(hanging).toContain("parley_rate_limited_total 0");
    metrics.watchQueue(() => {
      throw new Error("closed");
    });
    expect(await metrics.text()).toMatch(/^parley_queue_up 0$/m);
    metrics.watchQueue(async () => stats);
    const again = await metrics.text();
    expect(again).toMatch(/^parley_queue_up 1$/m);
    expect(again).toMatch(/^parley_queue_oldest_waiting_seconds 1\.5$/m);
  });

  it("sum up requests, errors, latency and uptime", () => {
    let clock = 5000;
    const metrics = createMetrics({ now: () => clock });
    expect(metrics.summary()).toEqual({ requests: 0, errors: 0, p50Ms: undefined, p95Ms: undefined, uptimeSeconds: 0 });
    for (let ms = 100; ms >= 1; ms -= 1) metrics.finalShown(ms);
    for (const outcome of ["complete", "stopped", "failed", "empty"] as const) metrics.turnEnded(outcome);
    clock += 61_000;
    expect(metrics.summary()).toEqual({ requests: 4, errors: 2, p50Ms: 50, p95Ms: 95, uptimeSeconds: 61 });
  });

  it("look at the latest thousand answers for the latency", () => {
    const metrics = createMetrics();
    for (let count = 0; count < 1000; count += 1) metrics.finalShown(9000);
    for (let count = 0; count < 1000; count += 1) metrics.finalShown(10);
    expect(metrics.summary().p95Ms).toBe(10);
  });
});

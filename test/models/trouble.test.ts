/** Which failures of models are told to operators. */
import { afterEach, expect, it, vi } from "vitest";
import { createModels } from "../../src/models/chain.ts";
import type { Alert } from "../../src/ports/alerts.ts";
import { textParts } from "../../src/ports/content.ts";
import { createLlmServer, type LlmServer, paris, refuse } from "../support/llm-server.ts";

const lines: object[] = [];
const log = { info: () => undefined, warn: (fields: object) => void lines.push(fields) };
let server: LlmServer | undefined;
afterEach(async () => {
  lines.length = 0;
  await server?.stop();
});

/** The alerts of so many questions to `relay/gone`, whose provider answers so; at least `least` are waited for. */
async function alertsOf(answer: LlmServer["answer"], { questions = 1, least = 0 } = {}): Promise<readonly Alert[]> {
  server = await createLlmServer(answer);
  const alerts: Alert[] = [];
  const models = createModels({
    models: {
      names: ["relay/gone"],
      chains: {},
      fallbacks: [],
      providers: [{ name: "relay", baseUrl: `${server.origin}/v1`, apiKey: "sk-relay-0123456789" }],
    },
    log,
    alerts: { raise: (alert) => void alerts.push(alert) },
    timers: { backoffMs: 1, usageMs: 20 },
  });
  const question = { model: "relay/gone", messages: [{ role: "user" as const, content: textParts("Hello?") }] };
  for (let asked = 0; asked < questions; asked += 1) {
    try {
      for await (const _event of models.answer(question, new AbortController().signal));
    } catch {
      // The user is told; here only the operators count.
    }
  }
  await vi.waitFor(() => expect(alerts.length).toBeGreaterThanOrEqual(least), 10_000);
  await models.stop();
  return alerts;
}

it.each<readonly [string, number, unknown, Alert]>([
  ["a refused key", 401, "Incorrect API key provided", { kind: "key-refused", provider: "relay" }],
  ["an empty account", 402, "Insufficient Balance", { kind: "credit-empty", provider: "relay" }],
  [
    "a spent quota, though its status is that of too many calls",
    429,
    { error: { message: "You exceeded your current quota", code: "insufficient_quota" } },
    { kind: "credit-empty", provider: "relay" },
  ],
  [
    "a header that is missing",
    400,
    { message: "x-a header is required" },
    { kind: "settings-missing", provider: "relay" },
  ],
  ["a wrong address", 404, { detail: "Not Found" }, { kind: "address-wrong", provider: "relay" }],
])("operators hear of %s", async (_what, status, body, alert) => {
  expect(await alertsOf((_heard, response) => refuse(response, status, body))).toEqual([alert]);
});

it.each<readonly [string, LlmServer["answer"]]>([
  ["an overloaded provider", (_heard, response) => refuse(response, 529, "Overloaded")],
  ["too many calls", (_heard, response) => refuse(response, 429, "Rate limit reached")],
  ["a question that it declines", (_heard, response) => refuse(response, 400, "flagged by our content policy")],
  ["an answer", (_heard, response) => void response.end(paris)],
])("operators do not hear of %s", async (_what, answer) => {
  expect(await alertsOf(answer)).toEqual([]);
});

const gone = { error: { message: "The model `gone` does not exist", code: "model_not_found" } };

it("operators hear what a provider has instead of a model that is gone, and the log says it; it is asked once", async () => {
  const list = { data: [{ id: "whisper-2" }, { id: "gone-2" }] };
  const alerts = await alertsOf(
    ({ method }, response) =>
      method === "GET" ? void response.end(JSON.stringify(list)) : refuse(response, 404, gone),
    { questions: 3, least: 3 },
  );
  expect(alerts).toEqual(
    Array.from({ length: 3 }, () => ({ kind: "model-gone", model: "relay/gone", nearest: "gone-2" })),
  );
  expect(lines.filter((line) => "nearest" in line)).toEqual([{ model: "relay/gone", nearest: "gone-2" }]);
  expect(server?.heard.filter(({ method }) => method === "GET")).toHaveLength(1);
});

it("operators hear of a model that is gone, though the provider has no list, or the list nothing like it", async () => {
  const heard = { kind: "model-gone", model: "relay/gone", nearest: undefined };
  expect(await alertsOf((_heard, response) => refuse(response, 404, gone), { least: 1 })).toEqual([heard]);
});

/** How the real process starts, listens and ends; and the webhook. */
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createRig,
  get,
  modelKey,
  type Rig,
  refusedCalls,
  runToEnd,
  token,
  until,
  words,
} from "../support/bot-process.ts";
import { freePort } from "../support/free-port.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe("the webhook", { timeout: 180_000 }, () => {
  let rig: Rig;
  let endpoint: string;
  let metricsPort: number;
  const secret = "the-secret-of-the-webhook";
  const metricsToken = "the-token-of-the-metrics";

  beforeAll(async () => {
    metricsPort = await freePort();
    const metrics = { METRICS_PORT: String(metricsPort), METRICS_TOKEN: metricsToken };
    rig = await createRig({
      env: (port) => ({ WEBHOOK_URL: `http://127.0.0.1:${port}/hooks/`, WEBHOOK_SECRET: secret, ...metrics }),
    });
    endpoint = `http://127.0.0.1:${rig.port}/hooks/telegram`;
    await rig.start();
  }, 120_000);

  afterAll(async () => {
    await rig.stop();
  }, 120_000);

  const post = (body: string, given = secret, method = "POST") =>
    fetch(endpoint, {
      method,
      headers: { "content-type": "application/json", "x-telegram-bot-api-secret-token": given },
      ...(method === "GET" ? {} : { body }),
    }).then((response) => response.status);

  test("is registered with secret and update types, and answers stream as with polling", async () => {
    const call = await until(() => rig.botApi.calls.find(({ method }) => method === "setWebhook"));
    expect(call.params["url"]).toBe(endpoint);
    expect(call.params["allowed_updates"]).toEqual(
      expect.arrayContaining(["message", "callback_query", "edited_message"]),
    );
    expect(call.params["max_connections"]).toBeGreaterThan(0);
    const visitor = rig.visitor();
    rig.answers("by webhook", { text: words(120), tokensPerSecond: 50 });
    const answer = await visitor.ask("by webhook");
    expect(answer.text).toBe(words(120));
    expect(answer.views.length).toBeGreaterThan(1);
    expect(rig.botApi.calls.some(({ method }) => method === "getUpdates")).toBe(false);
    expect(refusedCalls(rig.botApi)).toEqual([]);
    expect(rig.botApi.violations).toEqual([]);
  });

  test("turns away what does not come from Telegram", async () => {
    const update = JSON.stringify({ update_id: 1 });
    expect(await post(update, "wrong")).toBe(401);
    expect(await post("x".repeat(2_000_000), "wrong")).toBe(401);
    expect(await post("no json")).toBe(400);
    expect(await post("[]")).toBe(400);
    expect(await post(JSON.stringify({ update_id: "1" }))).toBe(400);
    expect(await post(JSON.stringify({ update_id: 2, filler: "x".repeat(1_100_000) }))).toBe(413);
    const other = await post("", secret, "GET");
    expect(other).toBeGreaterThanOrEqual(400);
    expect(other).toBeLessThan(500);
    expect(await post(JSON.stringify({ update_id: 3, something_new: { nobody: "knows" } }))).toBe(200);
    // A proxy in front may strip the path of the address: served there, too, and 405 as below it.
    expect(await get(rig.port, "/telegram")).toBe(405);
    expect(await get(rig.port, "/elsewhere/telegram")).toBe(404);
    expect(await get(rig.port, "/healthz")).toBe(200);
    expect(rig.output()).not.toContain(secret);
  });

  test("shows its metrics at the port of their own, to whoever knows their token", async () => {
    expect(await get(rig.port, "/metrics")).toBe(404);
    expect(await get(metricsPort, "/metrics")).toBe(401);
    const headers = { authorization: `Bearer ${metricsToken}` };
    const shown = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, { headers });
    expect(await shown.text()).toMatch(/^parley_queue_up 1$/m);
    expect(rig.output()).toContain(`"address":"127.0.0.1:${metricsPort}","paths":["/metrics"]`);
    expect(rig.output()).not.toContain(metricsToken);
  });

  test("ends with 0 on SIGTERM when idle", async () => {
    const started = performance.now();
    expect(await rig.end("SIGTERM")).toBe(0);
    // The promise is 5 s; a loaded machine gets twice that.
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(rig.botApi.violations).toEqual([]);
  });
});

describe("the descriptions of the bot", { timeout: 180_000 }, () => {
  test("are set by a start when there are none, once, and a hanging Telegram delays neither start nor answers", async () => {
    const rig = await createRig();
    try {
      // Both: on a busy machine the first call may be given up, and the second made, before this start is ended.
      rig.botApi.faults.fail({ match: ({ method }) => /^getMy.*Description$/.test(method), hangMs: 600_000 });
      await rig.start();
      const visitor = rig.visitor();
      await visitor.ask("while it hangs");
      await rig.end("SIGTERM");
      rig.botApi.faults.clear();
      rig.botApi.clearLog();
      await rig.start();
      await until(() => rig.botApi.calls.some(({ method }) => method === "setMyShortDescription"));
      expect(rig.botApi.description()).not.toBe("");
      const about = rig.botApi.calls.map(({ method }) => method).filter((method) => /^.etMy(?!Commands)/.test(method));
      expect(about).toEqual(["getMyDescription", "setMyDescription", "getMyShortDescription", "setMyShortDescription"]);
      expect(refusedCalls(rig.botApi)).toEqual([]);
    } finally {
      await rig.stop();
    }
  });
});

describe("a start that cannot succeed", { timeout: 180_000 }, () => {
  // It refuses the token of one of the starts.
  const rig = sharedRig({ faulty: true });
  let env: Record<string, string>;

  beforeAll(async () => {
    env = {
      BOT_TOKEN: token,
      TELEGRAM_API_ROOT: rig.botApi.url,
      MODELS: "test/one",
      TEST_BASE_URL: rig.model.url,
      TEST_API_KEY: modelKey,
      PORT: String(await freePort()),
    };
  }, 120_000);

  /** What was printed for people: log lines are JSON. */
  const plainLines = (output: string) => output.split("\n").filter((line) => line !== "" && !line.startsWith("{"));

  test("lists every mistake of the environment by name, without the values", async () => {
    const { code, output } = await runToEnd({
      BOT_TOKEN: "a-wrong-token-value",
      MODELS: "openai/gpt,nonsense-entry",
      PORT: "eighty",
      ALLOWED_USER_IDS: "@someone",
      STREAM_MODE: "carrier-pigeon",
    });
    expect(code).toBe(78);
    for (const name of ["BOT_TOKEN", "MODELS", "PORT", "ALLOWED_USER_IDS", "STREAM_MODE", "OPENAI_API_KEY"]) {
      expect(plainLines(output).filter((line) => line.startsWith(name))).toHaveLength(1);
    }
    expect(output).not.toMatch(/a-wrong-token-value|nonsense-entry|carrier-pigeon|\n\s+at /);
  });

  test("says in one line that Telegram refuses the token", async () => {
    const refused = "535353:ANOTHER-token-that-is-not-known-here";
    const { code, output } = await runToEnd({ ...env, BOT_TOKEN: refused });
    expect(code).toBe(78);
    expect(plainLines(output)).toEqual([expect.stringMatching(/BOT_TOKEN|token/)]);
    expect(output).not.toContain("ANOTHER-token");
  });

  test("ends a running bot, too, when Telegram refuses its token later", async () => {
    const running = await createRig();
    try {
      await running.start();
      const ended = once(running.child(), "exit");
      running.botApi.faults.fail({ match: ({ method }) => method === "getUpdates", status: 401, times: 1_000 });
      expect(await ended).toEqual([78, null]);
      expect(plainLines(running.output())).toEqual([expect.stringMatching(/^BOT_TOKEN is refused/)]);
    } finally {
      await running.stop();
    }
  });

  test("is not hindered by what the SDK would read from the environment by itself", async () => {
    const broken = { OPENAI_CUSTOM_HEADERS: "no header: x\n: y", OPENAI_BASE_URL: "no url", OPENAI_LOG: "no level" };
    const { output } = await runToEnd({ ...env, ...broken, BOT_TOKEN: "535353:ANOTHER-token-that-is-not-known-here" });
    // It came as far as asking Telegram.
    expect(plainLines(output)).toEqual([expect.stringMatching(/^BOT_TOKEN/)]);
  });

  test("warns in one line of an ADMIN_TOKEN that nothing reads", async () => {
    const adminToken = "an-admin-token-of-24-chars";
    const { output } = await runToEnd({ ...env, ADMIN_TOKEN: adminToken, DATA_DIR: join(process.execPath, "data") });
    expect(output.split("\n").filter((line) => line.includes("ADMIN_TOKEN"))).toEqual([
      expect.stringMatching(/^\{"level":"warn".*REDIS_URL/),
    ]);
    expect(output).not.toContain(adminToken);
  });

  test("writes its log as LOG_FORMAT says: JSON where nobody reads along, pretty when it is asked for", async () => {
    const refused = {
      ...env,
      BOT_TOKEN: "535353:ANOTHER-token-that-is-not-known-here",
      METRICS_TOKEN: "not-to-be-shown-anywhere",
    };
    const linesWith = async (format: string) => {
      const { output } = await runToEnd({ ...refused, LOG_FORMAT: format });
      expect(output).not.toMatch(/ANOTHER-token|not-to-be-shown/);
      return output.split("\n").filter((line) => line.includes("listening"));
    };
    for (const format of ["", "auto", "json"]) {
      const lines = await linesWith(format);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: "info" });
    }
    const [line] = await linesWith("pretty");
    expect(line).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: listening/);
  });

  test("names a variable that is nearly one of ours, and says what listens where", async () => {
    const typos = { ALOWED_USER_IDS: "1", OPENAI_KEY: "sk-not-to-be-shown", METRICS_PORT: String(await freePort()) };
    const { output } = await runToEnd({ ...env, ...typos, BOT_TOKEN: "535353:ANOTHER-token-that-is-not-known-here" });
    const lines = output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
    expect(lines.filter(({ msg }) => /did you mean/.test(msg))).toMatchObject([
      { level: "warn", msg: "ALOWED_USER_IDS is not read by Parley; did you mean ALLOWED_USER_IDS?" },
      { level: "warn", msg: "OPENAI_KEY is not read by Parley; did you mean OPENAI_API_KEY?" },
    ]);
    expect(output).not.toContain("not-to-be-shown");
    expect(lines.filter(({ msg }) => /^listening/.test(msg))).toMatchObject([
      { address: `127.0.0.1:${env["PORT"]}`, paths: ["/healthz", "/readyz"] },
      { address: `127.0.0.1:${typos.METRICS_PORT}`, paths: ["/metrics"] },
      { address: expect.stringMatching(/parley\.sock$/) },
    ]);
  });

  test("listens on this machine only when nobody asks for more, and everywhere with a PORT", async () => {
    const refused = { ...env, BOT_TOKEN: "535353:ANOTHER-token-that-is-not-known-here" };
    // The usual port may be taken here; where it was to be opened is said either way.
    const quiet = await runToEnd({ ...refused, HOST: "", PORT: "" });
    expect(quiet.output).toMatch(/"address":"127\.0\.0\.1:8080"|8080 is in use by another program on 127\.0\.0\.1/);
    const open = await runToEnd({ ...refused, HOST: "" });
    expect(open.output).toContain(`"address":"0.0.0.0:${env["PORT"]}"`);
  });

  test("says in one line what is wrong with the command line, and with a .env that cannot be read", async () => {
    const extra = await runToEnd(env, "start --verbose");
    expect(extra.code).toBe(78);
    expect(plainLines(extra.output)).toEqual([
      "start takes no arguments: settings are environment variables, or go into .env.",
    ]);
    expect(plainLines((await runToEnd(env, "")).output)).toEqual([
      expect.stringMatching(/^The mode must be one of start, dev/),
    ]);
    const text = `BOT_TOKEN=${token}\r\nOPENAI_API_KEY=sk-not-to-be-shown\r\n`;
    const { code, output } = await runToEnd({}, "start", Buffer.from(`\ufeff${text}`, "utf16le"));
    expect(code).toBe(78);
    expect(plainLines(output)).toEqual([
      expect.stringMatching(/^BOT_TOKEN is missing/),
      expect.stringMatching(/^MODELS is missing/),
      ".env is not UTF-8 text, so nothing in it counts; save it as UTF-8",
    ]);
    const read = await runToEnd({ MODELS: "nobody/knows" }, "start", `\ufeff${text}`);
    expect(plainLines(read.output)).toEqual([expect.stringMatching(/^NOBODY_BASE_URL is missing/)]);
  });

  test("says in one line that another process has the database", async () => {
    const { code, output } = await runToEnd({ ...env, DATA_DIR: join(rig.dataDir, "data") });
    expect(code).toBe(1);
    expect(plainLines(output)).toEqual([expect.stringMatching(/DATA_DIR/)]);
    expect(await get(rig.port, "/readyz")).toBe(200);
    // Nor does an operator lose the way to the first.
    expect(await runToEnd({ DATA_DIR: join(rig.dataDir, "data") }, "queue stats")).toMatchObject({ code: 0 });
  });

  test("says in one line that the port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const { code, output } = await runToEnd({ ...env, PORT: port });
    server.close();
    expect(code).toBe(1);
    expect(plainLines(output)).toEqual([expect.stringMatching(/PORT/)]);
  });

  test("says in one line that the data folder cannot be made", async () => {
    const { code, output } = await runToEnd({ ...env, DATA_DIR: join(process.execPath, "data") });
    expect(code).toBe(78);
    expect(plainLines(output)).toEqual([expect.stringMatching(/DATA_DIR/)]);
  });

  test("says in one line which modes there are, and that web and worker need Redis", async () => {
    const sideways = await runToEnd(env, "sideways");
    expect(sideways.code).toBe(78);
    expect(plainLines(sideways.output)).toEqual([expect.stringContaining("mode")]);
    const worker = await runToEnd(env, "worker");
    expect(worker.code).toBe(78);
    expect(worker.output).toContain("REDIS_URL");
  });
});

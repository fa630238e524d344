import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { eventually } from "../contracts/queue-probe.ts";
import { canStartRedis, startPrivateRedis } from "../support/redis-server.ts";

const script = fileURLToPath(new URL("../support/processes/hanging-process.ts", import.meta.url));
/** Its thread looks thirty times in this time; three looks late, it begins anew. */
const hangMs = 1_500;
const folder = mkdtempSync(join(tmpdir(), "parley-watchdog-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "hangs");
afterEach(() => rmSync(file, { force: true }));

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill("SIGCONT");
  child?.kill("SIGKILL");
});

/** Starts the process and waits until it is ready. */
async function start(format: "json" | "pretty", where: readonly string[] = ["file", file]) {
  const started = spawn(process.execPath, [script, String(hangMs), format, ...where], { stdio: "pipe" });
  child = started;
  const said = { out: "", errors: "" };
  started.stdout.on("data", (text) => {
    said.out += text;
  });
  started.stderr.on("data", (text) => {
    said.errors += text;
  });
  const ended = new Promise<string>((resolve) =>
    started.once("close", (code, signal) => resolve(signal ?? String(code))),
  );
  const send = (line: string) => void started.stdin.write(`${line}\n`);
  const answered = (line: string) => eventually(() => expect(said.out).toContain(`${line}\n`));
  await answered("ready");
  return { said, ended, send, answered, signal: (name: NodeJS.Signals) => void started.kill(name) };
}

describe("the watchdog", () => {
  it("ends a process whose loop stands still, and leaves the update whose work it was in", async () => {
    const { said, ended, send } = await start("json");
    send("hang 77");
    expect(await ended).toBe("SIGKILL");
    const lines = said.errors.trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0] ?? "");
    expect(line).toMatchObject({ level: "error", updateId: 77 });
    expect(line.stoodMs).toBeGreaterThanOrEqual(hangMs);
    expect(line.msg).toMatch(/hung/);
    expect(readFileSync(file, "utf8")).toMatch(/^[0-9a-f-]{36} 77\n$/);
  });

  it("writes its line as the log is written, in colours where people read it", async () => {
    const { said, ended, send } = await start("pretty");
    send("hang 77");
    expect(await ended).toBe("SIGKILL");
    expect(said.errors).toMatch(/ERROR.*hung/);
    expect(said.errors).toMatch(/updateId.*77/);
    expect(said.errors).not.toContain("{");
  });

  it("names nobody when it was no update's work", async () => {
    const { said, ended, send } = await start("json");
    send("hang");
    expect(await ended).toBe("SIGKILL");
    expect(JSON.parse(said.errors)).not.toHaveProperty("updateId");
    expect(existsSync(file)).toBe(false);
  });

  it("kills even when the update cannot be left, and says so", async () => {
    const { said, ended, send } = await start("json", ["file", join(folder, "gone", "hangs")]);
    send("hang 77");
    expect(await ended).toBe("SIGKILL");
    expect(JSON.parse(said.errors).reason).toMatch(/could not be noted: ENOENT/);
  });

  it("kills even when nobody reads what it says", async () => {
    const { ended, send } = await start("json");
    child?.stderr?.destroy();
    send("hang 77");
    expect(await ended).toBe("SIGKILL");
    expect(readFileSync(file, "utf8")).toMatch(/ 77\n$/);
  });

  it("lets a loop be that is slow, again and again", async () => {
    const { said, ended, send, answered } = await start("json");
    for (let n = 1; n <= 4; n++) {
      send(`busy ${hangMs * 0.6}`);
      await eventually(() => expect(said.out.split("did busy").length - 1).toBe(n));
      // Its heart may beat in between.
      await sleep(hangMs / 10);
    }
    send("still");
    await answered("did still");
    expect(said.errors).toBe("");
    child?.kill("SIGTERM");
    expect(await ended).toBe("SIGTERM");
  });

  it("begins anew after it was itself stopped with the process", async () => {
    const { said, send, answered, signal } = await start("json");
    for (let n = 0; n < 3; n++) {
      signal("SIGSTOP");
      await sleep(hangMs * 1.5);
      signal("SIGCONT");
      send(`again ${n}`);
      await answered(`did again ${n}`);
    }
    // Stopped in the middle of work that does not take too long.
    send(`busy ${hangMs * 0.6}`);
    await sleep(hangMs * 0.2);
    signal("SIGSTOP");
    await sleep(hangMs * 1.5);
    signal("SIGCONT");
    await answered(`did busy ${hangMs * 0.6}`);
    expect(said.errors).toBe("");
  });

  it("lets a process be that a debugger may hold", async () => {
    const { said, send, answered } = await start("json");
    send("debug");
    await answered("did debug");
    await sleep(hangMs / 10);
    send(`busy ${hangMs * 2}`);
    await answered(`did busy ${hangMs * 2}`);
    expect(said.errors).not.toMatch(/hung/);
  });

  it.skipIf(!canStartRedis())("leaves the update in Redis, on a connection of its own", async () => {
    const server = await startPrivateRedis({ args: ["--requirepass", "a password"] });
    try {
      const redis = new Redis({ port: server.port, password: "a password", db: 2 });
      const { said, ended, send } = await start("json", ["redis", String(server.port), "{p}:"]);
      await redis.set("{p}:alive:5", "1", "PX", 5_000);
      send("hang 77");
      // While its loop stands still, others are told that the process lives.
      await eventually(async () => expect(await redis.pttl("{p}:alive:5")).toBeLessThanOrEqual(500));
      expect(await redis.exists("{p}:alive:5")).toBe(1);
      expect(await ended).toBe("SIGKILL");
      expect(JSON.parse(said.errors)).toMatchObject({ updateId: 77 });
      expect(said.errors).not.toMatch(/reason|a password/);
      expect(await redis.get("{p}:hung:5")).toBe("77");
      expect(await redis.hgetall("{p}:hangs")).toEqual({ 77: "1" });
      // A name that has expired is never begun again.
      await eventually(async () => expect(await redis.exists("{p}:alive:5")).toBe(0));
      redis.disconnect();
      await server.kill();
      const other = await start("json", ["redis", String(server.port), "{p}:"]);
      other.send("hang 77");
      expect(await other.ended).toBe("SIGKILL");
      expect(JSON.parse(other.said.errors).reason).toMatch(/could not be noted/);
    } finally {
      await server.stop();
    }
  });
});

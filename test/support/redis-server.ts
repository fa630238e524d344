/** A Redis for tests: one that is there, or one of our own that may be stopped, killed and frozen. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll } from "vitest";
import { freePort } from "./free-port.ts";

const usualUrl = "redis://127.0.0.1:6379";
const startWithinMs = 20_000;

export interface FoundRedis {
  /** Empty when there is none. */
  readonly url: string;
  /** Why the suite is skipped; undefined when there is a Redis. */
  readonly missing: string | undefined;
  /** The suite's name, with the reason behind it when it is skipped. */
  title(name: string): string;
}

function found(url: string, missing?: string): FoundRedis {
  return { url, missing, title: (name) => (missing === undefined ? name : `${name} (${missing})`) };
}

/** Whether a server answers there and lets us in. */
async function answers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 2_000 });
  redis.on("error", () => {});
  try {
    await redis.connect();
    return (await redis.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

/** Whether a `redis-server` can be started here, for `startPrivateRedis`. */
export function canStartRedis(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

/**
 * The Redis of this test file: `REDIS_URL`, else the usual address when it answers, else a server of its own that ends with
 * the file. To be called at the top of a file: `describe.skipIf(redis.missing !== undefined)(redis.title("…"), …)`.
 */
export async function findRedis(): Promise<FoundRedis> {
  const given = process.env["REDIS_URL"];
  if (given !== undefined && given !== "") return found(given);
  if (await answers(usualUrl)) return found(usualUrl);
  if (!canStartRedis()) return found("", "no Redis here: REDIS_URL is not set and there is no redis-server");
  const server = await startPrivateRedis();
  afterAll(() => server.stop());
  return found(server.url);
}

/** A prefix for the keys of one test. */
export function newPrefix(): string {
  return `parley-test-${randomUUID()}`;
}

/** Deletes every key that has this text in its name. */
export async function deleteKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url);
  redis.on("error", () => {});
  for await (const keys of redis.scanStream({ match: `*${prefix}*`, count: 1_000 })) {
    if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]));
  }
  await redis.quit();
}

export interface PrivateRedisOptions {
  /** Further arguments of the server: `["--requirepass", "x"]`. */
  readonly args?: readonly string[];
  /** Whether every write is on disk, so that it is there again after `kill()` and `start()`. */
  readonly appendOnly?: boolean;
}

export interface PrivateRedis {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  /** Starts it again on the same port, with the same folder; resolves when it answers. */
  start(): Promise<void>;
  /** Ends it in good order; its folder stays until `stop()`. */
  shutDown(): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: its connections stay, and nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Ends it, and deletes its folder. */
  stop(): Promise<void>;
}

/**
 * Has a server killed, and its folder deleted, when this process ends in whatever way, by SIGKILL too. To be called back when
 * the server has ended before.
 */
function endWithUs(server: number, folder: string): () => void {
  const script = 'read -r gone || { kill -9 "$0"; rm -rf "$1"; }';
  const watcher = spawn("sh", ["-c", script, String(server), folder], {
    // It outlives what is sent to all of the terminal's processes.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watcher.unref();
  return () => void watcher.stdin.end("gone\n");
}

/** Starts a server for one test alone. The test calls `stop()` at its end. */
export async function startPrivateRedis(options: PrivateRedisOptions = {}): Promise<PrivateRedis> {
  const folder = mkdtempSync(join(tmpdir(), "parley-redis-"));
  const port = await freePort();
  // By the usual `everysec` replies go out before what they acknowledge is written while the disk is slow: a kill loses that. By
  // `no` it is written first, and the system has it when Redis is killed.
  const kept = ["--appendonly", "yes", "--appendfsync", "no"];
  const persistence = options.appendOnly === true ? kept : ["--appendonly", "no"];
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...persistence];
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();

  async function start(): Promise<void> {
    let output = "";
    const server = spawn("redis-server", [...args, ...(options.args ?? [])], { stdio: ["ignore", "pipe", "pipe"] });
    child = server;
    if (server.pid === undefined) throw new Error("redis-server did not start");
    const gone = endWithUs(server.pid, folder);
    ended = new Promise<void>((resolve) => {
      server.once("close", () => {
        gone();
        resolve();
      });
    });
    // The pipe must be emptied, or the server would hang on its own log one day.
    for (const stream of [server.stdout, server.stderr]) {
      stream.on("data", (text) => {
        output = (output + text).slice(-4_000);
      });
    }
    const deadline = performance.now() + startWithinMs;
    while (!output.includes("Ready to accept connections")) {
      if (server.exitCode !== null || performance.now() > deadline) {
        server.kill("SIGKILL");
        throw new Error(`redis-server did not start: ${output}`);
      }
      await pause(20);
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill("SIGCONT");
      child.kill(signal);
    }
    await ended;
  }

  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    folder,
    start,
    shutDown: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    async stop() {
      await end("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

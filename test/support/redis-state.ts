/** What the tests of state in Redis have in common: a link to a prefix of their own, and processes beside the test's. */
import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RedisLink } from "../../src/engines/redis/link.ts";
import { createRedisLink } from "../../src/engines/redis/link.ts";
import { patienceMs } from "./patience.ts";
import { deleteKeys, newPrefix } from "./redis-server.ts";

const silent = { info() {}, warn() {} };

export interface OwnLink {
  readonly link: RedisLink;
  /** Without the hash tag. */
  readonly prefix: string;
  /** Ends the link and deletes what was written through it. */
  close(): Promise<void>;
}

/** A link to a prefix that no one else uses; with `prefix`, a further link to the same one. */
export async function openLink(url: string, prefix = newPrefix()): Promise<OwnLink> {
  const link = await createRedisLink({ url, prefix, log: silent });
  return {
    link,
    prefix,
    async close() {
      await link.stop();
      await deleteKeys(url, prefix);
    },
  };
}

export interface StateProcess {
  readonly pid: number;
  /** The lines that it has written until now. */
  readonly lines: readonly string[];
  /** Resolves with the first line that begins so, from now or before; rejects when there is none. */
  line(beginning: string): Promise<string>;
  send(line: string): void;
  signal(name: NodeJS.Signals): void;
  /** Ends it with SIGKILL, if it is still there. */
  end(): Promise<void>;
}

/** Starts a script of `test/processes`. */
export function startProcess(script: string, args: readonly string[]): StateProcess {
  const path = fileURLToPath(new URL(`processes/${script}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const closed = new Promise((resolve) => child.once("close", resolve));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stdin.on("error", () => {});
  const lines = () => output.split("\n").slice(0, -1);
  return {
    pid: child.pid ?? 0,
    get lines() {
      return lines();
    },
    async line(beginning) {
      const deadline = performance.now() + patienceMs;
      for (;;) {
        const line = lines().find((one) => one.startsWith(beginning));
        if (line !== undefined) return line;
        if (performance.now() > deadline || child.exitCode !== null) {
          throw new Error(`no line "${beginning}…" among ${JSON.stringify(lines().slice(-20))}`);
        }
        await pause(10);
      }
    },
    send: (line) => void child.stdin.write(`${line}\n`),
    signal: (name) => void child.kill(name),
    async end() {
      child.kill("SIGCONT");
      child.kill("SIGKILL");
      await closed;
    },
  };
}

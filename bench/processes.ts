/** The processes of a benchmark: how they are started, and what they cost. Reads `/proc`, so Linux only. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../test/support/free-port.ts";

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const token = "424242:benchmark-token-of-the-emulated-telegram";
/** Of the kernel's clock ticks; 100 a second on every Linux that Node runs on. */
const secondsPerTick = 0.01;

/** One of the two servers. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  /** Whatever else stands in its first message. */
  readonly told: Readonly<Record<string, string>>;
  tell(message: object): void;
  /** Tells it, and resolves with its answer. */
  ask<T>(message: object): Promise<T>;
  stop(): void;
}

/** What is measured: the bot, the bot as another checkout has it, the floor of answers, and that of a bot at rest. */
export type SubjectKind = "bot" | "former" | "floor" | "plain";

export interface Subject {
  readonly pid: number;
  readonly port: number;
  /** Milliseconds from its start until it answered; 0 for the floor of answers, which nobody waits for. */
  readonly readyMs: number;
  /** The file with its log, until it is stopped. */
  readonly log: string;
  stop(): Promise<void>;
}

export interface SubjectOptions {
  readonly kind: SubjectKind;
  /** The folder of the other checkout. */
  readonly former?: string;
  readonly telegram: Server;
  readonly model: Server;
  readonly env?: Readonly<Record<string, string>>;
  /** Updates are pushed to the bot instead of polled. */
  readonly webhook?: boolean;
  /** Folder that a CPU profile is written to at the end. */
  readonly profileTo?: string;
  /** The npm script that runs the bot; `start` when left out. */
  readonly script?: "start" | "start:web" | "start:worker";
  /** Of its listener; a free one when left out. */
  readonly port?: number;
}

/** What the npm script gives to Node, with its paths made absolute: the bot is measured as it is run. */
async function argumentsOf(script: string, checkout: string): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile(join(checkout, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const [, , ...words] = (scripts[script] ?? "").split(" ");
  return words.map((word) => (/^(\.\/)?src\//.test(word) ? join(checkout, word) : word));
}

/** Starts a server file of this folder. */
export async function startServer(file: string, env: Readonly<Record<string, string>>): Promise<Server> {
  const child = fork(path(file), { env: { PATH: process.env["PATH"], BOT_TOKEN: token, ...env }, execArgv: [] });
  const told = await nextMessage<{ readonly url: string; readonly [name: string]: string }>(child);
  return {
    url: told.url,
    told,
    pid: child.pid ?? 0,
    tell: (message) => void child.send(message),
    ask(message) {
      const answer = nextMessage<never>(child);
      child.send(message);
      return answer;
    },
    stop: () => void child.kill("SIGKILL"),
  };
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const died = () => reject(new Error("a server of the benchmark has died"));
    child.once("exit", died);
    child.once("message", (message) => {
      child.off("exit", died);
      resolve(message as T);
    });
  });
}

/** Starts the bot as its npm script does, or the floor, and waits until it answers. */
export async function startSubject({
  kind,
  former,
  telegram,
  model,
  env,
  profileTo,
  webhook,
  script = "start",
  port: givenPort,
}: SubjectOptions): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), "parley-bench-"));
  const log = await open(join(folder, "log"), "w");
  const port = givenPort ?? (await freePort());
  const profiling = profileTo === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileTo}`];
  const isBot = kind === "bot" || kind === "former";
  const checkout = kind === "former" && former !== undefined ? former : path("..");
  const program = isBot ? await argumentsOf(script, checkout) : [path(kind === "plain" ? "plain-bot.ts" : "floor.ts")];
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...profiling, ...program], {
    // No .env of the checkout: what is set here is all there is.
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      BOT_TOKEN: token,
      TELEGRAM_API_ROOT: telegram.url,
      DATA_DIR: join(folder, "data"),
      HOST: "127.0.0.1",
      PORT: String(port),
      MODELS: "test/one",
      TEST_BASE_URL: model.url,
      TEST_API_KEY: "benchmark-key-of-the-scripted-model",
      RATE_LIMIT_MESSAGES: "100000",
      CONCURRENCY: "4000",
      ...(webhook ? { WEBHOOK_URL: `http://127.0.0.1:${port}` } : {}),
      ...env,
    },
    stdio: ["ignore", log.fd, log.fd],
  });
  await log.close();
  // A benchmark that is broken off takes the bot with it; the servers end by themselves.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => {
      process.off("exit", kill);
      resolve();
    });
  });
  if (kind !== "floor") await untilReady(port, child, join(folder, "log"));
  const readyMs = kind === "floor" ? 0 : performance.now() - startedAt;
  return {
    pid: child.pid ?? 0,
    port,
    readyMs,
    log: join(folder, "log"),
    async stop() {
      // Only a bot that ends in peace leaves its profile; otherwise nobody waits for the last answers.
      child.kill(profileTo === undefined ? "SIGKILL" : "SIGTERM");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilReady(port: number, child: ChildProcess, logFile: string): Promise<void> {
  for (let left = 3_000; left > 0; left--) {
    if (child.exitCode !== null) break;
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (response?.ok) return;
    await sleep(10);
  }
  child.kill("SIGKILL");
  throw new Error(`the bot did not become ready:\n${await readFile(logFile, "utf8")}`);
}

/** Ends the benchmark at a signal as at its end, so that no process is left behind. */
export function endOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
}

/** CPU time of a process so far, user and system. Seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  return secondsIn(await readFile(`/proc/${pid}/stat`, "utf8"));
}

/** CPU time of a process's first thread, on which JavaScript runs. Seconds. */
export async function mainThreadSeconds(pid: number): Promise<number> {
  return secondsIn(await readFile(`/proc/${pid}/task/${pid}/stat`, "utf8"));
}

function secondsIn(stat: string): number {
  // The name may hold spaces; after its bracket user and system time are the 12th and 13th field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * secondsPerTick;
}

/** CPU time that anybody spent on this machine so far. Seconds. */
export async function machineSeconds(): Promise<number> {
  const [line = ""] = (await readFile("/proc/stat", "utf8")).split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * secondsPerTick;
}

/** The most memory that a process has held at once. MiB. */
export function peakMemory(pid: number): Promise<number> {
  return memoryField(pid, /VmHWM:\s+(\d+)/);
}

/** The memory that a process holds now. MiB. */
export function residentMemory(pid: number): Promise<number> {
  return memoryField(pid, /VmRSS:\s+(\d+)/);
}

/** What a process has written to files so far. KiB. */
export async function writtenToFiles(pid: number): Promise<number> {
  return Number(/^write_bytes: (\d+)/m.exec(await readFile(`/proc/${pid}/io`, "utf8"))?.[1] ?? 0) / 1024;
}

/** The processes that a process has started and that live. */
export async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => ""));
  return (await Promise.all(lists)).join(" ").split(" ").filter(Boolean).map(Number);
}

async function memoryField(pid: number, kibibytes: RegExp): Promise<number> {
  return Number(kibibytes.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

/** The only CPU profile in a folder. */
export async function profileIn(folder: string): Promise<string> {
  const name = (await readdir(folder)).find((file) => file.endsWith(".cpuprofile"));
  if (name === undefined) throw new Error("the bot left no CPU profile");
  return await readFile(join(folder, name), "utf8");
}

export const cores = cpus().length;

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

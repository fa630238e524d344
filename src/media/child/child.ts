/**
 * The process in which files are read. It has no environment and no network, may open no file but the program's own and start
 * nothing, its heap and its WebAssembly are bounded, and whoever runs out of memory on this machine runs out of it first.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sendFrame, takeFrames } from "./frames.ts";
import { type JobHead, mostSaidBytes, type Said, type Task } from "./job.ts";

/** How much a child may use. */
export interface ChildLimits {
  /** Until it is loaded. Milliseconds. */
  readonly startMs: number;
  /** For each file. Milliseconds. */
  readonly jobMs: number;
  /** Resident memory, in bytes. */
  readonly residentBytes: number;
  /** How often the memory is looked at. Milliseconds. */
  readonly lookEveryMs: number;
}

/** Why a child came to its end in the middle of a file. */
export type ChildEnd = "time" | "memory" | "crash" | "abort";

export type JobEnd =
  | { readonly type: "read"; readonly reading: unknown; readonly spent: boolean }
  | { readonly type: "died"; readonly of: ChildEnd; readonly peakBytes: number };

export interface Child {
  readonly pid: number | undefined;
  /** Resolves with true when it can take files; with false when it came to nothing. */
  readonly ready: Promise<boolean>;
  /** What others like it begin faster with: told by one that was given none, before it has seen a file. */
  readonly program: string | undefined;
  /** Files that it was given. */
  readonly served: number;
  readonly alive: boolean;
  /** One file at a time. Never rejects. */
  read(task: Task, signal: AbortSignal): Promise<JobEnd>;
  kill(): void;
}

/** Seconds of the processor that a child may use in its whole life: all that holds one whose bot was killed beside it. */
const processorSeconds = 180;
/**
 * The shell only sets what no option of Node sets, and becomes the child: of all processes it is the first to go when memory
 * runs out, and it goes by itself when it computes for ever. Where the system lets anybody do so, it has a network of its own
 * with nothing in it, and no rights of a superuser; its sources ("$0") must still be open to it then.
 */
const apart = "unshare -U -n --";
const inBounds = [
  "echo 1000 > /proc/self/oom_score_adj",
  `ulimit -t ${processorSeconds}`,
  `if ${apart} test -r "$0"; then exec ${apart} "$@"; fi`,
  'exec "$@"',
].join("; ");
const shell = "/bin/sh";

const entry = fileURLToPath(new URL("process.js", import.meta.url));

/** What the child may open: the sources and the packages; not the settings, nor the data beside them. */
function readable(): string[] {
  const sources = join(dirname(entry), "../..");
  const parser = fileURLToPath(import.meta.resolve("htmlparser2"));
  const packages = parser.slice(0, parser.lastIndexOf("node_modules") + "node_modules".length);
  return [join(sources, "*"), join(packages, "*"), join(sources, "../package.json")];
}

/** Node with all its bounds, running this program: a command and its arguments. */
export function boundedNode(...program: readonly string[]): string[] {
  const node = [
    process.execPath,
    "--permission",
    "--allow-addons",
    ...readable().map((path) => `--allow-fs-read=${path}`),
    "--max-old-space-size=256",
    "--wasm-max-mem-pages=5120",
    "--disable-warning=SecurityWarning",
    ...program,
  ];
  const bounded = process.platform !== "win32" && existsSync(shell);
  return bounded ? [shell, "-c", inBounds, entry, ...node] : node;
}

export interface Beginning {
  /** The program of a child before it; left out for the first one. */
  readonly program?: string | undefined;
  /** What Node runs instead of it. */
  readonly run?: readonly string[];
}

/** Starts a child. */
export function startChild(limits: ChildLimits, { program: given, run = [entry] }: Beginning = {}): Child {
  const [command = "", ...args] = boundedNode(...run);
  const child = spawn(command, args, {
    env: {},
    stdio: ["pipe", "ignore", "ignore", "pipe"],
    windowsHide: true,
  });
  const ready = Promise.withResolvers<boolean>();
  let alive = true;
  let isReady = false;
  let program = given;
  let served = 0;
  let settle: ((end: JobEnd) => void) | undefined;
  let killedFor: ChildEnd | undefined;
  let peakBytes = 0;

  function kill(): void {
    alive = false;
    child.kill("SIGKILL");
  }
  function end(): void {
    alive = false;
    clearTimeout(loading);
    ready.resolve(false);
    settle?.({ type: "died", of: killedFor ?? "crash", peakBytes });
  }
  const loading = setTimeout(kill, limits.startMs);
  child.once("error", end);
  child.once("exit", end);
  const pipe = child.stdio[3];
  function hear(message: unknown): void {
    const said = message as Said | undefined | null;
    if (said?.type === "ready" && !isReady) {
      isReady = true;
      // A file could have changed it later.
      if (served === 0) program ??= said.program;
      clearTimeout(loading);
      ready.resolve(true);
    } else if (said?.type === "read" && said.id === served && settle !== undefined) {
      settle({ type: "read", reading: said.reading, spent: said.spent === true });
      settle = undefined;
      // Who says what nobody has asked for is not itself any more.
    } else kill();
  }
  child.stdin?.on("error", kill);
  child.stdin?.end(given ?? "");
  // An idle child keeps nobody from leaving.
  child.unref();
  if (pipe instanceof Socket) {
    takeFrames(pipe, mostSaidBytes, hear, kill);
    // Of one that has died, or that has nothing more to say.
    for (const lost of ["error", "close"]) pipe.on(lost, kill);
    pipe.unref();
  }

  return {
    pid: child.pid,
    ready: ready.promise,
    get program() {
      return program;
    },
    get served() {
      return served;
    },
    get alive() {
      return alive;
    },
    async read(task, signal) {
      const done = Promise.withResolvers<JobEnd>();
      settle = done.resolve;
      served++;
      peakBytes = 0;
      const killFor = (reason: ChildEnd) => {
        killedFor ??= reason;
        kill();
      };
      const abort = () => killFor("abort");
      const late = setTimeout(() => killFor("time"), limits.jobMs);
      const looks = setInterval(() => {
        peakBytes = Math.max(peakBytes, residentBytes(child));
        if (peakBytes > limits.residentBytes) killFor("memory");
      }, limits.lookEveryMs);
      signal.addEventListener("abort", abort, { once: true });
      try {
        if (!alive || signal.aborted) {
          if (signal.aborted) abort();
          return { type: "died", of: killedFor ?? "crash", peakBytes };
        }
        const { bytes, ...head } = task;
        const job: JobHead = { ...head, id: served };
        if (pipe instanceof Socket) sendFrame(pipe, job, bytes);
        return await done.promise;
      } finally {
        settle = undefined;
        clearTimeout(late);
        clearInterval(looks);
        signal.removeEventListener("abort", abort);
      }
    },
    kill,
  };
}

/** 0 where the system does not tell. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    const [, kilobytes = "0"] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}

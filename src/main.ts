/** Reads mode and environment, starts, stops on a signal. */
import { globSync, readFileSync } from "node:fs";
import { config as loadDotenv } from "dotenv";
import { readOperatorCommand } from "./app/operator/commands.ts";
import { messageOf, StartError } from "./base/errors.ts";
import { createLogger, isPretty, type Logger } from "./base/log.ts";
import { type Config, type RunMode, readConfig } from "./config/config.ts";
import type { Running } from "./modes.ts";

const modes: readonly string[] = ["start", "dev", "web", "worker", "playground", "queue", "doctor"] satisfies RunMode[];
/** Below the 30 s after which platforms kill. */
const exitWithinMs = 26_000;

function isMode(word: string | undefined): word is RunMode {
  return word !== undefined && modes.includes(word);
}

/** EX_CONFIG of sysexits.h. Supervisors are told not to start again on it: that would mend nothing. */
const mendFirst = 78;

function refuse({ lines, retryable }: StartError): never {
  for (const line of lines) process.stderr.write(`${line}\n`);
  process.exit(retryable ? 1 : mendFirst);
}

/** Reads `.env` where there is one; what the environment has already stays. Returns a line when it could not be read. */
function loadSettings(): string[] {
  const { error, parsed = {} } = loadDotenv({ quiet: true });
  if (error === undefined) {
    const garbled = Object.keys(parsed).length === 0 && readFileSync(".env").includes(0);
    return garbled ? [".env is not UTF-8 text, so nothing in it counts; save it as UTF-8"] : [];
  }
  if (error.code === "ENOENT") return [];
  return [`.env is there but cannot be read (${error.code}), so nothing in it counts`];
}

async function main(): Promise<void> {
  const mode = process.argv[2];
  // For whoever makes an image; nobody runs it.
  if (mode === "compile") return await loadEverything();
  if (!isMode(mode)) throw new StartError([`The mode must be one of ${modes.join(", ")}.`]);
  const args = process.argv.slice(3);
  if (mode === "queue") readOperatorCommand(args);
  else if (args.length > 0 && !(mode === "doctor" && args.join() === "--json")) {
    const taken = mode === "doctor" ? "--json and nothing else" : "no arguments";
    throw new StartError([`${mode} takes ${taken}: settings are environment variables, or go into .env.`]);
  }
  const unread = loadSettings();
  if (mode === "doctor") return await consultDoctor(unread, args.length > 0);
  const config = readConfig(mode, process.env, unread);
  // The models' SDK would read it for every provider, and throw when it is malformed; no option of it prevents that.
  delete process.env["OPENAI_CUSTOM_HEADERS"];
  const log = createLogger({
    level: config.logLevel,
    secrets: config.secrets,
    pretty: isPretty(config.logFormat),
    // What a command prints may be read by another program.
    destination: mode === "queue" ? process.stderr : undefined,
  });
  for (const warning of config.warnings) log.warn({}, warning);
  if (mode === "queue") {
    const { askQueue } = await import("./app/operator/ask.ts");
    const exitCode = await askQueue(args, config, log, print);
    process.stdout.write("", () => process.exit(exitCode));
    return;
  }
  process.on("unhandledRejection", (reason) => log.error({ err: reason }, "a rejection was not handled"));
  process.on("uncaughtException", (error) => {
    log.error({ err: error }, "the process ends after an unexpected error; the queue keeps what was not finished");
    process.exit(1);
  });

  // Loaded only now: a mistake in the environment is reported without waiting for all the rest.
  const starting = import("./modes.ts").then(({ startMode }) => startMode(config, log));
  let ending = false;
  const end = async (signal: string) => {
    if (ending) return;
    ending = true;
    log.info({ signal }, "stopping");
    setTimeout(() => {
      log.warn({}, "stopping took too long; the rest stays queued");
      process.exit(0);
    }, exitWithinMs);
    await stopQuietly(starting, log);
    process.exit(0);
  };
  process.on("SIGTERM", () => void end("SIGTERM"));
  process.on("SIGINT", () => void end("SIGINT"));

  const running = await starting.catch((error: unknown) => {
    if (error instanceof StartError) throw error;
    // Whatever it is, it may have met a secret.
    log.error({ err: error }, "the start failed");
    process.exit(1);
  });
  const failure = await running.failed;
  if (ending) return;
  ending = true;
  log.error({ reason: messageOf(failure) }, "the bot cannot go on");
  await stopQuietly(starting, log);
  if (failure instanceof StartError) refuse(failure);
  process.exit(1);
}

/** Whoever reads it may take their time, or have seen enough: `npm run ledger | head`. */
function print(lines: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.once("error", () => process.exit(0));
    process.stdout.write(lines.map((line) => `${line}\n`).join(""), () => resolve());
  });
}

/** What is found goes to stdout alone, which another program may read. */
async function consultDoctor(unread: readonly string[], asJson: boolean): Promise<void> {
  const { answerDoctor } = await import("./app/doctor/command.ts");
  const { exitCode, lines } = await answerDoctor(examined(unread), asJson);
  process.stdout.write(lines.map((line) => `${line}\n`).join(""), () => process.exit(exitCode));
}

function examined(unread: readonly string[]): Config | { readonly mistakes: readonly string[] } {
  try {
    return readConfig("doctor", process.env, unread);
  } catch (error) {
    if (error instanceof StartError) return { mistakes: error.lines };
    throw error;
  } finally {
    delete process.env["OPENAI_CUSTOM_HEADERS"];
  }
}

/**
 * Loads every source and starts nothing, so that Node keeps what it makes of them (`require-node.js`): an image is made with
 * that, since its containers may not write.
 */
async function loadEverything(): Promise<void> {
  const folder = import.meta.dirname;
  for (const file of globSync("{modes,*/**/*}.ts", { cwd: folder })) await import(`${folder}/${file}`);
}

async function stopQuietly(starting: Promise<Running>, log: Logger): Promise<void> {
  try {
    await (await starting).stop();
  } catch (error) {
    if (!(error instanceof StartError)) log.error({ err: error }, "stopping failed");
  }
}

main().catch((error: unknown) => {
  if (error instanceof StartError) refuse(error);
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
});

/** The real bot in a process of its own, against the emulated Telegram and a scripted model in this one. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BotApi, type BotApiOptions, createBotApi, type MessageView } from "../../src/playground/bot-api.ts";
import { createScriptedModel, type ScriptedModel, type ScriptedModelOptions } from "../../src/playground/scripted-model.ts";

const source = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));
export const token = "424242:TEST-token-of-the-emulated-telegram";

export interface Rig {
  readonly botApi: BotApi;
  readonly model: ScriptedModel;
  readonly dataDir: string;
  readonly port: number;
  /** Everything that the processes printed. */
  readonly output: () => string;
  readonly child: () => ChildProcess;
  start(): Promise<void>;
  /** Kills with this signal and waits for the end; resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  stop(): Promise<void>;
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Starts Telegram, a model and the bot. */
export async function createRig(
  options: {
    readonly env?: Record<string, string>;
    readonly botApi?: Partial<BotApiOptions>;
    readonly model?: ScriptedModelOptions;
    readonly mode?: string;
  } = {},
): Promise<Rig> {
  const botApi = await createBotApi({ token, ...options.botApi });
  const model = await createScriptedModel({ label: false, tokensPerSecond: 200, ...options.model });
  const dataDir = await mkdtemp(join(tmpdir(), "parley-test-"));
  const port = await freePort();
  let printed = "";
  let child: ChildProcess | undefined;

  const rig: Rig = {
    botApi,
    model,
    dataDir,
    port,
    output: () => printed,
    child() {
      if (child === undefined) throw new Error("the bot is not running");
      return child;
    },
    async start() {
      child = spawn(
        process.execPath,
        ["--import", source("require-node.js"), source("main.ts"), options.mode ?? "start"],
        {
          // No .env of the checkout: what a test sets is all there is.
          cwd: dataDir,
          env: {
            PATH: process.env["PATH"],
            BOT_TOKEN: token,
            TELEGRAM_API_ROOT: botApi.url,
            DATA_DIR: join(dataDir, "data"),
            HOST: "127.0.0.1",
            PORT: String(port),
            MODELS: "test/one,test/two",
            TEST_BASE_URL: model.url,
            TEST_API_KEY: "sk-secret-of-the-test-model",
            RATE_LIMIT_MESSAGES: "10000",
            ...options.env,
          },
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
      const read = (chunk: Buffer) => {
        printed += chunk.toString();
      };
      child.stdout?.on("data", read);
      child.stderr?.on("data", read);
      await until(async () => (await get(port, "/readyz")) === 200, 20_000);
    },
    async end(signal) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
      const ended = new Promise<number | null>((resolve) => child?.once("exit", (code) => resolve(code)));
      child.kill(signal);
      return await ended;
    },
    async stop() {
      await rig.end("SIGKILL");
      await botApi.stop();
      await model.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return rig;
}

/** Status of a path of the bot's HTTP listener; 0 when nobody answers. */
export async function get(port: number, path: string): Promise<number> {
  try {
    return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  } catch {
    return 0;
  }
}

/** Waits until the condition holds; throws when it does not in time. */
export async function until<T>(condition: () => T | Promise<T>, withinMs = 15_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What the bot has written in a chat, service messages and people's own left out. */
export function answersIn(botApi: BotApi, chatId: number): readonly MessageView[] {
  return botApi.chat(chatId).messages.filter((message) => message.fromBot);
}

/** The labels of a message's buttons. */
export function buttonsOf(message: MessageView | undefined): string[] {
  return message?.replyMarkup?.inline_keyboard.flat().map(({ text }) => text) ?? [];
}

/** Waits for the newest message of the bot to carry a button that contains this word. */
export async function answerWith(botApi: BotApi, chatId: number, button: string, withinMs?: number): Promise<MessageView> {
  return await until(() => {
    const last = answersIn(botApi, chatId).at(-1);
    return buttonsOf(last).some((label) => label.includes(button)) ? last : undefined;
  }, withinMs);
}

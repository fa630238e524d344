/** The real bot in a process of its own, against the emulated Telegram and a scripted model in this one. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type BotApi,
  type BotApiOptions,
  createBotApi,
  type MessageView,
} from "../../src/playground/bot-api/bot-api.ts";
import type { WriteOptions } from "../../src/playground/bot-api/file-side.ts";
import type { RecordedRequest, Script } from "../../src/playground/model/script.ts";
import {
  createScriptedModel,
  type ScriptedModel,
  type ScriptedModelOptions,
} from "../../src/playground/model/scripted-model.ts";
import { freePort } from "./free-port.ts";
import { patienceMs } from "./patience.ts";

const source = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));
export const token = "424242:TEST-token-of-the-emulated-telegram";
export const modelKey = "sk-secret-of-the-test-model";
/** How every request to the model begins, unless a test sets another persona. */
export const persona = "system: You are the test persona.";

export interface Rig {
  readonly botApi: BotApi;
  readonly model: ScriptedModel;
  readonly dataDir: string;
  readonly port: number;
  /** Everything that the processes printed. */
  readonly output: () => string;
  readonly child: () => ChildProcess;
  /** What the model answers to a question: the scripts one after another, the last one for ever. */
  answers(question: string, ...scripts: readonly Script[]): void;
  /** The model's requests that end in this question. */
  requests(question: string): readonly RecordedRequest[];
  /** A person of their own in a private chat. */
  visitor(options?: { readonly userId?: number; readonly topics?: boolean }): Visitor;
  start(): Promise<void>;
  /** Kills with this signal and waits for the end; resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  stop(): Promise<void>;
}

/** One person and their chat with the bot. */
export interface Visitor {
  readonly chatId: number;
  readonly userId: number;
  say(text: string, options?: WriteOptions): number;
  /** Sends a question and waits for a message below it that has a button with this word ("Regenerate"). */
  ask(text: string, button?: string): Promise<MessageView>;
  /** Waits for a message of the bot after `after` that has a button with this word, or a text that matches. */
  sees(what: string | RegExp, after?: number): Promise<MessageView>;
  /** What the bot has written here. */
  written(): readonly MessageView[];
  message(id: number): MessageView | undefined;
  press(message: MessageView, button: string): ReturnType<BotApi["user"]["press"]>;
}

/** A text of so many words, each of which can be told from the others, and each of which is one token. */
export function words(count: number, prefix = "w"): string {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`).join(" ");
}

/** A text without its layout. */
export function plain(text: string): string {
  return text.replace(/\s+/g, "");
}

/** The messages of a request in short: `role: content`. */
export function dialogueOf(request: RecordedRequest | undefined): string[] {
  return (request?.body.messages ?? []).map(({ role, content }) => `${role}: ${content}`);
}

/** Calls of the bot that Telegram did not grant. */
export function refusedCalls(botApi: BotApi, chatId?: number): string[] {
  return botApi.calls
    .filter((call) => call.status !== 200 && (chatId === undefined || call.chatId === chatId))
    .map((call) => `${call.method} ${call.status} ${call.description} ${JSON.stringify(call.params).slice(0, 300)}`);
}

function createVisitor(botApi: BotApi, userId: number, topics: boolean): Visitor {
  const { user } = botApi;
  const chatId = user.createPrivateChat({ userId, firstName: `Visitor ${userId}`, topics });
  const visitor: Visitor = {
    chatId,
    userId,
    say: (text, options) => user.sendText(chatId, userId, text, options).message_id,
    ask: (text, button = "Regenerate") => visitor.sees(button, visitor.say(text)),
    sees: (what, after = 0) => seen(botApi, chatId, what, after),
    written: () => answersIn(botApi, chatId),
    message: (id) => botApi.chat(chatId).messages.find((message) => message.id === id),
    press: (message, button) => user.press(chatId, message.id, button, userId),
  };
  return visitor;
}

/** Waits for a message of the bot after `after` that has a button with this word, or a text that matches. */
export async function seen(
  botApi: BotApi,
  chatId: number,
  what: string | RegExp,
  after = 0,
  withinMs = patienceMs,
): Promise<MessageView> {
  const fits = (message: MessageView) =>
    message.id > after &&
    (typeof what === "string" ? buttonsOf(message).some((label) => label.includes(what)) : what.test(message.text));
  try {
    return await until(() => answersIn(botApi, chatId).find(fits), withinMs);
  } catch {
    const shown = answersIn(botApi, chatId).map(({ id, text }) => `${id}: ${text.slice(0, 80)}`);
    throw new Error(`no message with ${what} after ${after} in chat ${chatId}; there are\n${shown.join("\n")}`);
  }
}

/** Starts the real bot in this folder, with this environment and no other; words behind the mode are its arguments. */
export function spawnBot(
  mode: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
  onOutput: (text: string) => void,
): ChildProcess {
  const args = ["--import", source("require-node.js"), source("main.ts"), ...mode.split(" ")];
  // No .env of the checkout: what a test sets is all there is.
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => onOutput(chunk.toString()));
  return child;
}

/** What a bot is told of the emulated Telegram and of the model. */
export function settingsFor(
  { botApi, model }: { readonly botApi: BotApi; readonly model: ScriptedModel },
  port: number,
): Record<string, string> {
  return {
    BOT_TOKEN: token,
    TELEGRAM_API_ROOT: botApi.url,
    HOST: "127.0.0.1",
    PORT: String(port),
    MODELS: "test/one,test/two",
    TEST_BASE_URL: model.url,
    TEST_API_KEY: modelKey,
    RATE_LIMIT_MESSAGES: "10000",
    SYSTEM_PROMPT: persona.slice("system: ".length),
  };
}

/** Runs the bot until it ends by itself; words behind the mode are its arguments, `dotenv` what stands in `.env`. */
export async function runToEnd(
  env: Record<string, string>,
  mode = "start",
  dotenv?: string | Buffer,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const folder = await mkdtemp(join(tmpdir(), "parley-test-"));
  if (dotenv !== undefined) await writeFile(join(folder, ".env"), dotenv);
  let output = "";
  const settings = { HOST: "127.0.0.1", DATA_DIR: join(folder, "data"), ...env };
  const child = spawnBot(mode, folder, settings, (text) => {
    output += text;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  await rm(folder, { recursive: true, force: true });
  return { code, output };
}

export interface RigOptions {
  readonly env?: Record<string, string> | ((port: number, modelUrl: string) => Record<string, string>);
  readonly botApi?: Partial<BotApiOptions>;
  readonly model?: ScriptedModelOptions;
  readonly mode?: string;
}

/** Starts Telegram, a model and the bot. */
export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const botApi = await createBotApi({ token, ...options.botApi });
  const scripted = new Map<string, Script[]>();
  const model = await createScriptedModel({
    label: false,
    tokensPerSecond: 200,
    respond({ messages }) {
      const scripts = scripted.get(messages.at(-1)?.content ?? "");
      return scripts !== undefined && scripts.length > 1 ? scripts.shift() : scripts?.[0];
    },
    ...options.model,
  });
  const dataDir = await mkdtemp(join(tmpdir(), "parley-test-"));
  const port = await freePort();
  let printed = "";
  let child: ChildProcess | undefined;
  let visitors = 0;
  const given = typeof options.env === "function" ? options.env(port, model.url) : options.env;

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
    answers: (question, ...scripts) => void scripted.set(question, [...scripts]),
    requests: (question) => model.requests.filter(({ body }) => body.messages.at(-1)?.content === question),
    visitor({ userId, topics = false } = {}) {
      visitors += 1;
      return createVisitor(botApi, userId ?? 7_000_000 + visitors, topics);
    },
    async start() {
      const settings = { ...settingsFor(rig, port), DATA_DIR: join(dataDir, "data"), ...given };
      child = spawnBot(options.mode ?? "start", dataDir, settings, (text) => {
        printed += text;
      });
      await until(async () => (await get(port, "/readyz")) === 200);
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
export async function until<T>(condition: () => T | Promise<T>, withinMs = patienceMs): Promise<NonNullable<T>> {
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
  return botApi.chat(chatId).messages.filter(({ fromBot, text, document }) => fromBot && (text !== "" || document));
}

/** The labels of a message's buttons. */
export function buttonsOf(message: MessageView | undefined): string[] {
  return message?.replyMarkup?.inline_keyboard.flat().map(({ text }) => text) ?? [];
}

/** Waits for the newest message of the bot to carry a button that contains this word. */
export async function answerWith(
  botApi: BotApi,
  chatId: number,
  button: string,
  withinMs?: number,
): Promise<MessageView> {
  return await until(() => {
    const last = answersIn(botApi, chatId).at(-1);
    return buttonsOf(last).some((label) => label.includes(button)) ? last : undefined;
  }, withinMs);
}

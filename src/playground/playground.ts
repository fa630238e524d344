/** `npm run playground`: the bot with no Telegram and no token, against the Bot API emulator and a chat page. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { StartError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Models } from "../ports/models.ts";
import { type BotApi, createBotApi } from "./bot-api/bot-api.ts";
import type { FaultRule } from "./bot-api/faults.ts";
import { answerTo } from "./model/answers.ts";
import { type Script, type ScriptedRequest, usageOf } from "./model/script.ts";
import type { MediaScript } from "./model/scripted-media.ts";
import { createScriptedModel } from "./model/scripted-model.ts";
import { createModelWatch } from "./model/watch.ts";
import { createPageSource } from "./page/adapter.ts";
import type { FaultSwitch } from "./page/feed.ts";
import { createPlaygroundPage } from "./page/server.ts";

/** The bot, as the playground needs it. */
interface Bot {
  readonly failed: Promise<Error>;
  stop(graceMs: number): Promise<void>;
}

const graceMs = 1_000;
const calculation = "What is 17% of 2,340?";
/** Of the scripted model: tools, one of which asks first, what a message can show, and all else. */
const demonstrations = [
  calculation,
  "Note that the milk is out",
  "Remember that I am vegan",
  "Draw a lighthouse",
  ...["/tools", "markdown", "help"],
];

/** Where the bot of a playground finds its Telegram, and keeps what it knows. */
export interface Surroundings {
  readonly telegram: { readonly token: string; readonly apiRoot: string };
  readonly dataDir: string;
  /** Instead of models of the bot's own. */
  readonly models: ScriptedModels | undefined;
  /** Servers of tools, besides those that the operator has named. */
  readonly toolServers: readonly ToolServer[];
}

/** A program that is an MCP server. */
interface ToolServer {
  readonly name: string;
  readonly at: { readonly command: string; readonly args: readonly string[]; readonly env: Record<string, string> };
  readonly trust: boolean;
  readonly groups: boolean;
}

export interface ScriptedModels {
  readonly names: readonly string[];
  readonly providers: readonly { readonly name: string; readonly baseUrl: string }[];
  /** By their names. */
  readonly capabilities: Readonly<Record<string, { readonly tools: true }>>;
  /** Those of sound and pictures. */
  readonly media: {
    readonly hears: readonly string[];
    readonly speaks: readonly string[];
    readonly draws: readonly string[];
    readonly voice: string;
  };
}

export interface PlaygroundOptions {
  /** The bot's models; without any, scripted ones answer. */
  readonly models: readonly string[];
  /** The page's, if nobody else has it. */
  readonly port: number;
  readonly log: Logger;
  /** Starts the bot; `watchModels` stands between it and its models. */
  startBot(surroundings: Surroundings, watchModels: (models: Models) => Models): Promise<Bot>;
}

/** Starts Telegram's stand-in, a model's if there is no key, the bot and the page; prints the page's link. */
export async function createPlayground(
  options: PlaygroundOptions,
): Promise<{ readonly failed: Promise<Error>; stop(): Promise<void> }> {
  const token = `42:${randomBytes(24).toString("base64url")}`;
  const botApi = await createBotApi({ token });
  const faults = createModelFaults();
  const watch = createModelWatch();
  const [model, ...others] = options.models;
  const scripted = model === undefined ? await createScriptedModel(faults) : undefined;
  // Chats live in this process; what the bot remembers of them goes with them.
  const dataDir = await mkdtemp(join(tmpdir(), "parley-playground-"));
  const telegram = { token, apiRoot: botApi.url };
  const models = scripted && scriptedModels(scripted.url);
  const toolServers = scripted === undefined ? [] : [notebook()];
  const bot = await options.startBot({ telegram, dataDir, models, toolServers }, watch.watch);
  const page = await openPage({
    source: createPageSource(botApi),
    port: options.port,
    log: options.log,
    models: {
      note:
        scripted === undefined
          ? `Answers come from ${model}`
          : "Scripted demo model: no AI behind it. Set OPENAI_API_KEY (or another provider's key) for a real one.",
      others,
      suggestions: scripted === undefined ? [calculation, "/tools"] : demonstrations,
      requests: watch,
    },
    faultSwitches: [
      ...(scripted === undefined ? [] : faults.switches),
      ...telegramFaults(botApi),
      ...downloadFaults(botApi),
    ],
  });
  process.stdout.write(`\nParley's playground: ${page.url}\n\n`);
  return {
    failed: bot.failed,
    async stop() {
      await page.stop();
      await bot.stop(graceMs);
      await botApi.stop();
      await scripted?.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** At `PORT`, or at any free one when somebody else has it: a newcomer should get a link, not a puzzle. */
async function openPage(options: Parameters<typeof createPlaygroundPage>[0]) {
  try {
    return await createPlaygroundPage(options);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return await createPlaygroundPage({ ...options, port: 0 });
  }
}

/** Two names for the one script, so that `/model` has something to switch. */
function scriptedModels(url: string): ScriptedModels {
  const media = { hears: ["demo/ear"], speaks: ["demo/voice"], draws: ["demo/brush"], voice: "demo" };
  const names = ["demo/scripted-model", "demo/second-script"];
  const capabilities = Object.fromEntries(names.map((name) => [name, { tools: true } as const]));
  return { names, providers: [{ name: "demo", baseUrl: url }], capabilities, media };
}

/** What it reads is not asked for, what it writes is. */
function notebook(): ToolServer {
  const program = fileURLToPath(new URL("model/notebook.ts", import.meta.url));
  const at = { command: process.execPath, args: [program], env: {} };
  return { name: "notebook", at, trust: true, groups: false };
}

function createModelFaults() {
  const active = new Set<string>();
  let newest = "";
  let tries = 0;
  const toggle = (name: string, label: string): FaultSwitch => ({
    name,
    label,
    on: () => void active.add(name),
    off: () => void active.delete(name),
  });
  return {
    switches: [
      toggle("slow-model", "Slow model"),
      toggle("model-overloaded", "Model answers 429"),
      toggle("broken-stream", "Stream breaks off"),
      toggle("media-fails", "Nobody hears, speaks or draws"),
    ],
    respondMedia(): MediaScript | undefined {
      // Worth a Retry, but not to be asked again at once.
      if (active.has("media-fails")) return { body: {} };
      if (active.has("model-overloaded")) return { status: 429, headers: { "retry-after": "1" } };
      return active.has("slow-model") ? { delayMs: 3_000 } : undefined;
    },
    respond(request: ScriptedRequest): Script {
      if (active.has("model-overloaded")) return { status: 429, headers: { "retry-after": "1" } };
      const asked = JSON.stringify(request.messages);
      tries = asked === newest ? tries + 1 : 0;
      newest = asked;
      const script = answerTo(request, true, tries);
      const slow = active.has("slow-model") ? { delayFirstMs: 3_000, tokensPerSecond: 5 } : {};
      return {
        ...script,
        usage: usageOf(request, script),
        ...slow,
        ...(active.has("broken-stream") ? { cutAfterChunks: 12 } : {}),
      };
    },
  };
}

/** Of files that the bot fetches; one after another if several are on. */
function downloadFaults(botApi: BotApi): FaultSwitch[] {
  const toggle = (name: string, label: string, rule: FaultRule): FaultSwitch => {
    let end: (() => void) | undefined;
    return {
      name,
      label,
      on() {
        end = botApi.faults.fail(rule);
      },
      off: () => end?.(),
    };
  };
  const tooBig = { status: 400, description: "Bad Request: file is too big" };
  return [
    toggle("download-slow", "Files come slowly", { method: "file", hangMs: 2_000, bytesPerSecond: 20_000 }),
    toggle("download-cut", "Downloads break off", { method: "file", cut: "after" }),
    toggle("download-refused", "Downloads are refused", { method: "file", status: 404 }),
    toggle("file-too-big", "Files are too big", { method: "getFile", ...tooBig }),
  ];
}

function telegramFaults(botApi: BotApi): FaultSwitch[] {
  let end: (() => void) | undefined;
  const onMessages = (call: { readonly method: string }) => /^(send|edit)Message/.test(call.method);
  return [
    {
      name: "telegram-flood",
      label: "Telegram answers 429",
      on() {
        end = botApi.faults.fail({ match: onMessages, status: 429, retryAfter: 3, times: 3 });
      },
      off: () => end?.(),
    },
    {
      name: "telegram-slow",
      label: "Slow Telegram",
      on() {
        botApi.faults.latencyMs = 800;
      },
      off() {
        botApi.faults.latencyMs = 0;
      },
    },
  ];
}

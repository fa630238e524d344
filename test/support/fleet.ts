/** Several real processes of one bot over one Redis, against the emulated Telegram and a scripted model in this one. */
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunMode } from "../../src/config/config.ts";
import { type BotApi, type BotApiOptions, createBotApi } from "../../src/playground/bot-api/bot-api.ts";
import {
  createScriptedModel,
  type ScriptedModel,
  type ScriptedModelOptions,
} from "../../src/playground/model/scripted-model.ts";
import { get, settingsFor, spawnBot, token, until } from "./bot-process.ts";
import { freePort } from "./free-port.ts";
import { deleteKeys, newPrefix } from "./redis-server.ts";

/** One process of the bot. */
export interface FleetProcess {
  readonly mode: RunMode;
  readonly port: number;
  readonly child: ChildProcess;
  /** What it has printed. */
  readonly output: () => string;
  /** Waits until it can do its work. */
  ready(): Promise<void>;
  /** Sends the signal and waits for the end; resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface Fleet {
  readonly botApi: BotApi;
  readonly model: ScriptedModel;
  readonly redisUrl: string;
  readonly prefix: string;
  /** Every process that was started, the ended ones included. */
  readonly processes: readonly FleetProcess[];
  /** Starts a process. All `web` processes listen on the one port that Telegram delivers to, so one at a time unless `port` differs. */
  launch(
    mode: RunMode,
    options?: { readonly env?: Record<string, string>; readonly port?: number },
  ): Promise<FleetProcess>;
  /** The public address of the `web` processes, for `WEBHOOK_URL`. */
  readonly webhookUrl: string;
  readonly webPort: number;
  stop(): Promise<void>;
}

export interface FleetOptions {
  readonly redisUrl: string;
  readonly env?: Record<string, string>;
  readonly botApi?: Partial<BotApiOptions>;
  readonly model?: ScriptedModelOptions;
}

/** Starts Telegram and a model; no process of the bot yet. */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const botApi = await createBotApi({ token, ...options.botApi });
  const model = await createScriptedModel({ label: false, tokensPerSecond: 200, ...options.model });
  const folder = await mkdtemp(join(tmpdir(), "parley-fleet-"));
  const prefix = newPrefix();
  const webPort = await freePort();
  const processes: FleetProcess[] = [];

  async function launch(
    mode: RunMode,
    given: { readonly env?: Record<string, string>; readonly port?: number } = {},
  ): Promise<FleetProcess> {
    const port = given.port ?? (mode === "web" ? webPort : await freePort());
    let printed = "";
    const settings = {
      ...settingsFor({ botApi, model }, port),
      REDIS_URL: options.redisUrl,
      REDIS_PREFIX: prefix,
      ...options.env,
      ...given.env,
    };
    const child = spawnBot(mode, folder, settings, (text) => {
      printed += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    const launched: FleetProcess = {
      mode,
      port,
      child,
      output: () => printed,
      async ready() {
        try {
          await until(async () => (await get(port, "/readyz")) === 200);
        } catch {
          throw new Error(`the ${mode} process is not ready: ${printed.slice(-3_000)}`);
        }
      },
      async end(signal) {
        if (child.exitCode === null && child.signalCode === null) child.kill(signal);
        return await ended;
      },
    };
    processes.push(launched);
    return launched;
  }

  return {
    botApi,
    model,
    redisUrl: options.redisUrl,
    prefix,
    processes,
    webPort,
    webhookUrl: `http://127.0.0.1:${webPort}`,
    launch,
    async stop() {
      for (const launched of processes) {
        launched.child.kill("SIGCONT");
        await launched.end("SIGKILL");
      }
      await botApi.stop();
      await model.stop();
      await rm(folder, { recursive: true, force: true });
      // A private Redis may have ended before.
      await deleteKeys(options.redisUrl, prefix).catch(() => undefined);
    },
  };
}

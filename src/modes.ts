/** What each run mode starts. */
import { createApp } from "./app/app.ts";
import { remarksOn } from "./app/remarks.ts";
import type { Logger } from "./base/log.ts";
import type { Config } from "./config/config.ts";
import type { McpFile } from "./config/mcp-servers.ts";
import { proxiesWithoutCredentials } from "./config/proxies.ts";
import type { ToolsConfig } from "./config/tools.ts";

/** Something that runs until it is stopped. */
export interface Running {
  /** Resolves with the reason when it can do nothing any more. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

/** Milliseconds that running answers may take to end after SIGTERM. In development a reload should not wait for them. */
const graceMs = {
  start: 20_000,
  web: 20_000,
  worker: 20_000,
  dev: 1_000,
  playground: 1_000,
  queue: 0,
  doctor: 0,
} as const;

/** Starts the parts of a run mode, in order. */
export async function startMode(config: Config, log: Logger): Promise<Running> {
  if (config.proxies !== undefined) log.info(proxiesWithoutCredentials(config.proxies), "calls go through a proxy");
  if (config.mode === "playground") {
    const { createPlayground } = await import("./playground/playground.ts");
    return await createPlayground({
      models: config.models.names,
      port: config.http.port,
      log,
      startBot(surroundings, watchModels) {
        const models = { ...config.models, ...surroundings.models };
        const http = { host: "127.0.0.1", port: 0 };
        // What is scripted has nothing to summarise.
        const summaryModel = surroundings.models === undefined ? config.summaryModel : "off";
        const { toolServers, ...places } = surroundings;
        const tools = config.tools && withServers(config.tools, toolServers);
        return createApp({ ...config, ...places, http, models, tools, summaryModel }, log, watchModels);
      },
    });
  }
  for (const remark of remarksOn(config)) log.warn({}, remark);
  const app = await createApp(config, log);
  return { failed: app.failed, stop: () => app.stop(graceMs[config.mode]) };
}

function withServers({ mcp, ...tools }: ToolsConfig, more: McpFile["servers"]): ToolsConfig {
  if (more.length === 0) return { ...tools, mcp };
  return { ...tools, mcp: { servers: [...(mcp?.servers ?? []), ...more], secrets: mcp?.secrets ?? [] } };
}

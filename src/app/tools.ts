/** The tools of a process, as its configuration says. */
import type { Logger } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import { createPageReader } from "../media/child/reader.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { MediaModels } from "../ports/media-models.ts";
import type { StepStore } from "../ports/steps.ts";
import type { Tools } from "../ports/tools.ts";
import { createCalculate } from "../tools/calculate.ts";
import { createCalculator } from "../tools/calculator.ts";
import { createDraw } from "../tools/draw.ts";
import { createGuard } from "../tools/guard.ts";
import { createHostPace } from "../tools/host-pace.ts";
import { createMcpTools } from "../tools/mcp/servers.ts";
import { createPageSource } from "../tools/page-source.ts";
import { createReadFile } from "../tools/read-file.ts";
import { createReadPage } from "../tools/read-page.ts";
import { createTools } from "../tools/registry.ts";
import { createForget, createRemember } from "../tools/remember.ts";
import { createWebSearch } from "../tools/web-search.ts";

export interface AppToolsDeps {
  readonly config: Pick<Config, "proxies" | "tools" | "memory">;
  /** Keeps what tools of servers were when they were first seen. */
  readonly store: Pick<StepStore, "knownTools" | "knowTool" | "meetTool">;
  /** Left out: nobody draws. */
  readonly draw?: MediaModels["draw"];
  readonly alerts: Alerts;
  readonly log: Logger;
}

/** Of one host. Milliseconds. */
const pagesEveryMs = 1_000;
const longestPageWaitMs = 5_000;

/** Opens them; undefined when there are to be none. No process is started, and nobody is asked, before one is used. */
export function openTools(deps: AppToolsDeps): Tools | undefined {
  const { store, draw, alerts, log } = deps;
  const { tools: config, proxies, memory } = deps.config;
  if (config === undefined) return undefined;
  const search = config.search && createWebSearch({ config: config.search, proxies, alerts });
  const reader = createPageReader({ log });
  const pace = createHostPace({ everyMs: pagesEveryMs, mostWaitMs: longestPageWaitMs });
  const source = createPageSource({ guard: createGuard(), pace });
  const calculator = createCalculator();
  const searches = search === undefined ? [] : [search.tool];
  const draws = draw === undefined ? [] : [createDraw({ draw })];
  const builtIn = [
    ...searches,
    createReadPage({ source, reader }),
    createCalculate(calculator),
    createReadFile(),
    ...draws,
    ...(memory === undefined ? [] : [createRemember(), createForget()]),
  ];
  const { mcp, only } = config;
  const servers = mcp && createMcpTools({ mcp, store, proxies, alerts, log });
  const tools = createTools({ builtIn, servers, only, log });
  return {
    ...tools,
    async stop() {
      await tools.stop();
      search?.stop();
      await Promise.all([reader.stop(), calculator.stop()]);
    },
  };
}

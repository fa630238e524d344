/** What `/privacy` tells, as far as it follows from the configuration. */
import { isIP } from "node:net";
import { mostFacts } from "../base/fact-text.ts";
import type { Config } from "../config/config.ts";
import { knownForMs } from "../engines/lanes/directory.ts";
import { keepDeadMs } from "../engines/lanes/worker.ts";
import type { PrivacyFacts } from "../texts/facts.ts";
import { searchApiOf } from "../tools/search-apis.ts";

const daySeconds = 86_400;

/** Reads it. */
export function privacyFacts(
  config: Pick<Config, "answerCache" | "history" | "ledgerDays" | "memory" | "models" | "redis" | "tools">,
): PrivacyFacts {
  const { answerCache, history, ledgerDays, memory, models, redis, tools } = config;
  return {
    conversationDays: history.ttlSeconds / daySeconds,
    answers: answerCache && { days: answerCache.keepMs / (daySeconds * 1000), toEverybody: answerCache.shared },
    ledgerDays,
    memory: memory && { most: mostFacts, toldTo: memory.providers },
    media: models.media !== undefined,
    search: tools?.search && searchApiOf(tools.search).name,
    directoryDays: knownForMs / (daySeconds * 1000),
    deadDays: keepDeadMs / (daySeconds * 1000),
    shared: redis !== undefined,
    providers: models.providers.map(({ name, baseUrl }) => {
      const { hostname } = new URL(baseUrl);
      return { name, host: hostname, own: isOwn(hostname) };
    }),
  };
}

/** Whether no stranger's machine has this name: that of this machine, of a container beside it, of a local network. */
function isOwn(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) === 0) return !host.includes(".") || /\.(local|localhost|internal|lan|home\.arpa)$/i.test(host);
  return /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cd])/i.test(host);
}

/** Checks everything that a configuration names, live and at once, without disturbing a running bot. */
import { createRedactor } from "../../base/redaction.ts";
import { withinTime } from "../../base/within-time.ts";
import type { Config } from "../../config/config.ts";
import type { Finding } from "../../ports/operators.ts";
import { remarksOn } from "../remarks.ts";
import { examineBudgets } from "./budgets.ts";
import { bad, ok, warn } from "./findings.ts";
import { examineModels } from "./models.ts";
import { examineProxies } from "./proxies.ts";
import { examineServers } from "./servers.ts";
import { examineStorage } from "./storage.ts";
import { examineTelegram } from "./telegram.ts";
import { examineTools } from "./tools.ts";

export interface ExaminationOptions {
  readonly config: Config;
  /** The bot itself asks, for a chat: fewer calls are made, and the report is short. */
  readonly running: boolean;
  /** Milliseconds for everything: 20,000. */
  readonly withinMs?: number;
}

/** A check that has not ended by then is given up. */
const usualMs = 20_000;
/** The checks themselves end a little earlier, and say how far they came. */
const marginMs = 1_000;

/** What was found, in the order in which it is read. Never rejects. */
export async function examine({
  config,
  running,
  withinMs = usualMs,
}: ExaminationOptions): Promise<readonly Finding[]> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.max(0, withinMs - marginMs));
  const { signal } = late;
  const telegram = examineTelegram({ config, running, signal });
  const peer = telegram.then(
    (found) => found.peer,
    () => undefined,
  );
  const looks: readonly (readonly [about: string, look: Promise<readonly Finding[]>])[] = [
    ["budgets", examineBudgets(config, Date.now())],
    ["Telegram", telegram.then(({ findings }) => findings)],
    ["proxies", examineProxies(config, peer, signal)],
    ["storage", examineStorage(config, running)],
    ["models", examineModels({ config, sparing: running, signal })],
    ["tools", examineTools(config, running, signal)],
    ["MCP", examineServers(config, running, signal)],
  ];
  const notDone = (about: string) => [bad(about, `not done within ${withinMs / 1000} s`, "try again")];
  const found = await Promise.all(looks.map(([about, look]) => withinTime(withinMs, look, notDone(about))));
  clearTimeout(timer);
  late.abort();
  const redact = createRedactor(config.secrets);
  return [...settings(config), ...found.flat()].map(({ state, about, says, todo }) => ({
    state,
    about: oneLine(about),
    says: oneLine(redact(says)),
    todo: todo === undefined ? undefined : oneLine(redact(todo)),
  }));
}

function settings(config: Config): readonly Finding[] {
  const remarks = [...config.warnings, ...remarksOn(config)].map((line) => warn("settings", line));
  if (config.access.admins.size === 0)
    remarks.push(
      warn("settings", "ADMIN_USER_IDS is empty: nobody is told in Telegram when something has to be mended"),
    );
  return remarks.length > 0 ? remarks : [ok("settings", "no mistakes")];
}

/** What others have said goes to a terminal: one line, and nothing that it would obey. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
}

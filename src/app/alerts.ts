/** Reports trouble to operators: always in the log, and in Telegram to those in `ADMIN_USER_IDS`. */
import type { Api } from "grammy";
import { messageOf } from "../base/errors.ts";
import { insist } from "../base/insist.ts";
import type { Logger } from "../base/log.ts";
import { createRedactor } from "../base/redaction.ts";
import type { Config } from "../config/config.ts";
import { prefixOf } from "../config/provider-settings.ts";
import type { Alert, Alerts } from "../ports/alerts.ts";
import type { Store } from "../ports/store.ts";
import { classify } from "../screen/telegram-errors.ts";
import { textsFor } from "../texts/texts.ts";

export interface AppAlertsDeps {
  readonly config: Pick<Config, "access" | "secrets">;
  readonly store: Pick<Store, "firstWithin">;
  /** Its calls go through the outbox. */
  readonly api: Pick<Api, "sendMessage">;
  readonly log: Pick<Logger, "debug" | "warn">;
  /** A clock that never goes back. Milliseconds. */
  readonly now?: () => number;
  /** Milliseconds before a message that the outbox has given up is tried again: 60,000. */
  readonly againAfterMs?: number;
}

export interface AppAlerts extends Alerts {
  /** Sends nothing from now on. Resolves when nothing is under way. */
  stop(): Promise<void>;
}

const onceWithinMs = 3_600_000;
/** Trouble may come a thousand times a second: for each kind the store is asked no more often than this. */
const askEveryMs = 60_000;
/** An older alert is no longer news. */
const mostTries = 20;

/** Creates the alerts of one bot. */
export function createAppAlerts(deps: AppAlertsDeps): AppAlerts {
  const { config, store, api, log, now = () => performance.now(), againAfterMs = 60_000 } = deps;
  const { admins } = config.access;
  const redact = createRedactor(config.secrets);
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  /** When the store was asked last. */
  const asked = new Map<string, number>();
  /** Admins whom no message can reach; the log has said so. */
  const unreachable = new Set<number>();
  let hinted = false;

  async function tell(alert: Alert, key: string): Promise<void> {
    if (!(await store.firstWithin(`alert:${key}`, onceWithinMs)) || stopping.signal.aborted) return;
    log.warn({ alert }, "an operator is needed");
    if (admins.size === 0 && !hinted) {
      hinted = true;
      log.warn({}, "ADMIN_USER_IDS is empty: nobody is told of such trouble in Telegram");
    }
    const words = redact(textsFor(undefined).alert(alert, prefixOf));
    await Promise.all([...admins].map((admin) => send(admin, words)));
  }

  async function send(admin: number, words: string): Promise<void> {
    try {
      await insist(() => api.sendMessage(admin, words, { link_preview_options: { is_disabled: true } }), {
        signal: stopping.signal,
        afterMs(error, failures) {
          if (classify(error) !== "transport" || failures + 1 >= mostTries) throw error;
          return againAfterMs;
        },
      });
      unreachable.delete(admin);
    } catch (error) {
      if (stopping.signal.aborted) return;
      const level = unreachable.has(admin) ? "debug" : "warn";
      unreachable.add(admin);
      const advice = "an admin could not be told of trouble; have they ever written to the bot, or blocked it?";
      log[level]({ adminId: admin, reason: messageOf(error) }, advice);
    }
  }

  return {
    raise(alert) {
      const key = keyOf(alert);
      const at = asked.get(key);
      if (stopping.signal.aborted || (at !== undefined && now() - at < askEveryMs)) return;
      asked.set(key, now());
      const telling = tell(alert, key)
        .catch((error: unknown) => {
          if (!stopping.signal.aborted)
            log.warn({ alert: alert.kind, reason: messageOf(error) }, "operators could not be told of trouble");
        })
        .finally(() => underWay.delete(telling));
      underWay.add(telling);
    },
    async stop() {
      stopping.abort();
      await Promise.all(underWay);
    },
  };
}

/** What makes two alerts the same trouble. */
function keyOf(alert: Alert): string {
  switch (alert.kind) {
    case "key-refused":
    case "credit-empty":
    case "address-wrong":
    case "settings-missing":
    case "search-refused":
      return `${alert.kind}:${alert.provider}`;
    case "model-gone":
      return `${alert.kind}:${alert.model}`;
    case "tool-changed":
      return `${alert.kind}:${alert.server}/${alert.tool}`;
    case "bot-budget":
      return `${alert.kind}:${alert.share}`;
    case "bot-budget-refuses":
    case "webhook-failing":
    case "dead-update":
      return alert.kind;
  }
}

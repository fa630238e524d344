/** Whether Telegram can deliver to the webhook: what does not arrive leaves no other trace with us. */
import type { Api } from "grammy";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { waitFor } from "../base/long-wait.ts";
import { withinTime } from "../base/within-time.ts";

export interface WebhookHealthDeps {
  readonly api: Pick<Api, "getWebhookInfo">;
  /** Where Telegram delivers to as long as the webhook is ours; undefined: wherever other processes have it deliver. */
  readonly url: string | undefined;
  readonly log: Pick<Logger, "info" | "warn">;
  /** Told what each look has found. */
  onLook(found: WebhookState): void;
  /** Ends the looks. */
  readonly signal: AbortSignal;
  /** Milliseconds before the first look, and between any two of them: 5,000 and 60,000. */
  readonly firstMs?: number;
  readonly everyMs?: number;
}

export interface WebhookState {
  /** Updates that Telegram has not delivered yet. */
  readonly pendingUpdates: number;
  /** What keeps Telegram from delivering, in its own words or ours; undefined while nothing does. */
  readonly trouble: string | undefined;
}

export interface WebhookHealth {
  /** What the newest look has found; undefined before the first. */
  readonly state: WebhookState | undefined;
  /** To be called before the webhook is set: an error of before is none of ours. Never rejects, and takes no more than 5 s. */
  prepare(): Promise<void>;
  /** Looks again and again from now on. */
  watch(): void;
}

/** What is read of Telegram's answer. */
interface Info {
  readonly url: string;
  readonly pending_update_count?: number;
  /** Seconds since the epoch. */
  readonly last_error_date?: number;
  readonly last_error_message?: string;
}

const prepareWithinMs = 5_000;

/**
 * Creates the watch over one webhook. Another address than ours is only said, not set right: whoever has set it would do the
 * same, and both for ever.
 */
export function createWebhookHealth(deps: WebhookHealthDeps): WebhookHealth {
  const { api, log, signal, firstMs = 5_000, everyMs = 60_000 } = deps;
  /** Of the newest error that is known already; seconds of Telegram's clock. */
  let knownErrorAt = Math.floor(Date.now() / 1000);
  let state: WebhookState | undefined;
  let unanswered = false;

  async function ask(): Promise<Info> {
    // grammY's types know only the signal of a polyfill; the platform's own does the same.
    const info: unknown = await api.getWebhookInfo(signal as unknown as Parameters<typeof api.getWebhookInfo>[0]);
    if (typeof info === "object" && info !== null && "url" in info && typeof info.url === "string") {
      return info as Info;
    }
    throw new Error("the answer says nothing of a webhook");
  }

  const isElsewhere = (url: string) => deps.url !== undefined && url !== deps.url;

  function troubleIn({ url, last_error_date: errorAt = 0, last_error_message: reason = "" }: Info): string | undefined {
    if (url === "") return "no webhook is set";
    if (isElsewhere(url)) return `the webhook is set to another address, at ${hostOf(url)}`;
    return errorAt > knownErrorAt ? reason || "Telegram does not say why" : undefined;
  }

  function take(info: Info): void {
    const pendingUpdates = info.pending_update_count ?? 0;
    const found = troubleIn(info);
    knownErrorAt = Math.max(knownErrorAt, info.last_error_date ?? 0);
    // Telegram repeats a delivery after up to two minutes: as long as something waits, no news is no good news.
    const trouble = found ?? (pendingUpdates > 0 && !isElsewhere(info.url) ? state?.trouble : undefined);
    const fields = { pendingUpdates, url: deps.url };
    if (found !== undefined) log.warn({ ...fields, reason: found }, "Telegram cannot deliver to the webhook");
    else if (trouble === undefined && state?.trouble !== undefined)
      log.info(fields, "Telegram delivers to the webhook again");
    state = { pendingUpdates, trouble };
    deps.onLook(state);
  }

  async function look(): Promise<void> {
    try {
      take(await ask());
      unanswered = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!unanswered)
        log.warn({ reason: messageOf(error) }, "Telegram did not say how the webhook is doing; it is asked again");
      unanswered = true;
    }
  }

  async function watch(): Promise<void> {
    for (let waitMs = firstMs; await waitFor(waitMs, signal); waitMs = everyMs) await look();
  }

  return {
    get state() {
      return state;
    },
    async prepare() {
      const info = await withinTime(prepareWithinMs, ask(), undefined);
      if (info !== undefined) knownErrorAt = info.last_error_date ?? 0;
    },
    watch: () => void watch(),
  };
}

/** The rest of another's address may be a secret. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an unknown host";
}

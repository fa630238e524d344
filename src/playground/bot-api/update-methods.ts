/** Polling and webhook, as methods. */
import type { Method, Parameters } from "./parameters.ts";
import { badRequest, Refused } from "./refusal.ts";
import { checkAllowedUpdates, type UpdateQueue } from "./updates.ts";
import { parseJson } from "./values.ts";
import { createWebhook, type Webhook } from "./webhook.ts";

export interface Delivery {
  readonly queue: UpdateQueue;
  /** Milliseconds before a webhook's second repetition; doubled for each further one. The first comes at once. */
  readonly webhookRetryMs: number;
  webhook: Webhook | undefined;
  onViolation(what: string): void;
}

type UpdateMethod = "getUpdates" | "setWebhook" | "deleteWebhook" | "getWebhookInfo";

/** The methods by which updates reach the bot. */
export function createUpdateMethods(delivery: Delivery): Record<UpdateMethod, Method> {
  const { queue } = delivery;

  function choose(params: Parameters): void {
    const raw = params.json("allowed_updates");
    if (raw === undefined) return;
    const list = parseJson(raw, "can't parse allowed_updates JSON object");
    if (!Array.isArray(list)) throw badRequest("expected an Array of allowed updates");
    const chosen = checkAllowedUpdates(list);
    queue.allowedUpdates = chosen.length === 0 ? undefined : chosen;
  }

  function end(params: Parameters): true {
    delivery.webhook?.stop();
    delivery.webhook = undefined;
    if (params.boolean("drop_pending_updates")) queue.clear();
    return true;
  }

  return {
    getUpdates(params, onClose) {
      if (delivery.webhook !== undefined) {
        throw new Refused(
          409,
          "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        );
      }
      const offset = params.integer("offset") ?? 0;
      const limit = within(params, "limit", 1, 100) ?? 100;
      const timeoutSeconds = within(params, "timeout", 0, 50) ?? 0;
      choose(params);
      return queue.poll({ offset, limit, timeoutSeconds }, onClose);
    },
    setWebhook(params) {
      const url = params.string("url");
      if (url === undefined) return end(params);
      checkUrl(url);
      const secretToken = params.string("secret_token") ?? "";
      if (secretToken.length > 256) throw badRequest("secret token is too long");
      if (!/^[\w-]*$/.test(secretToken)) throw badRequest("secret token contains unallowed characters");
      const maxConnections = within(params, "max_connections", 1, 100) ?? 40;
      choose(params);
      end(params);
      queue.endPoll("terminated by setWebhook request");
      const settings = { url, secretToken, maxConnections };
      delivery.webhook = createWebhook(queue, settings, delivery.webhookRetryMs, delivery.onViolation);
      return true;
    },
    deleteWebhook: end,
    getWebhookInfo() {
      const { webhook } = delivery;
      return {
        url: webhook?.settings.url ?? "",
        has_custom_certificate: false,
        pending_update_count: queue.size,
        ...(webhook?.lastError && {
          last_error_date: webhook.lastError.date,
          last_error_message: webhook.lastError.message,
        }),
        ...(webhook && { max_connections: webhook.settings.maxConnections, ip_address: "127.0.0.1" }),
        ...(queue.allowedUpdates && { allowed_updates: queue.allowedUpdates }),
      };
    },
  };
}

/** Telegram would take the nearest number that it allows; a slip is better seen. */
function within(params: Parameters, name: string, least: number, most: number): number | undefined {
  const value = params.integer(name);
  if (value !== undefined && (value < least || value > most)) {
    throw badRequest(`parameter "${name}" must be between ${least} and ${most}`);
  }
  return value;
}

/** A server of one's own delivers to plain `http` too; here only to this machine. */
function checkUrl(address: string): void {
  const url = URL.parse(address);
  const local = url !== null && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (url === null || url.hostname === "") throw badRequest("invalid webhook URL specified");
  if (url.protocol === "https:" || (url.protocol === "http:" && local)) return;
  throw badRequest("bad webhook: An HTTPS URL must be provided for webhook");
}

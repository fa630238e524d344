/** Where Telegram delivers to, and the secret that it shows. */
import { createHmac } from "node:crypto";
import { officialApiRoot } from "./environment.ts";

/** Adds what Telegram would refuse to the mistakes. */
export function checkWebhook(webhookUrl: string, apiRoot: string, mistakes: string[]): void {
  // A Bot API server of one's own may stand beside the bot, and delivers wherever it is told.
  if (apiRoot !== officialApiRoot) return;
  const { protocol, port } = new URL(webhookUrl);
  if (protocol !== "https:") {
    mistakes.push("WEBHOOK_URL must begin with https://; plain http works only with a TELEGRAM_API_ROOT of your own");
  } else if (!["", "80", "88", "8443"].includes(port)) {
    mistakes.push("WEBHOOK_URL names a port that Telegram does not deliver to; use 443, 80, 88 or 8443");
  }
}

/** Telegram echoes it with each delivery. Derived, it is the same in every process that has the token. */
export function derivedSecret(token: string): string {
  return createHmac("sha256", token).update("parley webhook secret").digest("hex");
}

/** English: what operators are told of trouble, with what to do. */
import type { Alert } from "../ports/alerts.ts";

const restart = "then restart the bot";

/** A message to an operator. `prefix` begins the names of a provider's variables: `OPENAI_`. */
export function alertWords(alert: Alert, prefix: (provider: string) => string): string {
  switch (alert.kind) {
    case "key-refused":
      return `🔑 ${alert.provider} refuses this bot's key, so none of its models answer. Put a valid key into ${prefix(alert.provider)}API_KEY, ${restart}. npm run doctor shows whether it is taken.`;
    case "credit-empty":
      return `💳 The account at ${alert.provider} has run out of credit, so none of its models answer. Add credit there, or let FALLBACK_MODELS name a model of another provider.`;
    case "address-wrong":
      return `🧭 Nothing answers questions at the address of ${alert.provider}. Mend ${prefix(alert.provider)}BASE_URL, ${restart}. npm run doctor shows whether it is right.`;
    case "settings-missing":
      return `🧩 ${alert.provider} wants to be told more than it is, so none of its models answer; the log has its words. Put the headers that it names into ${prefix(alert.provider)}HEADERS, ${restart}.`;
    case "model-gone": {
      const nearest = alert.nearest === undefined ? "" : ` The nearest name in its list is ${alert.nearest}.`;
      return `👻 The provider does not know the model ${alert.model}, or not any more.${nearest} Mend MODELS or FALLBACK_MODELS, ${restart}.`;
    }
    case "bot-budget":
      return alert.share === 100
        ? `🛑 BUDGET_BOT_DAY is spent: nobody gets an answer from a model that costs anything until ${clock(alert.resetsAt)}. To go on before that, raise it and restart the bot.`
        : `💰 ${alert.share} % of BUDGET_BOT_DAY is spent; it is filled up again at ${clock(alert.resetsAt)}. /stats shows what was spent on what.`;
    case "webhook-failing":
      return `📪 Telegram cannot deliver to the webhook: ${alert.reason}. ${waiting(alert.pendingUpdates)} Look at WEBHOOK_URL, its certificate and the proxy in front of the bot; npm run doctor says what Telegram sees.`;
    case "dead-update":
      return `⚰️ Update ${alert.updateId} could not be handled and has been put aside. npm run queue -- dead says why, npm run queue -- requeue ${alert.updateId} tries it again; the log has the rest.`;
  }
}

function clock(at: number): string {
  return `${new Date(at).toISOString().slice(11, 16)} UTC`;
}

function waiting(updates: number): string {
  return updates === 1 ? "1 update waits there." : `${updates} updates wait there.`;
}

/** English: what operators are told, of trouble and when they ask, with what to do. */
import type { Alert } from "../ports/alerts.ts";
import type { Finding } from "../ports/operators.ts";

const restart = "then restart the bot";

/** A message to an operator. `prefix` begins the names of a provider's variables: `OPENAI_`. */
function alertWords(alert: Alert, prefix: (provider: string) => string): string {
  switch (alert.kind) {
    case "key-refused":
      return `🔑 ${alert.provider} refuses this bot's key, so none of its models answer. Put a valid key into ${prefix(alert.provider)}API_KEY, ${restart}. npm run doctor shows whether it is taken.`;
    case "credit-empty":
      return `💳 The account at ${alert.provider} has run out of credit, so none of its models answer. Add credit there, or let FALLBACK_MODELS name a model of another provider.`;
    case "address-wrong":
      return `🧭 Nothing answers questions at the address of ${alert.provider}. Mend ${prefix(alert.provider)}BASE_URL, ${restart}. npm run doctor shows whether it is right.`;
    case "settings-missing":
      return `🧩 ${alert.provider} needs headers that it does not get, so none of its models answer. The log has its words. Put those headers into ${prefix(alert.provider)}HEADERS, ${restart}.`;
    case "model-gone": {
      const { model, nearest } = alert;
      const listed = nearest === undefined ? "" : ` The nearest name in its list is ${nearest}.`;
      const known =
        nearest === model.slice(model.indexOf("/") + 1) ? " Its list has this name: does this key open it?" : listed;
      return `👻 The provider does not know the model ${model}, or no longer does.${known} Mend MODELS, FALLBACK_MODELS or the setting that names it, ${restart}.`;
    }
    case "search-refused":
      return searchWords(alert);
    case "bot-budget":
      return alert.share === 100
        ? `🛑 BUDGET_BOT_DAY is spent: nobody gets an answer from a model that costs anything until ${clock(alert.resetsAt)}. To go on before that, raise it and restart the bot.`
        : `💰 ${alert.share} % of BUDGET_BOT_DAY is spent; it resets at ${clock(alert.resetsAt)}. /stats shows what was spent on what.`;
    case "bot-budget-refuses":
      return `💸 BUDGET_BOT_DAY has turned a question away, with ${alert.spent} % of it spent: what is left is less than this question may cost. It resets at ${clock(alert.resetsAt)}. Raise it, or make MODEL_MAX_TOKENS or HISTORY_MAX_TOKENS smaller, ${restart}.`;
    case "webhook-failing":
      return `📪 Telegram cannot deliver to the webhook: ${alert.reason}. ${waiting(alert.pendingUpdates)} Look at WEBHOOK_URL, its certificate and the proxy in front of the bot; npm run doctor says what Telegram sees.`;
    case "dead-update":
      return `⚰️ Update ${alert.updateId} could not be handled and has been put aside. npm run queue -- dead says why, npm run queue -- requeue ${alert.updateId} tries it again; the log has the rest.`;
    case "tool-changed":
      return `🧰 The MCP server ${alert.server} has changed its tool ${alert.tool} since it was first seen: its description or what it takes. It is off until an admin confirms the change in /tools. If you have not updated that server, find out why first.`;
  }
}

function searchWords({ provider, variable, why }: Extract<Alert, { readonly kind: "search-refused" }>): string {
  const head = `🔎 ${provider} does not search for this bot, so it looks nothing up on the web.`;
  switch (why) {
    case "key":
      return `${head} It refuses the key. Put a valid one into ${variable}, ${restart}.`;
    case "credit":
      return `${head} The account has run out of credit. Add credit there, or let SEARCH_PROVIDER name another one.`;
    case "format":
      return `${head} Its settings do not let programs ask: put json into search.formats in its settings.yml, and restart it. ${variable} says where it is.`;
  }
}

function clock(at: number): string {
  return `${new Date(at).toISOString().slice(11, 16)} UTC`;
}

function waiting(updates: number): string {
  return updates === 1 ? "1 update waits there." : `${updates} updates wait there.`;
}

const signs: Readonly<Record<Finding["state"], string>> = { bad: "❌", warn: "⚠️", ok: "✅" };
/** Somewhat less than what Telegram takes in a message. */
const longestReport = 4_000;

/** What must be mended first; what does not fit is counted. */
function reportWords(findings: readonly Finding[]): string {
  const inOrder = (["bad", "warn", "ok"] as const).flatMap((state) => findings.filter((one) => one.state === state));
  const wrong = findings.filter(({ state }) => state === "bad").length;
  const head =
    wrong === 0 ? "🩺 Nothing must be mended." : `🩺 ${wrong} ${wrong === 1 ? "thing" : "things"} must be mended.`;
  let text = `${head}\n`;
  for (const [index, { state, about, says, todo }] of inOrder.entries()) {
    const line = `\n${signs[state]} ${about}: ${says}${todo === undefined ? "" : ` → ${todo}`}`.slice(
      0,
      longestReport / 4,
    );
    const rest = `\n… and ${inOrder.length - index} more: npm run doctor shows all.`;
    if (text.length + line.length + rest.length > longestReport) return text + rest;
    text += line;
  }
  return text;
}

/** For operators alone. */
export const operatorTexts = {
  alert: alertWords,
  doctorLooking: "🩺 I am looking at everything. This takes 20 seconds at most.",
  doctorReport: reportWords,
  doctorTooSoon: "I looked less than a minute ago. Please wait a moment before you ask again.",
  doctorElsewhere: "Please ask me this in our private chat: the answer is not for everybody here.",
};

/** Telegram as it is now: who we are, what we see of groups, how updates reach us, and whose clock is wrong. */
import type { IncomingMessage } from "node:http";
import type { UserFromGetMe, WebhookInfo } from "grammy/types";
import { type Connections, createConnections } from "../../base/connections.ts";
import type { Config } from "../../config/config.ts";
import { allowedUpdates } from "../../ingress/allowed-updates.ts";
import { webhookPath } from "../../ingress/registration.ts";
import type { Finding } from "../../ports/operators.ts";
import { bad, ok, reasonIn, warn } from "./findings.ts";

export interface TelegramExamination {
  readonly config: Config;
  /** The running bot asks: what Telegram knows should be what that bot has told it. */
  readonly running: boolean;
  readonly signal: AbortSignal;
}

/** An answer of the Bot API and what came with it. Times in milliseconds since the epoch. */
interface Answer {
  readonly result: unknown;
  /** 200 when it was granted. */
  readonly code: number;
  readonly description: string;
  /** What Telegram's clock showed, to the second; undefined when it did not say. */
  readonly date: number | undefined;
  /** The middle between question and answer. */
  readonly at: number;
  /** The other end of the connection: the proxy's where there is one. */
  readonly peer: { readonly address: string; readonly port: number };
}

type Asked = Answer | { readonly failure: string };

const withinMs = 8_000;
const mostBytes = 1024 * 1024;
/** Less than this may be the way there and back. */
const clockWarnMs = 5_000;
const clockBadMs = 60_000;
/** An older error is history. */
const recentMs = 3_600_000;

/** Asks Telegram twice, taking no update. Resolves with the other end of the connection, too, when there was an answer. */
export async function examineTelegram(
  examination: TelegramExamination,
): Promise<{ readonly findings: readonly Finding[]; readonly peer: Answer["peer"] | undefined }> {
  const { config, signal } = examination;
  const connections = createConnections({ proxies: config.proxies });
  try {
    const [me, webhook] = await Promise.all([
      ask(connections, config, "getMe", signal),
      ask(connections, config, "getWebhookInfo", signal),
    ]);
    const { host } = new URL(config.telegram.apiRoot);
    if ("failure" in me) {
      const todo = `see to the network, or set HTTPS_PROXY or TELEGRAM_API_ROOT; the bot goes on trying until it is there`;
      return { findings: [bad("token", `${host} is out of reach: ${me.failure}`, todo)], peer: undefined };
    }
    const findings = [
      ...whoWeAre(me, host),
      ...("failure" in webhook ? [] : webhookOf(webhook, examination)),
      clock(me),
    ];
    return { findings, peer: me.peer };
  } finally {
    connections.stop();
  }
}

async function ask(
  connections: Connections,
  { telegram: { apiRoot, token } }: Config,
  method: string,
  signal: AbortSignal,
): Promise<Asked> {
  const sentAt = Date.now();
  try {
    const url = new URL(`${apiRoot}/bot${token}/${method}`);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]) };
      connections.request(url, options).on("response", resolve).on("error", reject).end();
    });
    const date = Date.parse(response.headers.date ?? "");
    const at = (sentAt + Date.now()) / 2;
    const { remoteAddress: address = "", remotePort: port = 0 } = response.socket;
    const answer = JSON.parse(await textOf(response)) as Record<string, unknown> | null;
    if (typeof answer?.["ok"] !== "boolean") return { failure: "what answers there is no Bot API" };
    const code = answer["ok"] ? 200 : Number(answer["error_code"]);
    const description = String(answer["description"] ?? "");
    const peer = { address, port };
    return { result: answer["result"], code, description, date: Number.isNaN(date) ? undefined : date, at, peer };
  } catch (error) {
    return { failure: error instanceof SyntaxError ? "what answers there is no Bot API" : reasonIn(error) };
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > mostBytes) break;
  }
  return text;
}

function whoWeAre({ code, description, result }: Answer, host: string): Finding[] {
  if (code === 401 || code === 404) {
    return [bad("token", `${host} refuses it`, "copy into BOT_TOKEN what @BotFather shows for this bot")];
  }
  if (code !== 200) return [bad("token", `${host} says: ${description} (${code})`, "try again later")];
  const me = result as Partial<UserFromGetMe> | null;
  const token = ok("token", `@${me?.username} (${me?.id}) at ${host}`);
  if (me?.can_join_groups === false)
    return [token, ok("groups", "@BotFather's /setjoingroups keeps the bot out of groups")];
  const privacy = me?.can_read_all_group_messages
    ? warn(
        "privacy mode",
        "off: in groups the bot is sent every message, though it answers only those that are for it",
        "/setprivacy at @BotFather turns it on; then take the bot out of each group and add it again",
      )
    : ok(
        "privacy mode",
        "on: in groups the bot is sent commands, mentions and replies to it, which is all that it answers",
      );
  return [token, privacy];
}

function webhookOf({ code, result }: Answer, { config, running }: TelegramExamination): Finding[] {
  if (code !== 200) return [];
  const info = result as Partial<WebhookInfo>;
  const pending = `${info.pending_update_count ?? 0} ${info.pending_update_count === 1 ? "update waits" : "updates wait"}`;
  const { webhook } = config.telegram;
  const polls = webhook === undefined || config.mode === "dev";
  const due = polls ? "" : `${webhook.url}${webhookPath}`;
  if (info.url !== due) return [elsewhere(info.url ?? "", due, running)];
  if (polls) return [ok("webhook", `none is set, as long polling wants it; ${pending}`)];
  return [deliveries(info, pending), ...kinds(info, running)];
}

/** Telegram delivers to some other address. */
function elsewhere(url: string, due: string, running: boolean): Finding {
  const where = url === "" ? "none is set" : `set to ${hostOf(url)}`;
  const other = "does another bot run with this token?";
  if (due === "") {
    const says = `${where}, though WEBHOOK_URL is not: while it stands, polling gets nothing`;
    return running
      ? bad("webhook", says, `${other} It has set it again`)
      : warn("webhook", says, `the next start removes it; ${other}`);
  }
  const says = `${where}, where WEBHOOK_URL means ${due}`;
  if (running) return bad("webhook", says, `restart the bot; ${other}`);
  return url === ""
    ? warn("webhook", says, "the next start sets it")
    : bad("webhook", says, `the next start sets it; ${other}`);
}

function deliveries(
  { url = "", last_error_date: failedAt = 0, last_error_message: reason }: Partial<WebhookInfo>,
  pending: string,
): Finding {
  const agoMs = Date.now() - failedAt * 1000;
  if (failedAt === 0 || agoMs > recentMs) return ok("webhook", `${url}; ${pending}`);
  const minutes = Math.max(0, Math.round(agoMs / 60_000));
  return bad(
    "webhook",
    `${url}: ${minutes} min ago Telegram could not deliver: ${reason ?? "it does not say why"}; ${pending}`,
    "is the bot running, and does the proxy in front of it pass POST on, with a certificate that is trusted?",
  );
}

function kinds({ allowed_updates: allowed = [] }: Partial<WebhookInfo>, running: boolean): Finding[] {
  const missing = allowedUpdates.filter((kind) => !(allowed as readonly string[]).includes(kind));
  if (missing.length === 0) return [];
  const todo = running ? "restart the bot; does another one run with this token?" : "the next start asks for them";
  return [warn("webhook", `Telegram does not deliver ${missing.join(", ")}`, todo)];
}

function clock({ date, at }: Answer): Finding {
  if (date === undefined) return warn("clock", "Telegram did not say what time it is");
  const offMs = at - (date + 500);
  if (Math.abs(offMs) < clockWarnMs) return ok("clock", "agrees with Telegram's to within 5 s");
  const says = `${Math.round(Math.abs(offMs) / 1000)} s ${offMs < 0 ? "behind" : "ahead of"} Telegram's`;
  const todo = "set the clock of this machine, best by NTP";
  return Math.abs(offMs) < clockBadMs ? warn("clock", says, todo) : bad("clock", says, todo);
}

/** The rest of another's address may be a secret. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an unknown host";
}

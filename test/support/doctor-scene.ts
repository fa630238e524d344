/** What a doctor examines: a Bot API that says what a test wants, and configurations that name it. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readConfig } from "../../src/config/config.ts";
import type { Finding } from "../../src/ports/operators.ts";

export const doctorToken = "424242:TEST-token-of-the-doctor-of-the-tests";

type Env = Record<string, string>;

/** What it answers to a method: a result, or the whole of an answer when there is an `ok` in it. */
type Answers = Partial<Record<"getMe" | "getWebhookInfo", object>>;

export interface StrangeTelegram {
  readonly url: string;
  /** The methods that were called. */
  readonly called: readonly string[];
  answers: Answers;
  /** Seconds by which its clock is ahead of ours. */
  aheadSeconds: number;
  /** Does all else instead. */
  instead: ((response: ServerResponse) => void) | undefined;
  stop(): Promise<void>;
}

const me = {
  id: 424242,
  is_bot: true,
  first_name: "Parley",
  username: "parley_bot",
  can_join_groups: true,
  can_read_all_group_messages: false,
};

/** Starts a Telegram in which all is well, until it is told otherwise. */
export async function createStrangeTelegram(): Promise<StrangeTelegram> {
  const called: string[] = [];
  const server = createServer((request, response) => {
    const method = request.url?.split("/").at(-1) ?? "";
    called.push(method);
    if (telegram.instead !== undefined) return telegram.instead(response);
    response.setHeader("date", new Date(Date.now() + telegram.aheadSeconds * 1000).toUTCString());
    const usual = { getMe: me, getWebhookInfo: { url: "", pending_update_count: 0 } }[method];
    const answer = { ...usual, ...telegram.answers[method as keyof Answers] };
    response.end(JSON.stringify("ok" in answer ? answer : { ok: true, result: answer }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const telegram: StrangeTelegram = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    called,
    answers: {},
    aheadSeconds: 0,
    instead: undefined,
    async stop() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
  return telegram;
}

/** A configuration of nobody's mistakes, but for `env`. */
export function doctorConfig(env: Env) {
  return readConfig("doctor", {
    BOT_TOKEN: doctorToken,
    ALLOWED_USER_IDS: "7",
    ADMIN_USER_IDS: "7",
    MODELS: "ollama/one",
    ...env,
  });
}

/** Findings in short: `state about: says → todo`. */
export function short(findings: readonly Finding[]): string[] {
  return findings.map(
    ({ state, about, says, todo }) => `${state} ${about}: ${says}${todo === undefined ? "" : ` → ${todo}`}`,
  );
}

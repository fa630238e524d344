/** Trouble on demand: what a bot has to live with, by rule, and Telegram's flood limits. */
import { tooManyRequests } from "./refusal.ts";

/** A call as rules see it, before it is carried out. */
export interface PendingCall {
  readonly method: string;
  readonly chatId: number | undefined;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * Which calls fail, and how. Of several rules that fit, the one set first counts. With `cut: "after"` or `hangMs` alone
 * the method is carried out; everything else keeps it from taking effect. The download of a file is the method `file`; cut
 * after its effect, half of it has come.
 */
export interface FaultRule {
  readonly method?: string;
  readonly chatId?: number;
  match?(call: PendingCall): boolean;
  /** How often it strikes; for ever when left out. */
  readonly times?: number;
  /** The answer's status: 429, 500, 403, … */
  readonly status?: number;
  /** Seconds, for a 429. */
  readonly retryAfter?: number;
  readonly description?: string;
  readonly parameters?: Readonly<Record<string, number>>;
  /** Answers with an HTML page, as a proxy does, instead of JSON. */
  readonly html?: boolean;
  /** Milliseconds that the call lies still before anything else happens. */
  readonly hangMs?: number;
  /** The connection is destroyed without an answer, before or after the method has taken effect. */
  readonly cut?: "before" | "after";
  /** How fast a file comes. */
  readonly bytesPerSecond?: number;
}

export interface Faults {
  /** Adds a rule; returns the function that removes it. */
  fail(rule: FaultRule): () => void;
  /** Milliseconds added before every answer. */
  latencyMs: number;
  /**
   * Telegram's limits, off at first: a message or edit a second in a private chat (bursts of 5), 20 a minute in a group,
   * 4 drafts or actions a second in a chat (bursts of 20). `answerCallbackQuery` has none.
   */
  floodLimit: boolean;
  /** Removes all rules, and turns latency and limits off. */
  clear(): void;
}

export interface FaultDesk extends Faults {
  /** The rule that strikes this call, counted as used. */
  take(call: PendingCall): FaultRule | undefined;
  /** Throws the 429 of a chat that has had enough. */
  checkFlood(method: string, chatId: number): void;
}

const messageMethods = new Set([
  "sendMessage",
  "editMessageText",
  "editMessageReplyMarkup",
  "sendDocument",
  "sendPhoto",
  "sendVoice",
]);
const fleetingMethods = new Set(["sendMessageDraft", "sendChatAction"]);

interface Bucket {
  tokens: number;
  at: number;
}

/** Creates the desk where faults are ordered. It knows nothing of chats or HTTP. */
export function createFaults(): FaultDesk {
  const rules: { rule: FaultRule; left: number }[] = [];
  const buckets = new Map<string, Bucket>();

  function spend(key: string, burst: number, perSecond: number): void {
    const now = performance.now();
    const bucket = buckets.get(key) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    buckets.set(key, bucket);
    if (bucket.tokens < 1) throw tooManyRequests(Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond)));
    bucket.tokens -= 1;
  }

  const desk: FaultDesk = {
    latencyMs: 0,
    floodLimit: false,
    fail(rule) {
      const entry = { rule, left: rule.times ?? Number.POSITIVE_INFINITY };
      rules.push(entry);
      return () => {
        const index = rules.indexOf(entry);
        if (index !== -1) rules.splice(index, 1);
      };
    },
    clear() {
      rules.length = 0;
      buckets.clear();
      desk.latencyMs = 0;
      desk.floodLimit = false;
    },
    take(call) {
      if (rules.length === 0) return undefined;
      const index = rules.findIndex(
        ({ rule }) =>
          (rule.method === undefined || rule.method === call.method) &&
          (rule.chatId === undefined || rule.chatId === call.chatId) &&
          (rule.match === undefined || rule.match(call)),
      );
      const entry = rules[index];
      if (entry === undefined) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) rules.splice(index, 1);
      return entry.rule;
    },
    checkFlood(method, chatId) {
      if (!desk.floodLimit) return;
      if (fleetingMethods.has(method)) spend(`fleeting ${chatId}`, 20, 4);
      if (!messageMethods.has(method)) return;
      if (chatId > 0) spend(`messages ${chatId}`, 5, 1);
      else spend(`messages ${chatId}`, 20, 20 / 60);
    },
  };
  return desk;
}

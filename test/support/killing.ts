/** Kills the bot's own process at chosen moments, and keeps account of what each kill may leave behind in the chats. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { BotApi, BotApiEvent } from "../../src/playground/bot-api/bot-api.ts";
import type { PendingCall } from "../../src/playground/bot-api/faults.ts";
import type { Turn } from "../../src/ports/turns.ts";
import type { Rig } from "./bot-process.ts";
import { patienceMs } from "./patience.ts";

/** Numbers from 0 up to 1 that only look random: the same for the same seed. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Shuffles a copy. */
export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const copy = [...list];
  for (let at = copy.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [copy[at], copy[other]] = [copy[other] as T, copy[at] as T];
  }
  return copy;
}

const nameOf = (chatId: number, messageId: number) => `${chatId}/${messageId}`;

/**
 * Watches which messages a kill keeps the bot from knowing: their ids are not on disk, and they were created by the last
 * request of their chat. The bot has one request in flight a chat and stores a message's id before the next one. What
 * Telegram carries out after the kill, of requests that were on their way, belongs to that kill.
 */
export function watchCreations({ botApi, dataDir }: Rig) {
  const unfollowed = new Map<number, number>();
  const excusable = new Set<string>();
  const begun = new Set<number>();
  const finished = new Set<number>();
  const end = botApi.onEvent((event) => {
    if (happens("created", event, botApi.bot.id) && "chatId" in event) begun.add(event.chatId);
    if (happens("final-shown", event, botApi.bot.id) && "chatId" in event) finished.add(event.chatId);
    if (event.type === "message-new" && event.message.from?.id === botApi.bot.id) {
      unfollowed.set(event.chatId, event.message.message_id);
    } else if (event.type === "message-edited" || event.type === "message-deleted" || event.type === "typing") {
      unfollowed.delete(event.chatId);
    }
  });
  return {
    /** Chats that have a message of the bot, and those that have seen a whole answer. */
    begun: begun as ReadonlySet<number>,
    finished: finished as ReadonlySet<number>,
    /** To be called before each start after a kill; returns how many messages the kill made unknown. */
    settle(): number {
      const stored = storedMessages(dataDir);
      const lost = [...unfollowed].map(([chatId, id]) => nameOf(chatId, id)).filter((name) => !stored.has(name));
      for (const name of lost) excusable.add(name);
      unfollowed.clear();
      return lost.length;
    },
    /** Whether a kill may have kept the bot from knowing this message. */
    excuses: (chatId: number, messageId: number) => excusable.has(nameOf(chatId, messageId)),
    end,
  };
}

/** The messages that turns on disk know, read from a copy: the database is for the next start to recover. */
function storedMessages(dataDir: string): Set<string> {
  const folder = mkdtempSync(join(dataDir, "copy-"));
  for (const file of ["parley.db", "parley.db-wal"]) {
    if (existsSync(join(dataDir, "data", file))) copyFileSync(join(dataDir, "data", file), join(folder, file));
  }
  const database = new DatabaseSync(join(folder, "parley.db"));
  try {
    const rows = database.prepare("SELECT record FROM turn").all();
    const turns = rows.map((row) => JSON.parse(String(row["record"])) as Turn);
    return new Set(turns.flatMap((turn) => turn.messages.map((id) => nameOf(Number(turn.conversation), id))));
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
}

/** A moment: the `nth` time that something happens after a start, and so many milliseconds later. */
export interface Moment {
  readonly what:
    | "updates-delivered"
    | "drafted"
    | "created"
    | "created-answered"
    | "final-shown"
    | "final-answered"
    | "started";
  readonly nth: number;
  readonly afterMs: number;
  /** What the text that is written, or was to be written, must match. */
  readonly text?: RegExp;
}

function textOf(event: BotApiEvent): string {
  if (event.type === "call") return String(event.call.params["text"] ?? "");
  return "message" in event ? (event.message.text ?? "") : "";
}

function happens(what: Moment["what"], event: BotApiEvent, botId: number): boolean {
  switch (what) {
    case "started":
      return event.type === "call";
    case "updates-delivered":
      return event.type === "call" && event.call.method === "getUpdates";
    case "drafted":
      return event.type === "draft";
    case "created":
      return event.type === "message-new" && event.message.from?.id === botId;
    case "created-answered":
      return event.type === "call" && event.call.method === "sendMessage" && event.call.status === 200;
    case "final-shown":
      return (
        (event.type === "message-edited" || event.type === "message-new") &&
        event.message.from?.id === botId &&
        JSON.stringify(event.message.reply_markup ?? "").includes("Regenerate")
      );
    case "final-answered":
      return (
        event.type === "call" &&
        ["editMessageText", "sendMessage"].includes(event.call.method) &&
        event.call.status === 200 &&
        JSON.stringify(event.call.params["reply_markup"] ?? "").includes("Regenerate")
      );
  }
}

/** Starts the bot and kills it at this moment. Rejects when the moment does not come. */
export async function startAndKill(rig: Rig, { what, nth, afterMs, text }: Moment): Promise<void> {
  const { promise: killed, resolve, reject } = Promise.withResolvers<void>();
  let left = nth;
  const kill = () => {
    rig.child().once("exit", (_code, signal) => {
      if (signal === "SIGKILL") resolve();
      else reject(new Error(`the bot had ended before the kill: ${rig.output().slice(-2000)}`));
    });
    rig.child().kill("SIGKILL");
  };
  const unwatch = rig.botApi.onEvent((event) => {
    if (left === 0 || !happens(what, event, rig.botApi.bot.id)) return;
    if (text?.test(textOf(event)) === false) return;
    left -= 1;
    if (left > 0) return;
    // Without a timer the kill comes before Telegram's answer leaves.
    if (afterMs === 0) kill();
    else setTimeout(kill, afterMs);
  });
  // Killed in its start, it never becomes ready; what waits for that ends with the next start.
  rig.start().catch(() => undefined);
  const late = new AbortController();
  try {
    await Promise.race([
      killed,
      sleep(patienceMs, undefined, { signal: late.signal }).then(() => {
        throw new Error(`"${what}" did not happen ${nth} times: ${rig.output().slice(-2000)}`);
      }),
    ]);
  } finally {
    late.abort();
    unwatch();
  }
}

/**
 * Resolves when a call of the bot that fits arrives, before it is carried out; `then` runs in that very moment. To be called
 * before faults are ordered that fit the same call.
 */
export function onArrival(
  botApi: BotApi,
  fits: (call: PendingCall) => boolean,
  then: () => void = () => {},
): Promise<void> {
  return new Promise((resolve) => {
    const remove = botApi.faults.fail({
      match(call) {
        if (!fits(call)) return false;
        setImmediate(remove);
        then();
        resolve();
        return false;
      },
    });
  });
}

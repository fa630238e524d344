/**
 * Settings, history, turns, usage and dialogs in Redis. Each write is one atomic step, and each reads its record's former
 * part inside it, so that any number of processes may write at once.
 */
import { setTimeout as pause } from "node:timers/promises";
import { LeaseLostError } from "../../base/errors.ts";
import { withinTime } from "../../base/within-time.ts";
import type { Lease } from "../../ports/fleet.ts";
import type { Note } from "../../ports/notes.ts";
import type { Exchange, KnownConversation, Settings, Store } from "../../ports/store.ts";
import type { Turn } from "../../ports/turns.ts";
import type { ConversationId } from "../../ports/updates.ts";
import { ConversationMovedError, followingMoves, mayMove, type StoreAtHome } from "../lanes/moved-conversations.ts";
import { isFormer, presentForm, readExchange, type StoredForm } from "../lanes/stored-forms.ts";
import { dialogTtlMs, keptPerConversation, scannedAtOnce } from "../lanes/turn-records.ts";
import { createAnswers } from "./answers.ts";
import { eraseUser } from "./erasure.ts";
import { createFacts, moveFacts, snapshotOf } from "./facts.ts";
import { createFiles } from "./files.ts";
import { createFormChoice } from "./form.ts";
import type { RedisLease } from "./leases.ts";
import { createRedisLedger } from "./ledger.ts";
import { keepingArgument, settlementArgument } from "./ledger-scripts.ts";
import type { RedisLink } from "./link.ts";
import type { ConversationRecords, Opening } from "./opening.ts";
import { decodeTurn, encodeEnd, encodeShown, encodeTurn, isFormerTurn } from "./records.ts";
import { lookAtKeys } from "./rehearsal.ts";
import { FormerReaderError, isRefusal, runGuarded, runScript, type ScriptArgument } from "./script.ts";
import { createSteps } from "./steps.ts";
import * as lua from "./store-scripts.ts";
import { fieldsOf } from "./updates.ts";

export interface RedisStoreOptions {
  readonly link: RedisLink;
  /** A conversation in which nothing was asked for this long is forgotten. */
  readonly historyTtlSeconds: number;
  /** How long calls are kept one by one, and sums by day; 400 when left out. */
  readonly ledgerDays?: number | undefined;
  /** Puts notes into words, a line each, for workers of the version before, which know no others. */
  readonly noteWords: (notes: readonly Note[]) => string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const healthyWithinMs = 800;
/** A chat that refuses us once more is marked once more. */
const blockedTtlMs = 180 * 24 * 3_600_000;
/** Between attempts of a write that a handler waits for. */
const repeatMs = 200;

/**
 * Creates the store; it uses the link's commands connection. Keys expire with what they hold, but for choices (a persona
 * must not vanish) and totals of usage: those stay, a few hundred bytes per conversation and user.
 */
export function createRedisStore(options: RedisStoreOptions): Store {
  const { link, historyTtlSeconds, ledgerDays = 400, noteWords, now = Date.now } = options;
  const { commands: redis, prefix } = link;
  const ttlMs = historyTtlSeconds * 1000;
  const forms = createFormChoice(link, noteWords);
  const keeping = keepingArgument({ prefix, ledgerDays });
  const { readAnswer, argumentsFor } = createAnswers(link, now);

  // === Keys =========================================================================================

  const settingsKey = (conversation: ConversationId) => `${prefix}settings:${conversation}`;
  const turnsKey = (conversation: ConversationId) => `${prefix}turns:${conversation}`;
  const turnOrderKey = (conversation: ConversationId) => `${prefix}turn-order:${conversation}`;
  const historyKey = (conversation: ConversationId) => `${prefix}history:${conversation}`;
  const historyOrderKey = (conversation: ConversationId) => `${prefix}history-order:${conversation}`;
  const movedKey = (conversation: ConversationId) => `${prefix}moved:${conversation}`;
  const dialogKey = (key: string) => `${prefix}dialog:${key}`;
  const blockedKey = (chatId: number) => `${prefix}blocked:${chatId}`;

  function conversationKeys(conversation: ConversationId): [string, ...string[]] {
    return [
      turnsKey(conversation),
      turnOrderKey(conversation),
      historyKey(conversation),
      historyOrderKey(conversation),
    ];
  }

  /** A conversation that was active last before this time has expired. */
  function oldest(): number {
    return now() - ttlMs;
  }

  // === Reading ======================================================================================

  /** What was read, unless another process has moved the conversation meanwhile. */
  async function unmoved<T>(conversation: ConversationId, read: Promise<T>): Promise<T> {
    const result = await read;
    const to = mayMove(conversation) ? await redis.get(movedKey(conversation)) : null;
    if (to !== null) throw new ConversationMovedError(to);
    return result;
  }

  async function findTurn(
    opening: Opening | undefined,
    conversation: ConversationId,
    question: number | "",
  ): Promise<Turn | undefined> {
    const keys = [turnsKey(conversation), turnOrderKey(conversation)];
    const known = mayMove(conversation) ? undefined : opening?.turn(conversation, question, oldest());
    const record =
      known === undefined
        ? await unmoved(conversation, runScript(redis, lua.readTurn, keys, [oldest(), question]))
        : known;
    if (typeof record !== "string") return undefined;
    const turn = decodeTurn(record);
    if (isFormerTurn(record)) {
      const renewed = encodeTurn(turn, presentForm);
      forms.renew(turnsKey(conversation), [{ question: turn.question, record, renewed }]);
    }
    return turn;
  }

  function exchangesIn(conversation: ConversationId, records: readonly (string | null)[]): readonly Exchange[] {
    // A Redis that evicts keys may have kept the order and lost what it orders.
    const kept = records.filter((record) => record !== null);
    const exchanges = kept.map(readExchange);
    const former = exchanges.flatMap((exchange, at) => {
      const record = kept[at] ?? "";
      const { question } = exchange;
      return isFormer(record) ? [{ question, record, renewed: presentForm.exchange(exchange) }] : [];
    });
    forms.renew(historyKey(conversation), former);
    return exchanges;
  }

  async function readConversation(
    opening: Opening | undefined,
    conversation: ConversationId,
    atMost: number,
  ): Promise<KnownConversation> {
    const known = mayMove(conversation) ? undefined : opening?.conversation(conversation, atMost, oldest());
    const [summary, exchanges, facts] = known ?? (await findConversation(conversation, atMost));
    const history = exchangesIn(conversation, exchanges.slice(0, Math.max(0, atMost)));
    return { history, summary: summary === null ? undefined : JSON.parse(summary), facts: snapshotOf(facts) };
  }

  async function findConversation(conversation: ConversationId, atMost: number): Promise<ConversationRecords> {
    const keys = [turnsKey(conversation), historyKey(conversation), historyOrderKey(conversation)];
    const first = Number.isFinite(atMost) ? -Math.max(1, atMost) : 0;
    const found = runScript(redis, lua.readConversation, keys, [oldest(), first]);
    return (await unmoved(conversation, found)) as ConversationRecords;
  }

  async function* scanHistory(conversation: ConversationId, from?: number): AsyncGenerator<Exchange, void> {
    const keys = [turnsKey(conversation), historyOrderKey(conversation)];
    const questions = (await runScript(redis, lua.readOrder, keys, [oldest()])) as string[];
    const first = from === undefined ? 0 : questions.indexOf(String(from));
    for (let at = first; at >= 0 && at < questions.length; at += scannedAtOnce) {
      const some = questions.slice(at, at + scannedAtOnce);
      yield* exchangesIn(conversation, await redis.hmget(historyKey(conversation), ...some));
    }
  }

  // === The store, and its guarded views =============================================================

  function storeUnder(lease: (Lease & Partial<RedisLease>) | undefined): StoreAtHome {
    const opening = lease?.opening;

    async function change(
      conversation: ConversationId,
      script: string,
      keys: readonly [string, ...string[]],
      args: readonly ScriptArgument[] | ((form: StoredForm) => readonly ScriptArgument[]),
    ): Promise<unknown> {
      opening?.spoil(lua.ofTurns.has(script) ? "turns" : "all");
      for (;;) {
        const { form } = forms;
        const [given, formerKey] = typeof args === "function" ? [args(form), forms.formerKey] : [args, undefined];
        try {
          const guard = {
            lease,
            movedKey: mayMove(conversation) ? movedKey(conversation) : undefined,
            formerKey: form === presentForm ? formerKey : undefined,
          };
          return await runGuarded(redis, guard, script, keys, given);
        } catch (error) {
          if (error instanceof FormerReaderError) {
            forms.foundFormer();
            continue;
          }
          if (lease === undefined || error instanceof ConversationMovedError || isRefusal(error)) throw error;
          if (error instanceof LeaseLostError) {
            // Of what has vanished nothing is left that could be changed.
            if ((await lease.look()) === "vanished") return undefined;
            continue;
          }
          // Redis is away. An answer that is being written goes on when it is back, unless its lane went to another.
          await pause(repeatMs);
          await lease.hold();
        }
      }
    }

    const write = async (...what: Parameters<typeof change>): Promise<void> => void (await change(...what));

    return {
      async readSettings(conversation) {
        const known = mayMove(conversation) ? undefined : opening?.settings(conversation);
        if (known !== undefined) return fieldsOf(known) as Settings;
        return (await unmoved(conversation, redis.hgetall(settingsKey(conversation)))) as Settings;
      },
      setSetting(conversation, field, value) {
        const keys: [string] = [settingsKey(conversation)];
        if (value === undefined) return write(conversation, "redis.call('HDEL', KEYS[1], ARGV[1])", keys, [field]);
        return write(conversation, "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])", keys, [field, value]);
      },
      readConversation: (conversation, atMost) => readConversation(opening, conversation, atMost),
      scanHistory,
      async replaceSummary(conversation, former, next) {
        const guard = { lease, movedKey: mayMove(conversation) ? movedKey(conversation) : undefined };
        const args = [oldest(), former === undefined ? "" : JSON.stringify(former), JSON.stringify(next)];
        return (await runGuarded(redis, guard, lua.replaceSummary, [turnsKey(conversation)], args)) === 1;
      },
      async moveConversation(from, to) {
        const both = [from, to].flatMap((one) => [...conversationKeys(one), settingsKey(one)]);
        const keys = [...both, movedKey(from), `${prefix}asking`, `${prefix}told:${to}`];
        await runScript(redis, lua.moveConversation, keys, [oldest(), ttlMs, from, to]);
        await moveFacts(redis, prefix, from, to);
      },
      forget: (conversation) => write(conversation, lua.forget, conversationKeys(conversation), []),
      async eraseUser(userId) {
        opening?.spoil("all");
        await eraseUser(redis, prefix, userId, async () => await lease?.hold());
      },
      readTurn: (conversation, question) => findTurn(opening, conversation, question),
      newestTurn: (conversation) => findTurn(opening, conversation, ""),
      beginTurn(turn, dropped = []) {
        const where = [oldest(), now(), ttlMs, keptPerConversation, turn.question];
        return write(turn.conversation, lua.beginTurn, conversationKeys(turn.conversation), (form) => [
          ...where,
          encodeTurn(turn, form),
          ...dropped,
        ]);
      },
      setTurnMessages(conversation, question, run, messages, file) {
        const shown = encodeShown(messages, file);
        return write(conversation, lua.setTurnMessages, [turnsKey(conversation)], [oldest(), question, run, shown]);
      },
      ...createFiles({ commands: redis, turnsKey, oldest, unmoved }, write),
      ...createFacts({ commands: redis, prefix, oldest, unmoved }, change),
      ...createSteps({ commands: redis, prefix, keeping, turnsKey, oldest, unmoved }, change),
      renewTurn: (turn) =>
        write(turn.conversation, lua.renewTurn, [turnsKey(turn.conversation)], (form) => {
          return [oldest(), turn.question, turn.run, encodeEnd(turn, form).rest];
        }),
      finishTurn(turn, exchange, calls, kept) {
        const answer = argumentsFor(kept);
        const booked = [keeping, ...answer.args, ...calls.map(settlementArgument)];
        const where = [oldest(), now(), ttlMs, keptPerConversation];
        const keys: [string, ...string[]] = [...conversationKeys(turn.conversation), prefix, answer.key];
        return write(turn.conversation, lua.finishTurn, keys, (form) => {
          const { state, rest } = encodeEnd(turn, form);
          const record = exchange === undefined ? ["", ""] : [exchange.question, form.exchange(exchange)];
          return [...where, turn.question, turn.run, state, rest, ...record, ...booked];
        });
      },
      async closeTurn(conversation, question, run) {
        if (lease?.closeAtEnd !== undefined && !mayMove(conversation))
          return lease.closeAtEnd(conversation, oldest(), question, run);
        await write(conversation, lua.closeTurn, [turnsKey(conversation)], [oldest(), question, run, "done"]);
      },
      ledger: createRedisLedger(link, ledgerDays, now, lease),
      readAnswer,
      async readDialog(key) {
        const [at, value] = await redis.hmget(dialogKey(key), "at", "value");
        return typeof value === "string" && Number(at) >= now() - dialogTtlMs ? value : undefined;
      },
      async writeDialog(key, value) {
        await runScript(redis, lua.writeDialog, [dialogKey(key)], [now(), value, dialogTtlMs]);
      },
      deleteDialog: async (key) => void (await redis.del(dialogKey(key))),
      markBlocked: async (chatId, at) => void (await redis.set(blockedKey(chatId), at, "PX", blockedTtlMs)),
      unmarkBlocked: async (chatId) => void (await redis.del(blockedKey(chatId))),
      async blockedAt(chatId) {
        const at = await redis.get(blockedKey(chatId));
        return at === null ? undefined : Number(at);
      },
      async firstWithin(key, windowMs) {
        return (await runScript(redis, lua.firstWithin, [`${prefix}first:${key}`], [now(), windowMs])) === 1;
      },
      guardedBy: (other) => (other === undefined ? store : storeUnder(other)),
      async healthy() {
        const right = lookAtKeys(redis, prefix, now()).then((wrong) => wrong === undefined);
        return await withinTime(healthyWithinMs, right, false);
      },
      // The link is ended by who made it.
      async stop() {},
    };
  }

  const store = storeUnder(undefined);
  return followingMoves(store);
}

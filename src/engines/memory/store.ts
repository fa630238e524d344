/** The store in memory, for tests: the same contract, gone with the process. */

import type { AnswerToKeep } from "../../ports/answers.ts";
import type { FactSnapshot } from "../../ports/facts.ts";
import type { FileText } from "../../ports/files.ts";
import type { Exchange, Settings, Store } from "../../ports/store.ts";
import type { Turn } from "../../ports/turns.ts";
import { keptFiles } from "../lanes/kept-files.ts";
import {
  followingMoves,
  movedExchange,
  movedSummary,
  movedTurn,
  type StoreAtHome,
} from "../lanes/moved-conversations.ts";
import {
  answered,
  dialogTtlMs,
  droppedAtOnce,
  keptPerConversation,
  renewed,
  withMessages,
  withPictures,
} from "../lanes/turn-records.ts";
import { createMemoryFacts } from "./facts.ts";
import { createMemoryLedger } from "./ledger.ts";
import { createMemorySteps } from "./steps.ts";

export interface MemoryStoreOptions {
  /** A conversation in which nothing was asked for this long is forgotten. */
  readonly historyTtlSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

interface Conversation {
  activeAt: number;
  /** By question; a Map keeps a replaced entry in its place. */
  readonly exchanges: Map<number, Exchange>;
  readonly turns: Map<number, Turn>;
  /** The oldest first. */
  readonly files: Map<string, FileText>;
  /** As it is stored elsewhere: it is compared as a whole. */
  summary?: string | undefined;
  facts?: FactSnapshot | undefined;
}

/** Creates an empty store. */
export function createMemoryStore({ historyTtlSeconds, now = Date.now }: MemoryStoreOptions): Store {
  const ttlMs = historyTtlSeconds * 1000;
  const settings = new Map<string, Settings>();
  const conversations = new Map<string, Conversation>();
  const ledger = createMemoryLedger(now);
  const dialogs = new Map<string, { value: string; at: number }>();
  const blocked = new Map<number, number>();
  const answers = new Map<string, AnswerToKeep & { readonly until: number }>();
  const firsts = new Map<string, number>();

  function find(id: string): Conversation | undefined {
    const conversation = conversations.get(id);
    return conversation === undefined || conversation.activeAt < now() - ttlMs ? undefined : conversation;
  }

  function change(id: string, question: number, run: number, next: (turn: Turn) => Turn): boolean {
    const conversation = find(id);
    const turn = conversation?.turns.get(question);
    if (conversation === undefined || turn?.run !== run) return false;
    conversation.turns.set(question, structuredClone(next(turn)));
    return true;
  }

  function put<T>(map: Map<number, T>, key: number, value: T): void {
    map.set(key, structuredClone(value));
    if (map.size < keptPerConversation + droppedAtOnce) return;
    for (const oldest of [...map.keys()].slice(0, droppedAtOnce)) map.delete(oldest);
  }

  const steps = createMemorySteps({
    find: (id, question) => find(id)?.turns.get(question),
    change,
    write: (rows) => ledger.write(rows),
  });

  const {
    erase: eraseFacts,
    moved: moveFacts,
    ...facts
  } = createMemoryFacts({
    keep(id, snapshot) {
      const conversation = find(id);
      if (conversation !== undefined) conversation.facts = structuredClone(snapshot);
    },
    forget(isMeant) {
      for (const [id, conversation] of conversations) if (isMeant(id)) conversation.facts = undefined;
    },
  });

  const store: StoreAtHome = {
    ...steps,
    ...facts,
    ledger,
    async readSettings(conversation) {
      return { ...settings.get(conversation) };
    },
    async setSetting(conversation, field, value) {
      const { [field]: _former, ...others } = settings.get(conversation) ?? {};
      settings.set(conversation, value === undefined ? others : { ...others, [field]: value });
    },
    async readConversation(id, atMost) {
      const conversation = find(id);
      const exchanges = [...(conversation?.exchanges.values() ?? [])];
      return {
        history: exchanges.slice(Math.max(0, exchanges.length - atMost)).map((exchange) => ({ ...exchange })),
        summary: conversation?.summary === undefined ? undefined : JSON.parse(conversation.summary),
        facts: structuredClone(conversation?.facts),
      };
    },
    async *scanHistory(conversation, from) {
      const exchanges = structuredClone([...(find(conversation)?.exchanges.values() ?? [])]);
      const first = from === undefined ? 0 : exchanges.findIndex(({ question }) => question === from);
      if (first >= 0) yield* exchanges.slice(first);
    },
    async moveConversation(from, to) {
      settings.set(to, { ...settings.get(from), ...settings.get(to) });
      settings.delete(from);
      steps.moved(from, to);
      moveFacts(from, to);
      const [former, present] = [find(from), find(to)];
      conversations.delete(from);
      if (former === undefined) return;
      const exchanges = [...former.exchanges.values()].map(movedExchange);
      const turns = [...former.turns.values()].map((turn) => movedTurn(turn, to));
      conversations.set(to, {
        activeAt: Math.max(former.activeAt, present?.activeAt ?? 0),
        exchanges: byQuestion([...exchanges, ...(present?.exchanges.values() ?? [])]),
        files: new Map([...former.files, ...(present?.files ?? [])]),
        turns: byQuestion([...turns, ...(present?.turns.values() ?? [])]),
        summary: present?.summary ?? (former.summary && JSON.stringify(movedSummary(JSON.parse(former.summary)))),
        facts: present?.facts ?? former.facts,
      });
    },
    async replaceSummary(id, former, next) {
      const conversation = find(id);
      if (conversation === undefined || conversation.summary !== JSON.stringify(former)) return false;
      conversation.summary = JSON.stringify(next);
      return true;
    },
    async forget(conversation) {
      conversations.delete(conversation);
      steps.forget((id) => id === conversation);
    },
    async eraseUser(userId) {
      const isOwn = (conversation: string) => `${conversation}:`.startsWith(`${userId}:`);
      for (const map of [settings, conversations]) for (const id of map.keys()) if (isOwn(id)) map.delete(id);
      steps.forget(isOwn);
      eraseFacts(userId);
      for (const key of dialogs.keys()) {
        const [conversation = "", sender] = key.split("/");
        if (isOwn(conversation) || sender === String(userId)) dialogs.delete(key);
      }
      for (const key of firsts.keys()) if (isOwn(key.slice(key.indexOf(":") + 1))) firsts.delete(key);
      for (const [slot, { owner }] of answers) if (owner === String(userId)) answers.delete(slot);
      blocked.delete(userId);
    },
    async readTurn(conversation, question) {
      return structuredClone(find(conversation)?.turns.get(question));
    },
    async newestTurn(conversation) {
      return structuredClone([...(find(conversation)?.turns.values() ?? [])].at(-1));
    },
    async beginTurn(turn, dropped = []) {
      const conversation = find(turn.conversation) ?? {
        ...{ activeAt: 0, exchanges: new Map(), turns: new Map(), files: new Map() },
      };
      conversation.activeAt = now();
      conversations.set(turn.conversation, conversation);
      put(conversation.turns, turn.question, turn);
      steps.began(turn);
      for (const question of dropped) conversation.turns.delete(question);
      steps.dropped(turn.conversation, (question) => !conversation.turns.has(question));
    },
    async setTurnMessages(conversation, question, run, messages, file) {
      change(conversation, question, run, (turn) => withMessages(turn, messages, file));
    },
    async setTurnPictures(conversation, question, run, pictures) {
      change(conversation, question, run, (turn) => withPictures(turn, pictures));
    },
    async keepFile({ conversation, question, run }, uniqueId, file) {
      if (!change(conversation, question, run, (turn) => turn)) return;
      const files = find(conversation)?.files;
      files?.delete(uniqueId);
      files?.set(uniqueId, structuredClone(file));
      for (const oldest of [...(files?.keys() ?? [])].slice(0, -keptFiles)) files?.delete(oldest);
    },
    async readFile(conversation, uniqueId) {
      return structuredClone(find(conversation)?.files.get(uniqueId));
    },
    async renewTurn(turn) {
      change(turn.conversation, turn.question, turn.run, (stored) => renewed(turn, stored));
    },
    async finishTurn(turn, exchange, entries, kept) {
      ledger.write(entries);
      if (!change(turn.conversation, turn.question, turn.run, (stored) => answered(turn, stored))) return;
      steps.ended(turn);
      const conversation = find(turn.conversation);
      if (conversation === undefined) return;
      conversation.activeAt = now();
      if (exchange !== undefined) put(conversation.exchanges, exchange.question, exchange);
      if (kept !== undefined) answers.set(`${kept.owner}:${kept.key}`, { ...kept, until: now() + kept.keepMs });
    },
    async closeTurn(conversation, question, run) {
      change(conversation, question, run, (turn) => ({ ...turn, state: "done" }));
    },
    async readAnswer({ owner, key }) {
      const known = answers.get(`${owner}:${key}`);
      return known === undefined || known.until <= now() ? undefined : { text: known.text, model: known.model };
    },
    async readDialog(key) {
      const dialog = dialogs.get(key);
      return dialog === undefined || dialog.at < now() - dialogTtlMs ? undefined : dialog.value;
    },
    async writeDialog(key, value) {
      dialogs.set(key, { value, at: now() });
    },
    async deleteDialog(key) {
      dialogs.delete(key);
    },
    async markBlocked(chatId, at) {
      blocked.set(chatId, at);
    },
    async unmarkBlocked(chatId) {
      blocked.delete(chatId);
    },
    async blockedAt(chatId) {
      return blocked.get(chatId);
    },
    async firstWithin(key, windowMs) {
      const leftMs = (firsts.get(key) ?? 0) - now();
      if (leftMs > 0 && leftMs <= windowMs) return false;
      firsts.set(key, now() + windowMs);
      return true;
    },
    // No other process writes here.
    guardedBy: () => store,
    async healthy() {
      return true;
    },
    async stop() {},
  };
  return followingMoves(store);
}

function byQuestion<T extends { readonly question: number }>(list: readonly T[]): Map<number, T> {
  return new Map(list.map((one) => [one.question, one]));
}

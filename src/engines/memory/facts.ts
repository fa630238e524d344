/** The facts of the store in memory. */
import { type FactSnapshot, type FactStore, ownerOf } from "../../ports/facts.ts";
import type { ConversationId } from "../../ports/updates.ts";
import {
  type FactChange,
  type FactRecord,
  factAdded,
  factRemoved,
  factsCleared,
  factsMoved,
  factUndone,
  noFacts,
} from "../lanes/facts.ts";

export interface MemoryFacts extends FactStore {
  erase(owner: number): void;
  moved(from: ConversationId, to: ConversationId): void;
}

export interface MemoryFactsDeps {
  /** Keeps what a conversation is told, if it is known. */
  keep(conversation: ConversationId, snapshot: FactSnapshot): void;
  /** Forgets what each of them is told. */
  forget(isMeant: (conversation: ConversationId) => boolean): void;
}

/** Creates it, empty. */
export function createMemoryFacts({ keep, forget }: MemoryFactsDeps): MemoryFacts {
  const records = new Map<string, FactRecord>();
  const recordOf = (owner: number | string) => records.get(String(owner)) ?? noFacts;

  function changed<T>(owner: number, { record, result }: FactChange<T>): T {
    if (record !== undefined) records.set(String(owner), record);
    return structuredClone(result);
  }

  return {
    async readFacts(owner) {
      return structuredClone(recordOf(owner).facts);
    },
    async addFact(owner, fact, how) {
      return changed(owner, factAdded(recordOf(owner), fact, how));
    },
    async undoFact(owner, number, text) {
      return changed(owner, factUndone(recordOf(owner), number, text));
    },
    async removeFact(owner, number) {
      return changed(owner, factRemoved(recordOf(owner), number));
    },
    async clearFacts(owner) {
      records.set(String(owner), factsCleared(recordOf(owner)));
      forget((conversation) => ownerOf(conversation) === owner);
    },
    async keepFacts(conversation) {
      const snapshot = { facts: structuredClone(recordOf(ownerOf(conversation)).facts) };
      keep(conversation, snapshot);
      return snapshot;
    },
    erase: (owner) => void records.delete(String(owner)),
    moved(from, to) {
      const former = records.get(from);
      if (former !== undefined) records.set(to, factsMoved(former, recordOf(to)));
      records.delete(from);
    },
  };
}

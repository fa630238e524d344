/** How the facts of an owner change: the same in every store. Pure. */
import type { AddedFact, Fact, HowToAdd } from "../../ports/facts.ts";

/** What is kept of one owner. It outlives its facts: numbers and keys are not used again. */
export interface FactRecord {
  /** By their numbers. */
  readonly facts: readonly Fact[];
  /** The highest number that was given. */
  readonly last: number;
  /** The newest keys, with what was added under them. */
  readonly keys: readonly (readonly [key: string, number: number])[];
}

/** What a change leaves, and what it resolves with. */
export interface FactChange<T> {
  /** Undefined: nothing has changed. */
  readonly record?: FactRecord;
  readonly result: T;
}

const keptKeys = 100;

/** Of somebody for whom nothing was ever kept. */
export const noFacts: FactRecord = { facts: [], last: 0, keys: [] };

/** As `FactStore.addFact`. */
export function factAdded(
  { facts, last, keys }: FactRecord,
  { text, at }: Omit<Fact, "number">,
  { key, atMost, replaces }: HowToAdd,
): FactChange<AddedFact | undefined> {
  const known = keys.find(([one]) => one === key)?.[1];
  // The same call once more: it tells what it told before, whatever became of the fact.
  if (known !== undefined) return { result: { number: known, text, at } };
  const kept = (number: number) => [...keys, [key, number] as const].slice(-keptKeys);
  const replaced = facts.find(({ number }) => number === replaces);
  const same = facts.find((fact) => fact.text.toLowerCase() === text.toLowerCase());
  // Two that say the same would be told twice.
  if (same !== undefined) return { record: { facts, last, keys: kept(same.number) }, result: { ...same, known: true } };
  if (replaced === undefined && facts.length >= atMost) return { result: undefined };
  const former = replaced === undefined ? {} : { former: replaced.text };
  const fact = { number: replaced?.number ?? last + 1, text, at, ...former };
  return {
    record: {
      facts: replaced === undefined ? [...facts, fact] : facts.map((one) => (one === replaced ? fact : one)),
      last: Math.max(last, fact.number),
      keys: kept(fact.number),
    },
    result: fact,
  };
}

/** As `FactStore.undoFact`. */
export function factUndone(record: FactRecord, number: number, text: string): FactChange<boolean> {
  const fact = record.facts.find((one) => one.number === number && one.text === text);
  if (fact === undefined) return { result: false };
  const { former, at } = fact;
  if (former === undefined) return factRemoved(record, number);
  const facts = record.facts.map((one) => (one === fact ? { number, text: former, at } : one));
  return { record: { ...record, facts }, result: true };
}

/** As `FactStore.removeFact`. */
export function factRemoved(record: FactRecord, number: number): FactChange<boolean> {
  const facts = record.facts.filter((fact) => fact.number !== number);
  if (facts.length === record.facts.length) return { result: false };
  return { record: { ...record, facts }, result: true };
}

/** What is left once all facts are forgotten. */
export function factsCleared(record: FactRecord): FactRecord {
  return { ...record, facts: [] };
}

/** A group's facts behind those that its supergroup has already: theirs keep their numbers. */
export function factsMoved(former: FactRecord, present: FactRecord): FactRecord {
  const moved = (number: number) => number + present.last;
  return {
    facts: [...present.facts, ...former.facts.map((fact) => ({ ...fact, number: moved(fact.number) }))],
    last: moved(former.last),
    keys: [...former.keys.map(([key, number]) => [key, moved(number)] as const), ...present.keys].slice(-keptKeys),
  };
}

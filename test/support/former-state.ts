/**
 * State as the version before left it, the last one whose stored forms had no number: commit ceba0df. The chat ran over its own
 * stores, with a scripted model, so that turns ended in every way there is; then its queue, whose process was killed in the
 * middle of update 903.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RedisLink } from "../../src/engines/redis/link.ts";
import { textParts } from "../../src/ports/content.ts";
import { saying } from "./note-words.ts";

/** The time on that version's clock when it was killed. Milliseconds since the epoch. */
export const formerNow = 1_790_000_200_000;

const fixture = (name: string) => readFileSync(new URL(`../fixtures/stored-form-1/${name}`, import.meta.url), "utf8");

/** Builds the file of the embedded engine. */
export function writeFormerDatabase(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  database.exec(fixture("database.sql"));
  database.close();
}

/** Puts the records into Redis, below the prefix of the link. */
export async function writeFormerRecords({ commands, prefix }: Pick<RedisLink, "commands" | "prefix">): Promise<void> {
  for (const [command, key, ...values] of JSON.parse(fixture("redis.json")) as string[][]) {
    await commands.call(command ?? "", prefix + key, ...values.map(String));
  }
}

/** What that version had stored in each conversation. `asked` was a text. */
export interface FormerConversation {
  readonly turns: readonly FormerRecord[];
  readonly exchanges: readonly FormerRecord[];
}
export type FormerRecord = Readonly<Record<string, unknown>> & {
  readonly question: number;
  readonly asked: string;
  readonly note?: string;
  readonly notes?: readonly string[];
};

/** How this version is to read it. */
export function asPresent({ asked, note, notes, ...rest }: FormerRecord): object {
  const said = note === undefined ? {} : { notes: note.split("\n").map(saying) };
  return {
    ...rest,
    asked: textParts(asked),
    ...said,
    ...(notes === undefined ? {} : { questionNotes: notes.map(saying) }),
  };
}

/** The same as `decodeTurn` of that version. */
export function formerDecodeTurn(record: string): FormerRecord {
  const [run, state, shown = "{}", rest = "{}"] = record.split("\n");
  return { ...JSON.parse(rest), ...JSON.parse(shown), run: Number(run), state };
}

/** The same as its `encodeTurn`. */
export function formerEncodeTurn({ run, state, messages, file, ...rest }: FormerRecord): string {
  return [run, state, JSON.stringify({ messages, file }), JSON.stringify(rest)].join("\n");
}

/** What its embedded store would read from this file. */
export function readFormerDatabase(path: string): Map<string, FormerConversation> {
  const database = new DatabaseSync(path);
  const all = (sql: string, conversation: unknown) => database.prepare(sql).all(String(conversation));
  const ids = database.prepare("SELECT conversation FROM conversation").all();
  const found = ids.map(({ conversation }) => {
    const turns = all("SELECT record FROM turn WHERE conversation = ? ORDER BY place", conversation);
    const columns = "question, asked, answered, tokens, at, model, since";
    const exchanges = all(`SELECT ${columns} FROM exchange WHERE conversation = ? ORDER BY place`, conversation);
    const kept = exchanges.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)));
    const state = { turns: turns.map(({ record }) => JSON.parse(String(record))), exchanges: kept as FormerRecord[] };
    return [String(conversation), state] as const;
  });
  database.close();
  return new Map(found);
}

/** What its store in Redis would read. */
export async function readFormerRecords(
  link: Pick<RedisLink, "commands" | "prefix">,
): Promise<Map<string, FormerConversation>> {
  const { commands: redis, prefix } = link;
  const found = new Map<string, FormerConversation>();
  for (const key of await redis.keys(`${prefix}turns:*`)) {
    const conversation = key.slice(`${prefix}turns:`.length);
    const read = async (records: string, order: string): Promise<string[]> => {
      const ids = await redis.lrange(`${prefix}${order}:${conversation}`, 0, -1);
      const all = ids.length === 0 ? [] : await redis.hmget(`${prefix}${records}:${conversation}`, ...ids);
      return all.map(String);
    };
    found.set(conversation, {
      turns: (await read("turns", "turn-order")).map(formerDecodeTurn),
      exchanges: (await read("history", "history-order")).map((record) => JSON.parse(record)),
    });
  }
  return found;
}

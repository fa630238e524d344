/**
 * State as versions before left it. Form 1: the last one whose stored forms had no number, commit ceba0df. The chat ran over its
 * own stores, with a scripted model, so that turns ended in every way there is; then its queue, whose process was killed in the
 * middle of update 903. Form 2: what commit 2b2368f made of that, with a conversation of its own, 12, whose notes are data.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RedisLink } from "../../src/engines/redis/link.ts";
import { type Content, textParts } from "../../src/ports/content.ts";
import type { Note } from "../../src/ports/notes.ts";
import { saying } from "./note-words.ts";

/** The time on that version's clock when it was killed. Milliseconds since the epoch. */
export const formerNow = 1_790_000_200_000;

export const formerForms = [1, 2] as const;
export type FormerForm = (typeof formerForms)[number];

function fixture(form: FormerForm, name: string): string {
  return readFileSync(new URL(`../fixtures/stored-form-${form}/${name}`, import.meta.url), "utf8");
}

/** Builds the file of the embedded engine. */
export function writeFormerDatabase(path: string, form: FormerForm = 2): void {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  database.exec(fixture(form, "database.sql"));
  database.close();
}

/** Puts the records into Redis, below the prefix of the link. */
export async function writeFormerRecords(
  { commands, prefix }: Pick<RedisLink, "commands" | "prefix">,
  form: FormerForm = 2,
): Promise<void> {
  for (const [command, key, ...values] of JSON.parse(fixture(form, "redis.json")) as string[][]) {
    await commands.call(command ?? "", prefix + key, ...values.map(String));
  }
}

/** What that version had stored in each conversation. In form 1 `asked` was a text, and notes were lines. */
export interface FormerConversation {
  readonly turns: readonly FormerRecord[];
  readonly exchanges: readonly FormerRecord[];
}
export type FormerRecord = Readonly<Record<string, unknown>> & {
  readonly question: number;
  readonly form?: number;
  readonly asked: string | Content;
  readonly note?: string;
  readonly notes?: readonly (string | Note)[];
};

/** How this version is to read it. */
export function asPresent({ form = 1, ...record }: FormerRecord): object {
  if (form > 1) return record;
  const { asked, note, notes = [], ...rest } = record;
  const said = note === undefined ? {} : { notes: note.split("\n").map(saying) };
  return {
    ...rest,
    asked: textParts(String(asked)),
    ...said,
    ...(record.notes === undefined ? {} : { questionNotes: notes.map((words) => saying(String(words))) }),
  };
}

/** The same as `decodeTurn` of that version. */
export function formerDecodeTurn(record: string): FormerRecord {
  const [run, state, shown = "{}", rest = "{}"] = record.split("\n");
  return { ...JSON.parse(rest), ...JSON.parse(shown), run: Number(run), state };
}

/** The same as the `encodeTurn` of form 2. */
export function formerEncodeTurn({ run, state, messages, file, ...rest }: FormerRecord): string {
  return [run, state, JSON.stringify({ messages, file }), JSON.stringify({ form: 2, ...rest })].join("\n");
}

/** What its embedded store would read from this file. */
export function readFormerDatabase(path: string): Map<string, FormerConversation> {
  const database = new DatabaseSync(path);
  const all = (sql: string, conversation: unknown) => database.prepare(sql).all(String(conversation));
  const ids = database.prepare("SELECT conversation FROM conversation").all();
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  const found = ids.map(({ conversation }) => {
    const turns = all("SELECT record FROM turn WHERE conversation = ? ORDER BY place", conversation);
    const columns = "question, asked, answered, tokens, at, model, since";
    const exchanges = all(`SELECT ${columns} FROM exchange WHERE conversation = ? ORDER BY place`, conversation);
    const kept = exchanges.map((row) => {
      const set = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
      return version === 1 ? set : { form: version, ...set, asked: JSON.parse(String(row["asked"])) };
    });
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

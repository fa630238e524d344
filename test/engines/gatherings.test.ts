/** The rules of what belongs together stand twice, in `groups.ts` and in the scripts of Redis: whatever comes, both do the same. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { createSqliteDatabase } from "../../src/engines/embedded/database.ts";
import { createSqliteQueue } from "../../src/engines/embedded/queue.ts";
import type { Gathering } from "../../src/engines/lanes/groups.ts";
import { createRedisLink, type RedisLink } from "../../src/engines/redis/link.ts";
import { createRedisQueue } from "../../src/engines/redis/queue.ts";
import type { UpdateQueue } from "../../src/ports/queue.ts";
import type { IncomingUpdate, Piece } from "../../src/ports/updates.ts";
import { createProbe, idle, question, update } from "../contracts/queue-probe.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
/** A multiple of all times of the rules, for the sake of readable differences. */
const start = 1_800_000_000_000;
const kinds = ["plain", "reply", "picture", "spoken", "paste", "forward", "album", "aside", "edit", "stop"] as const;

/** One message, or several of a kind that come at once. */
interface Arrival {
  readonly kind: (typeof kinds)[number];
  readonly sender: 1 | 2;
  readonly album: 1 | 2;
  readonly units: number;
  readonly afterMs: number;
  /** By the clock of whoever has received it. */
  readonly behindMs: number;
  readonly times: number;
  /** Which of the messages before it is edited. */
  readonly of: number;
}

const arrivals = fc.array(
  fc.record<Arrival>({
    kind: fc.constantFrom(...kinds),
    sender: fc.constantFrom(1, 1, 2),
    album: fc.constantFrom(1, 1, 2),
    units: fc.constantFrom(5, 4_000, 25_000),
    afterMs: fc.constantFrom(0, 1, 10, 699, 700, 701, 1_000, 1_500, 1_501, 5_000, 10_000, 10_001, 60_000),
    behindMs: fc.constantFrom(0, 0, 0, 400),
    times: fc.constantFrom(1, 1, 1, 2, 9),
    of: fc.nat(100),
  }),
  { minLength: 2, maxLength: 14 },
);

/** An edit takes the place of a question behind which its sender had asked something that was dropped, and then asks again. */
const editedBehindDropped = (["forward", "plain", "stop", "edit", "plain", "plain"] as const).map(
  (kind): Arrival => ({ kind, sender: 1, album: 1, units: 5, afterMs: 0, behindMs: 0, times: 1, of: 0 }),
);

/** What the message of a kind tells of itself, as `telegram/pieces.ts` has it. */
function pieceOf({ kind, sender, album, units }: Arrival, message: number): Piece {
  const own = { message, sender, units };
  if (kind === "plain") return { ...own, plain: true, follows: "paste" };
  if (kind === "reply") return { ...own, plain: true };
  if (kind === "picture") return { ...own, follows: "plain" };
  if (kind === "paste") return { ...own, group: `paste:${sender}` };
  if (kind === "forward") return { ...own, group: `forward:${sender}`, follows: "plain" };
  if (kind === "album" || kind === "aside") {
    const part: Piece = { ...own, group: `album:${sender}${album}`, follows: "plain" };
    return kind === "aside" ? { ...part, aside: true } : part;
  }
  return own;
}

/** The updates of a sequence, in a conversation that nothing else is in. */
function updatesOf(sequence: readonly Arrival[], conversation: string, firstId: number, begun: boolean) {
  const messages: Piece[] = [];
  const updates: IncomingUpdate[] = [];
  let at = start;
  function add(of: (updateId: number) => Partial<IncomingUpdate>, behindMs = 0): void {
    const updateId = firstId + updates.length;
    updates.push({ ...question(updateId, { conversation, receivedAt: at - behindMs }), ...of(updateId) });
  }
  // It runs all the time: a question that takes parts while it runs, or one that never does.
  add((id) => ({ piece: begun ? { message: 1000 + id, sender: 1, units: 5, plain: true } : undefined }));
  for (const arrival of sequence) {
    at += arrival.afterMs;
    const edited = messages[arrival.of % Math.max(1, messages.length)];
    for (let time = 0; time < arrival.times; time++)
      add((id) => {
        if (arrival.kind === "stop") return { question: undefined, lane: "quick", interrupt: { kind: "stop" } };
        if (arrival.kind === "edit" && edited !== undefined) {
          const { message, sender } = edited;
          const piece = { message, sender, units: arrival.units };
          return { question: message, interrupt: { kind: "edit", question: message }, piece };
        }
        const piece = pieceOf(arrival, 1000 + id);
        messages.push(piece);
        return { piece };
      }, arrival.behindMs);
  }
  return updates;
}

/** What is stored of an update that is not over. */
interface Stored {
  readonly id: number;
  readonly question: number | undefined;
  readonly cancelled: string | undefined;
  readonly waitMs: number;
  readonly gathering: Gathering | undefined;
  readonly parts: readonly { readonly message: number; readonly id: number; readonly number: number }[];
}

interface Engine {
  readonly queue: UpdateQueue;
  /** Of the turn lane, in its order. */
  stored(conversation: string): Promise<readonly Stored[]>;
  close(): Promise<void>;
}

/** The parts that come out of an album that was kept are numbered in any order: all of them are there from the beginning. */
function inOrder(parts: Stored["parts"]): Stored["parts"] {
  return parts.toSorted((a, b) => a.message - b.message);
}

function openEmbedded(folder: string, options: { readonly now: () => number; readonly quietMs?: number }): Engine {
  const database = createSqliteDatabase(join(folder, "parley.db"));
  const queue = createSqliteQueue({ database, ...options });
  return {
    queue,
    async stored(conversation) {
      const rows = database
        .statement(
          "SELECT * FROM queued_update WHERE state = 'open' AND lane = 'turn' AND conversation = ? ORDER BY position",
        )
        .all(conversation);
      return rows.map((row) => ({
        id: Number(row["update_id"]),
        question: row["question"] === null ? undefined : Number(row["question"]),
        cancelled: row["cancelled"] === null ? undefined : String(row["cancelled"]),
        waitMs: row["due_at"] === 0 ? 0 : Number(row["backoff_ms"]),
        gathering: row["gathering"] === null ? undefined : JSON.parse(String(row["gathering"])),
        parts: inOrder(
          database
            .statement("SELECT message, update_id AS id, number FROM update_part WHERE leader = ?")
            .all(Number(row["update_id"]))
            .map(({ message, id, number }) => ({ message: Number(message), id: Number(id), number: Number(number) })),
        ),
      }));
    },
    async close() {
      await queue.stop();
      await database.close();
    },
  };
}

function gatheringIn(fields: Readonly<Record<string, string>>): Gathering | undefined {
  if (fields["message"] === undefined) return undefined;
  const number = (name: string) => Number(fields[name]);
  const group = fields["group"] ?? "";
  return {
    sender: number("sender"),
    message: number("message"),
    ...(group === "" ? {} : { group }),
    plain: (fields["plain"] ?? "") !== "",
    firstAt: number("first"),
    lastAt: number("last"),
    units: number("units"),
    count: number("count"),
    closed: (fields["closed"] ?? "") !== "",
  };
}

function openRedis(link: RedisLink, options: { readonly now: () => number; readonly quietMs?: number }): Engine {
  const queue = createRedisQueue({ link, ...options });
  const { commands, prefix } = link;
  return {
    queue,
    async stored(conversation) {
      const ids = await commands.lrange(`${prefix}lane:turn:${conversation}`, 0, -1);
      return await Promise.all(
        ids.map(async (id) => {
          const fields: Readonly<Record<string, string | undefined>> = await commands.hgetall(`${prefix}update:${id}`);
          const known = fields as Readonly<Record<string, string>>;
          const parts = Object.entries(known).flatMap(([name, value]) => {
            const [count, other] = value.split("\n");
            if (!name.startsWith("part:")) return [];
            return [{ message: Number(name.slice("part:".length)), id: Number(other), number: Number(count) }];
          });
          return {
            id: Number(id),
            question: fields["question"] === undefined ? undefined : Number(fields["question"]),
            cancelled: fields["cancelled"],
            waitMs: (fields["due"] ?? "0") === "0" ? 0 : Number(fields["backoff"]),
            gathering: gatheringIn(known),
            parts: inOrder(parts),
          };
        }),
      );
    },
    async close() {
      await queue.stop();
      await link.stop();
    },
  };
}

describe.skipIf(redis.missing !== undefined)(redis.title("what belongs together"), { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-gatherings-"));
  const prefixes: string[] = [];
  const engines: Engine[] = [];
  let conversations = 0;
  let firstId = 1;
  let now = start;
  afterAll(async () => {
    for (const engine of engines) await engine.close();
    for (const prefix of prefixes) await deleteKeys(redis.url, prefix);
    rmSync(folder, { recursive: true });
  });

  /** Both engines, each with a worker in whose hands the first update of a sequence stays until it is let go. */
  async function openBoth(quietMs?: number) {
    const prefix = newPrefix();
    prefixes.push(prefix);
    const options = { now: () => now, ...(quietMs === undefined ? {} : { quietMs }) };
    const silent = { info: () => undefined, warn: () => undefined };
    const link = await createRedisLink({ url: redis.url, prefix, log: silent });
    const both = [openEmbedded(join(folder, String(prefixes.length)), options), openRedis(link, options)];
    engines.push(...both);
    return both.map((engine) => {
      const probe = createProbe();
      probe.consume(engine.queue);
      return { ...engine, probe };
    });
  }

  /** Has both take a sequence while its first update runs; `letGo` lets that end. */
  async function arrive(
    both: Awaited<ReturnType<typeof openBoth>>,
    [sequence, begun]: readonly [sequence: readonly Arrival[], begun: boolean],
    look: (conversation: string) => Promise<void>,
  ) {
    const conversation = String(++conversations);
    const [head, ...others] = updatesOf(sequence, conversation, firstId, begun);
    if (head === undefined) throw new Error("there is always a first one");
    firstId += others.length + 1;
    now = start;
    await Promise.all(
      both.map(async ({ queue, probe }) => {
        probe.holdDeaf(head.updateId);
        await queue.enqueue(head);
        await probe.running(head.updateId);
      }),
    );
    const letGo = () => {
      for (const { probe } of both) probe.letGo(head.updateId);
    };
    for (const one of others) {
      now = one.receivedAt;
      const results = await Promise.all(both.map(({ queue }) => queue.enqueue(one)));
      try {
        expect(results[1]).toBe(results[0]);
        await look(conversation);
      } catch (error) {
        letGo();
        throw error;
      }
    }
    return {
      conversation,
      letGo,
      async dropped() {
        const last = update(firstId++, { conversation, lane: "quick", interrupt: { kind: "new" } });
        await Promise.all(both.map(({ queue }) => queue.enqueue(last)));
      },
    };
  }

  it("is stored in the same way by both engines, message by message", async () => {
    const both = await openBoth();
    const property = fc.asyncProperty(fc.tuple(arrivals, fc.boolean()), async (given) => {
      const { letGo, dropped } = await arrive(both, given, async (conversation) => {
        const [embedded, inRedis] = await Promise.all(both.map((engine) => engine.stored(conversation)));
        expect(inRedis).toEqual(embedded);
      });
      await dropped();
      letGo();
    });
    await fc.assert(property, { numRuns: 60, endOnFailure: true, examples: [[[editedBehindDropped, true]]] });
  });

  it("is handed out in the same way by both engines", async () => {
    const both = await openBoth(20);
    const property = fc.asyncProperty(fc.tuple(arrivals, fc.boolean()), async (given) => {
      const { conversation, letGo } = await arrive(both, given, async () => undefined);
      letGo();
      const handed = await Promise.all(
        both.map(async ({ queue, probe }) => {
          await idle(queue);
          const own = probe.deliveries.filter((one) => one.conversation === conversation && one.lane === "turn");
          return own.map((one) => one.parts?.map(({ updateId }) => updateId) ?? [one.updateId]);
        }),
      );
      expect(handed[1]).toEqual(handed[0]);
    });
    await fc.assert(property, { numRuns: 40, endOnFailure: true });
  });
});

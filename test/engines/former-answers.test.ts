/** Answers that the version before has stored and not yet shown, over both engines: they come as it would have shown them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createSqliteDatabase } from "../../src/engines/embedded/database.ts";
import { createSqliteStore } from "../../src/engines/embedded/store.ts";
import { createRedisStore } from "../../src/engines/redis/store.ts";
import { textOf } from "../../src/ports/content.ts";
import type { Store } from "../../src/ports/store.ts";
import { formerNow, writeFormerDatabase, writeFormerRecords } from "../support/former-state.ts";
import { inEnglish } from "../support/note-words.ts";
import { findRedis } from "../support/redis-server.ts";
import { openLink } from "../support/redis-state.ts";
import { createTurnScene, delta, end } from "../support/turn-scene.ts";

const redis = await findRedis();
const root = mkdtempSync(join(tmpdir(), "parley-former-answers-"));
afterAll(() => rmSync(root, { recursive: true }));
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Some seconds after that version was killed. */
const clock = { historyTtlSeconds: 10_000_000, now: () => formerNow };

async function openDatabase(): Promise<Store> {
  const path = join(root, "parley.db");
  rmSync(path, { force: true });
  writeFormerDatabase(path);
  const database = createSqliteDatabase(path);
  const store = createSqliteStore({ database, ...clock });
  closing.push(() => store.stop().then(() => database.close()));
  return store;
}

async function openRedis(): Promise<Store> {
  const { link, close } = await openLink(redis.url);
  closing.push(close);
  await writeFormerRecords(link);
  return createRedisStore({ link, noteWords: inEnglish, ...clock });
}

describe.each([
  ["the database of", openDatabase, false],
  [redis.title("the Redis of"), openRedis, redis.missing !== undefined],
] as const)("%s the version before", (_where, open, missing) => {
  const scene = createTurnScene();

  it.skipIf(missing)("holds an answer that is shown with its words, and only once", async () => {
    scene.store = await open();
    const question = { conversation: "8", id: 1, root: 1, run: 100_001 };
    expect(await scene.ask(question)).toBe("complete");
    const shown = { markdown: "Stored, not shown.", note: "Answered by b/two", button: "regenerate" };
    expect(scene.views).toEqual([shown]);
    expect(scene.requests).toEqual([]);
    await scene.ask(question);
    expect(scene.views).toEqual([shown]);
  });

  it.skipIf(missing)("holds a question whose answer is written anew, with the words about it", async () => {
    scene.store = await open();
    const killed = await scene.store.newestTurn("9");
    if (killed === undefined) throw new Error("the turn is lost");
    const { question, root, run, asked, questionNotes } = killed;
    scene.script = [delta("Anew."), end()];
    await scene.ask({ conversation: "9", id: question, root, run, asked: textOf(asked), questionNotes });
    expect(scene.views).toMatchObject([
      { markdown: "Anew.", note: "🙈 I can't hear voice messages yet: I have answered the words alone." },
    ]);
  });

  it.skipIf(missing)("holds what a finished answer shows, for the run that writes it anew", async () => {
    scene.store = await open();
    scene.script = [delta("Anew."), end()];
    await scene.ask({ conversation: "7", id: 5, root: 5, run: 200_000 });
    expect(scene.opened[0]?.former?.notes).toEqual([
      { kind: "former", words: "⚠️ The model is overloaded right now. Please try again in 30 seconds." },
    ]);
  });
});

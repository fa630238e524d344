/**
 * A process that feeds the embedded queue as Telegram would and handles what comes out, made to be killed. Arguments: data
 * folder, log file, number of updates, number of lanes. Every event is a line of the log, which outlives the process:
 * `ready`, `ack <id> <result>`, `start <id>`, `end <id>`, `complete`.
 */
import { openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createSqliteDatabase } from "../../../src/engines/embedded/database.ts";
import { createSqliteQueue } from "../../../src/engines/embedded/queue.ts";

const [folder = "", logPath = "", totalText = "", lanesText = ""] = process.argv.slice(2);
const [total, lanes] = [Number(totalText), Number(lanesText)];
const batch = 20;
/** Updates that were acknowledged and are delivered again all the same. */
const redelivered = 7;
/** Events between two signs of life to the test. */
const eventsPerSign = 40;

const log = openSync(logPath, "a");
const former = readFileSync(logPath, "utf8").matchAll(/^ack (\d+)/gm);
const acknowledged = Math.max(-1, ...[...former].map(([, id]) => Number(id)));
let events = 0;

function note(line: string): void {
  writeSync(log, `${line}\n`);
  if (++events % eventsPerSign === 0) process.stdout.write(".");
}

const database = createSqliteDatabase(join(folder, "parley.db"));
const queue = createSqliteQueue({ database });
note("ready");
queue.consume(
  async ({ updateId, attempt }) => {
    note(`start ${updateId}`);
    await pause((updateId * 7) % 11);
    if (updateId % 29 === 0 && attempt === 1) throw new Error("once");
    note(`end ${updateId}`);
  },
  {
    turnSlots: 50,
    quickSlots: 5,
    maxFailures: 5,
    maxCrashes: 100,
    backoffMs: () => 10,
    onDead: async ({ updateId }) => note(`dead ${updateId}`),
  },
);

for (let next = Math.max(0, acknowledged + 1 - redelivered); next < total; next += batch) {
  const ids = Array.from({ length: Math.min(batch, total - next) }, (_, n) => next + n);
  await Promise.all(
    ids.map(async (updateId) => {
      const conversation = `lane ${updateId % lanes}`;
      const receivedAt = Date.now();
      const result = await queue.enqueue({ updateId, conversation, lane: "turn", receivedAt, body: "{}" });
      note(`ack ${updateId} ${result}`);
    }),
  );
  await pause(12);
}
for (;;) {
  const { waiting, active } = await queue.stats();
  if (waiting + active === 0) break;
  await pause(5);
}
await queue.stop();
await database.close();
note("complete");

/**
 * The watchdog's thread. Plain JavaScript with few imports: a thread that loaded TypeScript would bring its own compiler. What
 * it needs when it has found a hang is loaded then.
 */
import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";

/** @type {import("./watchdog.ts").WatchdogData} */
const { pulse, inHand, hangMs, everyMs, besideLoop, log } = workerData;
const [beats, debugged] = [0, 1];
const numbers = new Float64Array(pulse);
const named = new Float64Array(inHand);

/** Each of the two last steps may take so long. */
const stepWithinMs = 3_000;

let seenBeats = numbers[beats];
let movedAt = performance.now();
let lookedAt = movedAt;
let ending = false;

function look() {
  const now = performance.now();
  // A process that was stopped, or a machine that slept, stops both: then the time of the loop begins anew.
  const late = now - lookedAt > 3 * everyMs;
  lookedAt = now;
  if (late || numbers[debugged] === 1 || numbers[beats] !== seenBeats) {
    seenBeats = numbers[beats];
    movedAt = now;
  } else if (now - movedAt >= hangMs) {
    ending = true;
    for (const duty of duties) clearInterval(duty);
    void end(Math.round(now - movedAt));
  }
}

/** @type {Promise<import("../../base/in-hand.ts").ThreadDuties>} */
const engine = import(besideLoop.module).then(({ createBesideLoop }) => createBesideLoop(besideLoop.data));

/** All that this thread does again and again; none of it outlives the decision to kill. */
const duties = [setInterval(look, everyMs)];
void engine.then(({ again }) => {
  if (again !== undefined && !ending) duties.push(setInterval(again.duty, again.everyMs));
});

/** @param {number} stoodMs */
async function end(stoodMs) {
  try {
    const updateId = Number.isNaN(named[0]) ? undefined : named[0];
    const trouble = updateId === undefined ? undefined : await within(() => leave(updateId));
    /** @type {Record<string, unknown>} */
    const fields = { updateId, stoodMs };
    if (trouble !== undefined) fields["reason"] = `the update could not be noted: ${trouble}`;
    const unwritten = await within(() => say(fields));
    if (unwritten !== undefined)
      writeSync(2, `${JSON.stringify({ level: "error", ...fields, msg: message(fields) })}\n`);
  } finally {
    // Whether anybody could be told or not.
    process.kill(process.pid, "SIGKILL");
  }
}

/** @param {Record<string, unknown>} fields */
function message(fields) {
  return fields["updateId"] === undefined
    ? "the process hung, but not in the work for an update; it is killed, to be started again"
    : "the process hung in the work for an update; it is killed, to be started again";
}

/** @param {Record<string, unknown>} fields */
async function say(fields) {
  const { createLogger } = await import("../../base/log.ts");
  // The console is mute while the loop hangs.
  createLogger({ ...log, destination: { write: (/** @type {string} */ line) => writeSync(2, line) } }).error(
    fields,
    message(fields),
  );
}

/** @param {number} updateId */
async function leave(updateId) {
  await (await engine).leave(updateId);
}

/**
 * What went wrong, or nothing.
 * @param {() => Promise<void>} work
 */
async function within(work) {
  const late = new Promise((resolve) => setTimeout(() => resolve(`not within ${stepWithinMs} ms`), stepWithinMs));
  return await Promise.race([
    work().then(
      () => undefined,
      (error) => String(error?.message ?? error),
    ),
    late,
  ]);
}

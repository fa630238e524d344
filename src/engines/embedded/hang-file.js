/** What goes on beside the loop, on the watchdog's thread: nothing, but for the note that a process leaves when it hangs. */
import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";

/**
 * Read by the watchdog's thread. The file has a line for each hang: a name of its own, a space, the update's id.
 * @param {{ readonly file: string }} data
 * @returns {import("../../base/in-hand.ts").ThreadDuties}
 */
export function createBesideLoop({ file }) {
  return { leave: (updateId) => appendFile(file, `${randomUUID()} ${updateId}\n`, { mode: 0o600 }) };
}

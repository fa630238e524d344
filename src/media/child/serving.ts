/** The child's side: takes files, says what they hold. */

import type { Job, Said } from "./job.ts";
import { readFile } from "./reading.ts";

/** Reads what it is sent until nobody is there any more. */
export function serve(self: NodeJS.Process): void {
  // Nobody may be there any more: then it is about to end.
  const say = (said: Said) => self.send?.(said, undefined, undefined, () => undefined);
  let current = 0;
  // The bot ends it, also where a terminal or a supervisor means all processes: what it reads is somebody's file.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) self.on(signal, () => undefined);
  self.on("disconnect", () => self.exit(0));
  self.on("uncaughtException", () => {
    say({ type: "read", id: current, reading: { kind: "refused", reason: "damaged" }, spent: true });
  });
  self.on("message", (job: Job) => {
    current = job.id;
    void readFile(job).then(({ reading, spent }) => say({ type: "read", id: job.id, reading, spent }));
  });
  say({ type: "ready" });
}

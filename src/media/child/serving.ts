/** The child's side: takes files, says what they hold. */
import type { Duplex } from "node:stream";
import { sendFrame, takeFrames } from "./frames.ts";
import type { JobHead, Said } from "./job.ts";
import { readFile } from "./reading.ts";

/** Reads what it is sent until nobody is there any more. `program`: what the bot is told for those that come after. */
export function serve(self: NodeJS.Process, bot: Duplex, program?: string): void {
  const say = (said: Said) => sendFrame(bot, said);
  const leave = () => self.exit(0);
  let current = 0;
  // The bot ends it, also where a terminal or a supervisor means all processes: what it reads is somebody's file.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) self.on(signal, () => undefined);
  for (const end of ["end", "error", "close"]) bot.on(end, leave);
  self.on("uncaughtException", () => {
    say({ type: "read", id: current, reading: { kind: "refused", reason: "damaged" }, spent: true });
  });
  takeFrames(
    bot,
    Number.POSITIVE_INFINITY,
    (message, bytes) => {
      const job = { ...(message as JobHead), bytes };
      current = job.id;
      void readFile(job).then(({ reading, spent }) => say({ type: "read", id: job.id, reading, spent }));
    },
    leave,
  );
  say({ type: "ready", program });
}

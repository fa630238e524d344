/** Loaded before the bot (`--import`): its clock is off by as many milliseconds as the file named in `CLOCK_OFFSET_FILE` says. */
import { readFileSync } from "node:fs";

const file = process.env["CLOCK_OFFSET_FILE"] ?? "";
const { now } = Date;
let offset = 0;
let readAt = 0;
Date.now = () => {
  // Not each time: a file is read in more time than a clock.
  if (performance.now() - readAt > 20) {
    readAt = performance.now();
    offset = Number(readFileSync(file, "utf8"));
  }
  return now() + offset;
};

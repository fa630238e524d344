/** Where an operator finds the bot that works on a folder. */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

/** Of a socket's path; a little below what Linux (107) and macOS (103) take. */
const longestPathBytes = 100;

/** Where the bot over this folder listens. The folder must be there. */
export function operatorAddress(dataDir: string, workingDirectory = process.cwd()): string {
  const folder = realpathSync(dataDir);
  const name = `parley-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`;
  if (process.platform === "win32") return `\\\\.\\pipe\\${name}`;
  const path = join(folder, "parley.sock");
  const short = [path, relative(workingDirectory, path)].find((one) => Buffer.byteLength(one) <= longestPathBytes);
  return short ?? join(tmpdir(), `${name}.sock`);
}

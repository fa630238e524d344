/**
 * Recordings in another format, by ffmpeg where it is installed: for models that refuse what Telegram records. It is started for
 * one recording, in a folder of its own, and ended when it takes too long.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "../base/log.ts";
import type { ConvertSound } from "../ports/media-models.ts";

export interface SoundDeps {
  readonly log: Pick<Logger, "info" | "warn">;
  /** Where it is looked for, as `PATH` says it. */
  readonly path: string | undefined;
  /** Milliseconds. */
  readonly withinMs?: number;
}

const usualMs = 30_000;
/** Models take 25 MB at most. */
const largestBytes = 25 * 10 ** 6;
/** What holds sound alone: a list of files to be played, say, would have others opened. */
const readFormats = "ogg,mp3,mov,matroska,wav,flac,aac,amr,aiff,caf,asf";
/** AAC in MP4, which all of them take. What is shown is left out, and nothing but the one file is opened. */
const options = (from: string, to: string) => [
  ...["-nostdin", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", readFormats],
  ...["-i", from],
  ...["-vn", "-sn", "-dn", "-map_metadata", "-1", "-ac", "1", "-c:a", "aac", "-b:a", "64k"],
  ...["-fs", String(largestBytes), "-f", "mp4", to],
];

/** Creates the conversion of a process. */
export function createSoundConversion({ log, path = "", withinMs = usualMs }: SoundDeps): ConvertSound {
  let missing = false;

  function run(from: string, to: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const limits = { timeout: withinMs, killSignal: "SIGKILL", maxBuffer: 64 * 1024, signal } as const;
      // Nothing of our environment is any of its business.
      execFile("ffmpeg", options(from, to), { ...limits, env: { PATH: path } }, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  return async (recording, signal) => {
    if (missing) return undefined;
    const folder = await mkdtemp(join(tmpdir(), "parley-sound-"));
    try {
      const [from, to] = [join(folder, "from"), join(folder, "to.m4a")];
      await writeFile(from, recording.bytes, { mode: 0o600 });
      await run(from, to, signal);
      if ((await stat(to)).size === 0) return undefined;
      return { ...recording, bytes: await readFile(to), mime: "audio/mp4" };
    } catch (error) {
      missing = isMissing(error);
      const why = missing ? "ffmpeg is not installed" : "ffmpeg could not read it, or took too long";
      if (!signal.aborted) log.info({}, `a recording stays in the format that its model refuses: ${why}`);
      return undefined;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT" && "syscall" in error;
}

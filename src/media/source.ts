/** Files that people have sent, from Telegram or from the disk of a Bot API server of one's own. */
import { isAbsolute } from "node:path";
import { createConnections } from "../base/connections.ts";
import type { Logger } from "../base/log.ts";
import { waitFor } from "../base/long-wait.ts";
import type { Proxies } from "../base/proxies.ts";
import { linkedSignal, whenAborted } from "../base/signals.ts";
import type { MediaReference } from "../ports/content.ts";
import { MediaError, type MediaSource } from "../ports/media.ts";
import { download } from "./download.ts";
import { readLocalFile } from "./local-file.ts";

/** What `getFile` tells. */
export interface LocatedFile {
  readonly file_path?: string | undefined;
  readonly file_size?: number | undefined;
}

export interface MediaSourceDeps {
  /** Asks Telegram where a file is. Rejects as grammY does. */
  getFile(fileId: string, signal: AbortSignal): Promise<LocatedFile>;
  /** Without a slash at its end. */
  readonly apiRoot: string;
  readonly token: string;
  readonly proxies?: Proxies | undefined;
  /** Folder that a server of one's own keeps its files in. */
  readonly localFolder?: string | undefined;
  readonly log?: Pick<Logger, "debug">;
  /** For a file, in all: from the first question where it is to its last byte, repetitions included. Milliseconds. */
  readonly withinMs?: number;
  /** Between the first two tries; then more. Milliseconds. */
  readonly pauseMs?: number;
}

/** Telegram's own servers give a bot no larger file. */
const cloudLimitBytes = 20 * 2 ** 20;
const cloudRoot = "https://api.telegram.org";
const usualMs = 30_000;
const tries = 3;

/** Creates the source of a process. */
export function createMediaSource(deps: MediaSourceDeps): MediaSource & { stop(): void } {
  const { getFile, apiRoot, token, localFolder, withinMs = usualMs, pauseMs = 500 } = deps;
  const connections = createConnections({ proxies: deps.proxies });
  const mostBytes = apiRoot === cloudRoot ? cloudLimitBytes : Number.POSITIVE_INFINITY;

  async function once(fileId: string, limitBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const { file_path: path, file_size: size = 0 } = await located(getFile, fileId, signal);
    if (size > limitBytes) throw tooBig();
    if (isAbsolute(path)) return await readLocalFile(localFolder, path, limitBytes);
    const url = addressOf(`${apiRoot}/file/bot${token}/`, path);
    return await download(connections, { url, limitBytes }, signal);
  }

  return {
    async fetch({ fileId, sizeBytes = 0 }: MediaReference, wantedBytes, signal) {
      const limitBytes = Math.min(wantedBytes, mostBytes);
      if (sizeBytes > limitBytes) throw tooBig();
      const startedAt = performance.now();
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), withinMs);
      const { signal: either, unlink } = linkedSignal(signal, late.signal);
      try {
        for (let tried = 1; ; tried++) {
          try {
            const bytes = await once(fileId, limitBytes, either);
            const milliseconds = Math.round(performance.now() - startedAt);
            deps.log?.debug({ bytes: bytes.length, milliseconds }, "a file was fetched");
            return bytes;
          } catch (error) {
            const failure = error instanceof MediaError ? error : failureOf(error);
            const again = failure.kind === "unreachable" && tried < tries;
            if (!again || !(await waitFor(pauseMs * tried, either))) throw failure;
          }
        }
      } finally {
        clearTimeout(timer);
        unlink();
      }
    },
    stop: connections.stop,
  };
}

async function located(getFile: MediaSourceDeps["getFile"], fileId: string, signal: AbortSignal) {
  // Whoever is asked may wait for longer than the file is: until Telegram takes calls again, say.
  const left = whenAborted(signal).then(() => {
    throw new MediaError("unreachable", "Telegram does not say in time where the file is");
  });
  const file = await Promise.race([getFile(fileId, signal), left]);
  const { file_path: path } = file;
  if (path === undefined || path === "") throw new MediaError("unreachable", "Telegram does not say where the file is");
  return { ...file, file_path: path };
}

/** What is no path below the address is refused, and an address that is none has its secret in the error of `URL`. */
function addressOf(folder: string, path: string): URL {
  const steps = path.split("/");
  try {
    if (steps.some((step) => step === "" || step === "." || step === "..")) throw new Error("no path");
    return new URL(folder + steps.map(encodeURIComponent).join("/"));
  } catch {
    throw new MediaError("gone", "Telegram names the file by something that is no path");
  }
}

/** What became of `getFile`. */
function failureOf(error: unknown): MediaError {
  const { error_code: status, description } = error as {
    readonly error_code?: unknown;
    readonly description?: unknown;
  };
  if (/file is too big/i.test(String(description))) return tooBig();
  const refused = typeof status === "number" && status >= 400 && status < 500 && status !== 429;
  if (refused && !/temporarily/i.test(String(description))) {
    return new MediaError("gone", `Telegram does not give the file (status ${status})`);
  }
  return new MediaError("unreachable", `Telegram could not be asked for the file (${status ?? "no answer"})`);
}

function tooBig(): MediaError {
  return new MediaError("too-big", "the file is larger than may be fetched");
}

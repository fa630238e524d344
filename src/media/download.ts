/**
 * One download, bounded while it is read. Its address holds the bot's token, so nothing of it, and nothing that whoever is called
 * has said, enters an error.
 */
import type { IncomingMessage } from "node:http";
import type { Connections } from "../base/connections.ts";
import { MediaError } from "../ports/media.ts";

export interface Download {
  readonly url: URL;
  readonly limitBytes: number;
}

/** Resolves with the bytes at an address; rejects with a `MediaError`. No redirect is followed. */
export function download(
  connections: Pick<Connections, "request">,
  { url, limitBytes }: Download,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const request = connections.request(url, { method: "GET" });
    const abort = () => end(unreachable("was not there in time, or is not wanted any more"));

    function end(outcome: MediaError | Uint8Array): void {
      signal.removeEventListener("abort", abort);
      if (outcome instanceof MediaError) {
        reject(outcome);
        request.destroy();
      } else resolve(outcome);
    }

    request.on("error", (error) => end(unreachable(`could not be read (${codeOf(error)})`)));
    request.on("response", (response) => {
      const refusal = refusalOf(response, limitBytes);
      if (refusal === undefined) read(response, limitBytes, end);
      else end(refusal);
    });
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else request.end();
  });
}

function refusalOf({ statusCode = 0, headers }: IncomingMessage, limitBytes: number): MediaError | undefined {
  if (statusCode === 200) return Number(headers["content-length"]) > limitBytes ? tooBig() : undefined;
  // A link that has run out: `getFile` gives another one.
  const passes = statusCode === 404 || statusCode === 408 || statusCode === 429 || statusCode >= 500;
  return new MediaError(passes ? "unreachable" : "gone", `the file server answers with status ${statusCode}`);
}

function read(response: IncomingMessage, limitBytes: number, end: (outcome: MediaError | Uint8Array) => void): void {
  const told = Number(response.headers["content-length"]);
  // Where its length is told it is written to its place at once: joined at its end, it would be in memory twice.
  const whole = Number.isSafeInteger(told) && told > 0 ? Buffer.allocUnsafeSlow(told) : undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  response.on("data", (chunk: Uint8Array) => {
    const at = length;
    length += chunk.length;
    if (length > Math.min(limitBytes, whole?.length ?? limitBytes)) end(tooBig());
    else if (whole === undefined) chunks.push(chunk);
    else whole.set(chunk, at);
  });
  response.on("error", (error) => end(unreachable(`could not be read (${codeOf(error)})`)));
  response.on("end", () => {
    if (length === 0) end(unreachable("is empty"));
    else if (whole === undefined) end(Buffer.concat(chunks, length));
    else end(whole.length === length ? whole : unreachable("has come in part"));
  });
}

/** Node's own words may hold what the other side has sent. */
function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

function unreachable(what: string): MediaError {
  return new MediaError("unreachable", `the file ${what}`);
}

function tooBig(): MediaError {
  return new MediaError("too-big", "the file is larger than may be fetched");
}

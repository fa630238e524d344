/** Files that were sent, as the page gets them. */

/** Pictures and sounds by how they begin. None of these can run anything in the page's own origin. */
const beginnings: readonly (readonly [type: string, mark: string, at: number])[] = [
  ["image/png", "\x89PNG\r\n\x1a\n", 0],
  ["image/jpeg", "\xff\xd8\xff", 0],
  ["image/gif", "GIF8", 0],
  ["image/webp", "WEBP", 8],
  ["audio/ogg", "OggS", 0],
  ["audio/webm", "\x1aE\xdf\xa3", 0],
  ["audio/mpeg", "ID3", 0],
  ["audio/mpeg", "\xff\xfb", 0],
  ["audio/wav", "WAVE", 8],
  ["audio/flac", "fLaC", 0],
  ["audio/mp4", "ftypM4A", 4],
  ["video/mp4", "ftyp", 4],
];

/** A file, or the part of it that is asked for: without that a browser tells neither a sound's length nor its middle. */
export function answerWithFile(bytes: Uint8Array, name: string, range: string | undefined): Response {
  const part = partOf(range, bytes.length);
  const [from, to] = part ?? [0, bytes.length];
  return new Response(Uint8Array.from(bytes.subarray(from, to)), {
    status: part === undefined ? 200 : 206,
    headers: {
      // Never opened in the page's own origin, whatever was sent; but a picture may be shown, and a sound heard.
      "content-type": contentTypeOf(bytes),
      "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name.replace(/[\r\n"\\/]/g, "_"))}`,
      "accept-ranges": "bytes",
      ...(part === undefined ? {} : { "content-range": `bytes ${from}-${to - 1}/${bytes.length}` }),
    },
  });
}

/** What is asked for of so many bytes; undefined when that is nothing, or not understood: then all of it is right. */
function partOf(range: string | undefined, length: number): readonly [from: number, to: number] | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (first === "") return last === "" ? undefined : [Math.max(0, length - Number(last)), length];
  const to = last === "" ? length : Math.min(length, Number(last) + 1);
  return Number(first) < to ? [Number(first), to] : undefined;
}

/** By its content, whatever its sender calls it; all else is bytes to be saved. */
function contentTypeOf(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  return beginnings.find(([, mark, at]) => start.startsWith(mark, at))?.[0] ?? "application/octet-stream";
}

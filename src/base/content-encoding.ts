/** Bodies that come compressed, though nobody has asked for it. */
import type { IncomingMessage } from "node:http";
import { PassThrough, pipeline, type Readable, type Transform } from "node:stream";
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";

/** What has come of a body that was cut is passed on, as without compression. */
const lenient = { finishFlush: constants.Z_SYNC_FLUSH };
/** Enough to tell text from what is compressed. Bytes. */
const beginningBytes = 5;
/** How events and JSON begin. */
const text = /^\s*(?:data:|event|id: |retry|: |[{[<]\s*["\w{[!])/;
/** Nobody compresses so often. */
const mostEncodings = 3;

/** The body without its compression: bounded in memory, since it is decompressed only as fast as it is read. */
export function decoded(message: IncomingMessage): Readable {
  const names = (message.headers["content-encoding"] ?? "").slice(0, 100).toLowerCase().split(",");
  let body: Readable = message;
  // The last one was applied last.
  for (const name of names.slice(0, mostEncodings).reverse()) {
    const decoderFor = decoders[name.trim()];
    if (decoderFor !== undefined) body = decompressed(body, decoderFor);
  }
  return body;
}

/** Proxies have decompressed bodies and left the header where it was: text is passed on as it is. */
function decompressed(source: Readable, decoderFor: (first: number) => Transform): Readable {
  const body = new PassThrough();
  let begun = false;
  const begin = (): void => {
    const beginning: unknown = source.read(beginningBytes) ?? source.read();
    if (!Buffer.isBuffer(beginning)) return;
    begun = true;
    source.off("readable", begin);
    source.unshift(beginning);
    const isText = text.test(beginning.toString("latin1"));
    pipeline(source, isText ? new PassThrough() : decoderFor(beginning[0] ?? 0), body, () => undefined);
  };
  source.on("readable", begin);
  source.once("end", () => {
    if (!begun) body.end();
  });
  source.once("close", () => {
    if (!begun && !source.readableEnded) body.destroy(new Error("the connection was closed"));
  });
  body.once("close", () => source.destroy());
  return body;
}

const decoders: Readonly<Record<string, (first: number) => Transform>> = {
  gzip: gunzip,
  "x-gzip": gunzip,
  deflate: (first) => ((first & 0x0f) === 8 ? createInflate(lenient) : createInflateRaw(lenient)),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }),
};

function gunzip(first: number): Transform {
  return first === 0x1f ? createGunzip(lenient) : new PassThrough();
}

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

/** The body without its compression: bounded in memory, since it is decompressed only as fast as it is read. */
export function decoded(message: IncomingMessage): Readable {
  const encoding = message.headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  const decoderFor = decoders[encoding];
  if (decoderFor === undefined) return message;
  const body = new PassThrough();
  let begun = false;
  message.once("readable", () => {
    begun = true;
    const first: unknown = message.read(1);
    if (!Buffer.isBuffer(first)) return void body.end();
    message.unshift(first);
    pipeline(message, decoderFor(first[0] ?? 0), body, () => undefined);
  });
  message.once("close", () => {
    if (!begun) body.destroy(new Error("the connection was closed"));
  });
  body.once("close", () => message.destroy());
  return body;
}

/** By what the header says, and by the first byte: proxies have decompressed bodies and left the header where it was. */
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

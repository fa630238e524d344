/** Pictures as far as the playground needs them: their sizes, and grey ones of any size. Pure. */

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** The size of a PNG or a JPEG in pixels; undefined when it is neither. */
export function sizeOfPicture(bytes: Uint8Array): (PictureSize & { readonly format: "PNG" | "JPEG" }) | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length >= 24 && view.toString("latin1", 0, 8) === "\x89PNG\r\n\x1a\n") {
    return { format: "PNG", width: view.readUInt32BE(16), height: view.readUInt32BE(20) };
  }
  if (view.length < 4 || view.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 9 <= view.length && view[at] === 0xff; at += 2 + view.readUInt16BE(at + 2)) {
    const marker = view[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { format: "JPEG", width: view.readUInt16BE(at + 7), height: view.readUInt16BE(at + 5) };
  }
  return undefined;
}

/** Zigzag order does not matter where all are the same. */
const quantities = Buffer.alloc(64, 1);
/** One code, of one bit: "as before" for the first value of a block, "nothing more" for the others. */
const oneCode = Buffer.from([1, ...Buffer.alloc(15), 0]);

/** A JPEG of this size, all grey. `note` stands in it, so that pictures of one size need not be the same. */
export function greyJpeg({ width, height }: PictureSize, note = ""): Uint8Array {
  const frame = Buffer.from([8, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0]);
  const bits = 2 * Math.ceil(width / 8) * Math.ceil(height / 8);
  const data = Buffer.alloc(Math.ceil(bits / 8));
  if (bits % 8 > 0) data[data.length - 1] = 0xff >> (bits % 8);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, Buffer.from("JFIF\0\x01\x01\0\0\x01\0\x01\0\0", "latin1")),
    segment(0xfe, Buffer.from(note)),
    segment(0xdb, Buffer.concat([Buffer.of(0), quantities])),
    segment(0xc0, frame),
    segment(0xc4, Buffer.concat([Buffer.of(0x00), oneCode])),
    segment(0xc4, Buffer.concat([Buffer.of(0x10), oneCode])),
    segment(0xda, Buffer.from([1, 1, 0x00, 0, 63, 0])),
    data,
    Buffer.from([0xff, 0xd9]),
  ]);
}

function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

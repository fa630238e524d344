/** Silence as the Ogg with Opus that Telegram's voice messages are, so that it can be played. */

/** 20 ms of nothing: one frame, and what its one byte of silence is coded as. */
const packet = Buffer.from([0xf8, 0xff, 0xfe]);
const samplesOfPacket = 960;
const samplesPerSecond = 48_000;
/** A packet of less than 255 bytes is one segment. */
const mostPackets = 255;

/** Silence of so many seconds. */
export function silenceOf(seconds: number): Buffer {
  const head = Buffer.from("OpusHead\x01\x01\0\0\0\0\0\0\0\0\0", "latin1");
  head.writeUInt32LE(samplesPerSecond, 12);
  const tags = Buffer.concat([Buffer.from("OpusTags\x06\0\0\0Parley", "latin1"), Buffer.alloc(4)]);
  const pages = [pageOf(0, 2, 0, [head]), pageOf(1, 0, 0, [tags])];
  const packets = Math.max(1, Math.ceil((seconds * samplesPerSecond) / samplesOfPacket));
  for (let sent = 0; sent < packets; ) {
    const count = Math.min(mostPackets, packets - sent);
    sent += count;
    const samples = sent * samplesOfPacket;
    pages.push(pageOf(pages.length, sent === packets ? 4 : 0, samples, Array<Buffer>(count).fill(packet)));
  }
  return Buffer.concat(pages);
}

function pageOf(number: number, flags: number, samples: number, packets: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(27);
  head.write("OggS", "latin1");
  head[5] = flags;
  head.writeBigInt64LE(BigInt(samples), 6);
  head.writeUInt32LE(1, 14);
  head.writeUInt32LE(number, 18);
  head[26] = packets.length;
  const page = Buffer.concat([head, Buffer.from(packets.map(({ length }) => length)), ...packets]);
  page.writeUInt32LE(checksumOf(page), 22);
  return page;
}

/** Ogg's own: that of Ethernet, but from the highest bit, and begun with nothing. */
function checksumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  }
  return sum >>> 0;
}

/** Elements of WebM that hold others, or what is looked for. */
const MASTERS = new Set([0x18538067, 0x1f43b675, 0x1654ae6b, 0xae, 0xa0]);
const CODEC_PRIVATE = 0x63a2;
const BLOCKS = new Set([0xa3, 0xa1]);
/** Track, time, flags. */
const BLOCK_HEAD = 4;
const SAMPLES_PER_MS = 48;
const MOST_SEGMENTS = 255;

/**
 * The Opus of a WebM as the Ogg that Telegram's voice messages are, packet by packet; undefined when there is none in it.
 * Some browsers record nothing but WebM.
 */
export function oggOf(webm) {
  let head;
  const packets = [];
  for (const { id, data } of elementsIn(webm)) {
    if (id === CODEC_PRIVATE) head ??= data;
    else if (BLOCKS.has(id)) packets.push(data.subarray(BLOCK_HEAD));
  }
  if (head === undefined || packets.length === 0) return undefined;
  const serial = crypto.getRandomValues(new Uint32Array(1))[0];
  const pages = [pageOf({ serial, number: 0, flags: 2, samples: 0, packets: [head] })];
  pages.push(pageOf({ serial, number: 1, flags: 0, samples: 0, packets: [tags()] }));
  let samples = 0;
  let waiting = [];
  let segments = 0;
  const flush = (flags) => {
    pages.push(pageOf({ serial, number: pages.length, flags, samples, packets: waiting }));
    waiting = [];
    segments = 0;
  };
  for (const packet of packets) {
    const needed = segmentsOf(packet).length;
    if (segments + needed > MOST_SEGMENTS) flush(0);
    waiting.push(packet);
    segments += needed;
    samples += samplesIn(packet);
  }
  flush(4);
  return new Blob(pages, { type: "audio/ogg" });
}

/** All of them, the masters by what is in them: a recording does not know the length of its own. */
function* elementsIn(bytes) {
  let at = 0;
  while (at < bytes.length) {
    const idLength = Math.clz32(bytes[at]) - 23;
    const id = numberAt(bytes, at, idLength);
    at += idLength;
    const sizeLength = Math.clz32(bytes[at]) - 23;
    const size = numberAt(bytes, at, sizeLength) % 2 ** (7 * sizeLength);
    at += sizeLength;
    if (MASTERS.has(id)) continue;
    yield { id, data: bytes.subarray(at, at + size) };
    at += size;
  }
}

function numberAt(bytes, at, length) {
  let number = 0;
  for (const byte of bytes.subarray(at, at + length)) number = number * 256 + byte;
  return number;
}

/** How long a packet sounds, by its first byte (RFC 6716, 3.1). */
function samplesIn(packet) {
  const config = packet[0] >> 3;
  const lengths = config < 12 ? [10, 20, 40, 60] : config < 16 ? [10, 20] : [2.5, 5, 10, 20];
  const frames = [1, 2, 2, packet[1] & 63][packet[0] & 3];
  return lengths[config % lengths.length] * SAMPLES_PER_MS * frames;
}

function tags() {
  const vendor = new TextEncoder().encode("Parley");
  const bytes = new Uint8Array(16 + vendor.length);
  bytes.set(new TextEncoder().encode("OpusTags"));
  new DataView(bytes.buffer).setUint32(8, vendor.length, true);
  bytes.set(vendor, 12);
  return bytes;
}

/** The lengths of a packet's segments: the last one is shorter than 255. */
function segmentsOf(packet) {
  return [...Array(Math.floor(packet.length / 255)).fill(255), packet.length % 255];
}

function pageOf({ serial, number, flags, samples, packets }) {
  const segments = packets.flatMap(segmentsOf);
  const length = packets.reduce((sum, packet) => sum + packet.length, 0);
  const page = new Uint8Array(27 + segments.length + length);
  const view = new DataView(page.buffer);
  page.set(new TextEncoder().encode("OggS"));
  page[5] = flags;
  view.setBigUint64(6, BigInt(samples), true);
  view.setUint32(14, serial, true);
  view.setUint32(18, number, true);
  page[26] = segments.length;
  page.set(segments, 27);
  let at = 27 + segments.length;
  for (const packet of packets) {
    page.set(packet, at);
    at += packet.length;
  }
  view.setUint32(22, checksumOf(page), true);
  return page;
}

/** Ogg's own: the polynomial of Ethernet, from the highest bit, begun with nothing. */
const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});

function checksumOf(bytes) {
  let sum = 0;
  for (const byte of bytes) sum = (sum << 8) ^ table[(sum >>> 24) ^ byte];
  return sum >>> 0;
}

/** How long sound lasts, by what its container tells of it in more than one place. Pure; 0 where nothing is told. */

const nanoseconds = 1e9;
/** Of WebM, where nothing else is said: milliseconds. */
const usualScale = 1e6;
/** What says more says nothing. */
const longestSeconds = 86_400;

/** Of samples that are not packed: by how many bytes a second has. */
export function secondsOfWav(wav: Buffer): number {
  const at = wav.subarray(0, 4_096).indexOf("fmt ", 12, "latin1") + 8;
  if (at < 8 || at + 16 > wav.length) return 0;
  const [format, channels, rate] = [wav.readUInt16LE(at), wav.readUInt16LE(at + 2), wav.readUInt32LE(at + 4)];
  // Its own word about the bytes of a second is one that nobody needs to play it.
  const isPlain = format === 1 || format === 3 || format === 0xfffe;
  const rateBytes = isPlain ? (rate * channels * wav.readUInt16LE(at + 14)) / 8 : wav.readUInt32LE(at + 8);
  return rateBytes > 0 ? (wav.length - at - 16) / rateBytes : 0;
}

/** Samples are counted in its head, and packed they are no longer than they are. */
export function secondsOfFlac(flac: Buffer): number {
  if (flac.length < 26) return 0;
  const packed = flac.readBigUInt64BE(18);
  const rate = Number(packed >> 44n);
  const channels = Number((packed >> 41n) & 7n) + 1;
  const bits = Number((packed >> 36n) & 31n) + 1;
  if (rate === 0) return 0;
  const told = Number(packed & 0xf_ffff_ffffn) / rate;
  return Math.max(plausible(told), flac.length / ((rate * channels * bits) / 8));
}

interface Box {
  readonly type: string;
  readonly from: number;
  readonly to: number;
}

/** Those that hold others on the way to what tells the time. */
const holders = new Set(["moov", "trak", "mdia", "minf", "stbl", "mvex", "moof", "traf"]);
const mostBoxes = 20_000;

/** Of a film and of each of its tracks, by the sum of all their samples as well as by their heads; in pieces or whole. */
export function secondsOfMp4(mp4: Buffer): number {
  let longest = 0;
  let units = 0;
  /** Of all tracks: which one a piece is of is not looked at. */
  let mostUnits = 0;
  const take = (length: number, by: number) => {
    longest = Math.max(longest, plausible(length / by));
  };
  const open: Box[] = [{ type: "", from: 0, to: mp4.length }];
  for (let seen = 0, box = open.pop(); box !== undefined && seen < mostBoxes; seen++, box = open.pop()) {
    const { type, from, to } = box;
    if (type === "" || holders.has(type)) open.push(...boxesIn(mp4, from, to).toReversed());
    else if (type === "mvhd" || type === "mdhd") {
      const isLong = mp4[from] === 1;
      if (from + (isLong ? 32 : 20) > to) continue;
      units = mp4.readUInt32BE(from + (isLong ? 20 : 12));
      mostUnits = Math.max(mostUnits, units);
      const length = isLong ? Number(mp4.readBigUInt64BE(from + 24)) : mp4.readUInt32BE(from + 16);
      take(length, units);
    } else if (type === "stts") take(samplesIn(mp4, from, to), units);
    else if (type === "tfdt" && from + (mp4[from] === 1 ? 12 : 8) <= to) {
      const isLong = mp4[from] === 1;
      take(isLong ? Number(mp4.readBigUInt64BE(from + 4)) : mp4.readUInt32BE(from + 4), mostUnits);
    }
  }
  return longest;
}

function boxesIn(mp4: Buffer, start: number, end: number): Box[] {
  const boxes: Box[] = [];
  for (let at = start; at + 8 <= end && boxes.length < mostBoxes; ) {
    const short = mp4.readUInt32BE(at);
    const isLong = short === 1 && at + 16 <= end;
    const size = isLong ? Number(mp4.readBigUInt64BE(at + 8)) : short === 0 ? end - at : short;
    const head = isLong ? 16 : 8;
    if (size < head) break;
    boxes.push({ type: mp4.toString("latin1", at + 4, at + 8), from: at + head, to: Math.min(at + size, end) });
    at += size;
  }
  return boxes;
}

/** Samples of a track, in its units. */
function samplesIn(mp4: Buffer, from: number, to: number): number {
  let sum = 0;
  for (let at = from + 8; at + 8 <= to; at += 8) sum += mp4.readUInt32BE(at) * mp4.readUInt32BE(at + 4);
  return sum;
}

const ebml = {
  scale: Buffer.from([0x2a, 0xd7, 0xb1]),
  duration: Buffer.from([0x44, 0x89]),
  cluster: Buffer.from([0x1f, 0x43, 0xb6, 0x75]),
};
const webmHead = 64 * 1024;

/** Of WebM and Matroska: what its head says, or where its last cluster stands in time. */
export function secondsOfWebm(webm: Buffer): number {
  const head = webm.subarray(0, webmHead);
  const scaleAt = head.indexOf(ebml.scale);
  const scale = (scaleAt < 0 ? 0 : numberAt(head, scaleAt + ebml.scale.length)) || usualScale;
  const toldAt = head.indexOf(ebml.duration);
  const told = toldAt < 0 ? 0 : floatAt(head, toldAt + ebml.duration.length);
  const cluster = webm.lastIndexOf(ebml.cluster);
  const timeAt = cluster < 0 ? -1 : webm.subarray(cluster, cluster + 32).indexOf(0xe7);
  const begins = timeAt < 0 ? 0 : numberAt(webm, cluster + timeAt + 1);
  return Math.max(...[told, begins].map((length) => plausible((length * scale) / nanoseconds)));
}

function plausible(seconds: number): number {
  return seconds > 0 && seconds <= longestSeconds ? seconds : 0;
}

/** An unsigned number behind its length. */
function numberAt(bytes: Buffer, at: number): number {
  const length = (bytes[at] ?? 0) & 0x7f;
  if (length < 1 || length > 6 || at + 1 + length > bytes.length) return 0;
  return bytes.readUIntBE(at + 1, length);
}

function floatAt(bytes: Buffer, at: number): number {
  const length = (bytes[at] ?? 0) & 0x7f;
  if (at + 1 + length > bytes.length) return 0;
  const value = length === 4 ? bytes.readFloatBE(at + 1) : length === 8 ? bytes.readDoubleBE(at + 1) : 0;
  return Number.isFinite(value) && value > 0 ? value : 0;
}

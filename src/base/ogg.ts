/** Sound in Ogg, as voice messages are. */
import { secondsOfOpus } from "./sound-frames.ts";

/** How Opus counts, whatever was recorded. */
const samplesPerSecond = 48_000;
const longestSeconds = 86_400;
const pageHead = 27;

/** Whether it begins like one. */
export function isOgg(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "OggS";
}

/** How long it lasts: its last page counts the samples before its end. 0 when it is no Ogg, or does not tell. */
export function secondsOfOgg(bytes: Uint8Array): number {
  if (!isOgg(bytes)) return 0;
  const ogg = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = ogg.lastIndexOf("OggS");
  if (at + 14 > ogg.length) return 0;
  const seconds = Number(ogg.readBigInt64LE(at + 6)) / rateOf(ogg);
  return seconds > 0 && seconds <= longestSeconds ? seconds : 0;
}

/** Vorbis counts in samples as they were recorded. */
function rateOf(ogg: Buffer): number {
  const at = ogg.subarray(0, 200).indexOf("\x01vorbis", 0, "latin1");
  return (at < 0 ? 0 : ogg.readUInt32LE(at + 12)) || samplesPerSecond;
}

/**
 * How long Opus in Ogg is played, by its packets alone: what its pages count is only a word. Counts up to `mostSeconds`. 0 when
 * it is none.
 */
export function secondsPlayedOfOpus(ogg: Uint8Array, mostSeconds: number): number {
  if (!isOgg(ogg) || Buffer.from(ogg.subarray(0, 100)).indexOf("OpusHead") < 0) return 0;
  let seconds = 0;
  for (let at = 0; at + pageHead <= ogg.length && seconds <= mostSeconds; ) {
    const segments = ogg[at + 26] ?? 0;
    const body = at + pageHead + segments;
    // A packet that goes on from the page before has been counted there.
    let begins = ((ogg[at + 5] ?? 0) & 1) === 0;
    let end = body;
    for (let segment = at + pageHead; segment < body; segment++) {
      const length = ogg[segment] ?? 0;
      if (begins && length > 0 && !isHead(ogg, end)) seconds += secondsOfOpus(ogg[end] ?? 0, ogg[end + 1] ?? 0);
      end += length;
      begins = length < 255;
    }
    at = end;
  }
  return seconds;
}

/** Two packets before the sound say what it is. */
function isHead(ogg: Uint8Array, at: number): boolean {
  return ogg[at] === 0x4f && ogg[at + 1] === 0x70 && ogg[at + 2] === 0x75 && ogg[at + 3] === 0x73;
}

/** How long recordings last, by what they hold: what a sender's client says of it may be less than is paid for. Pure. */
import { isOgg, secondsOfOgg } from "./ogg.ts";

const longestSeconds = 86_400;
/** What a second takes at most: of Opus, and of MP3. */
const mostBytesPerSecond = { ogg: 64_000, mp3: 40_000 };

/** Seconds that a recording lasts at least; 0 where nothing tells. Whoever lies in its head still pays for its bytes. */
export function leastSecondsOf(bytes: Uint8Array): number {
  if (isOgg(bytes)) return Math.max(secondsOfOgg(bytes), bytes.length / mostBytesPerSecond.ogg);
  return isMp3(bytes) ? bytes.length / mostBytesPerSecond.mp3 : secondsOfMp4(bytes);
}

/** With or without a title before its sound. */
function isMp3(bytes: Uint8Array): boolean {
  const [first = 0, second = 0, third = 0] = bytes;
  return (first === 0x49 && second === 0x44 && third === 0x33) || (first === 0xff && (second & 0xe6) === 0xe2);
}

/** Of audio and video in MP4, whose head counts its length in units of its own. */
function secondsOfMp4(bytes: Uint8Array): number {
  const mp4 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (mp4.subarray(4, 8).toString("latin1") !== "ftyp") return 0;
  const at = mp4.indexOf("mvhd") + 4;
  if (at < 4 || at + 32 > mp4.length) return 0;
  const isLong = mp4[at] === 1;
  const units = mp4.readUInt32BE(at + (isLong ? 20 : 12));
  const length = isLong ? Number(mp4.readBigUInt64BE(at + 24)) : mp4.readUInt32BE(at + 16);
  const seconds = length / units;
  return seconds > 0 && seconds <= longestSeconds ? seconds : 0;
}

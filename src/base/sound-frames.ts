/**
 * How long sound lasts that comes in frames, each of which says how long it is: nobody can claim less than what is played. Pure;
 * each counts up to `mostSeconds`, and not beyond.
 */

/** Kilobits a second. */
const kbits = {
  /** Of MPEG 1, and of MPEG 2 and 2.5; layer III. */
  one: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  two: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};
const rates = [44_100, 48_000, 32_000];

/** Of MP3, with or without a title before its sound. */
export function secondsOfMp3(bytes: Uint8Array, mostSeconds: number): number {
  let seconds = 0;
  for (let at = titleOf(bytes); at + 4 <= bytes.length && seconds <= mostSeconds; ) {
    const length = mp3FrameAt(bytes, at);
    if (length > 0) seconds += secondsOfFrame(bytes, at);
    at += Math.max(length, 1);
  }
  return seconds;
}

/** So much may stand before the first frame that is no title. */
const mostBefore = 8_192;

/** Whether sound begins behind something else. */
export function isLateMp3(bytes: Uint8Array): boolean {
  for (let at = 0; at < mostBefore && at + 4 <= bytes.length; at++) {
    const length = mp3FrameAt(bytes, at);
    if (length > 0 && mp3FrameAt(bytes, at + length) > 0) return true;
  }
  return false;
}

/** Bytes of the frame that begins there; 0 where none does. */
function mp3FrameAt(bytes: Uint8Array, at: number): number {
  const second = bytes[at + 1] ?? 0;
  if (bytes[at] !== 0xff || (second & 0xe6) !== 0xe2 || (second & 0x18) === 0x08) return 0;
  const third = bytes[at + 2] ?? 0;
  const isOne = (second & 0x18) === 0x18;
  const kilobits = kbits[isOne ? "one" : "two"][third >> 4] ?? 0;
  const rate = rateOfFrame(second, third);
  return rate === 0 || kilobits === 0
    ? 0
    : Math.floor(((isOne ? 144 : 72) * kilobits * 1_000) / rate) + ((third >> 1) & 1);
}

function secondsOfFrame(bytes: Uint8Array, at: number): number {
  const second = bytes[at + 1] ?? 0;
  return ((second & 0x18) === 0x18 ? 1_152 : 576) / rateOfFrame(second, bytes[at + 2] ?? 0);
}

/** MPEG 2 halves it, and 2.5 once more. */
function rateOfFrame(second: number, third: number): number {
  const halvings = [2, 2, 1, 0][(second >> 3) & 3] ?? 0;
  return (rates[(third >> 2) & 3] ?? 0) / 2 ** halvings;
}

/** Bytes of the title before the sound. */
function titleOf(bytes: Uint8Array): number {
  if (Buffer.from(bytes.subarray(0, 3)).toString("latin1") !== "ID3") return 0;
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(6, 10);
  return 10 + ((a & 0x7f) << 21) + ((b & 0x7f) << 14) + ((c & 0x7f) << 7) + (d & 0x7f);
}

const aacRates = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
const samplesOfAac = 1_024;

/** Of AAC that stands in no container. */
export function secondsOfAac(bytes: Uint8Array, mostSeconds: number): number {
  let seconds = 0;
  for (let at = 0; at + 7 <= bytes.length && seconds <= mostSeconds; ) {
    const rate = aacRates[((bytes[at + 2] ?? 0) >> 2) & 15];
    const length = (((bytes[at + 3] ?? 0) & 3) << 11) | ((bytes[at + 4] ?? 0) << 3) | ((bytes[at + 5] ?? 0) >> 5);
    const isFrame = bytes[at] === 0xff && ((bytes[at + 1] ?? 0) & 0xf6) === 0xf0 && length >= 7;
    if (isFrame && rate !== undefined) seconds += samplesOfAac / rate;
    at += isFrame ? length : 1;
  }
  return seconds;
}

/** Bytes of a frame by its mode; what is no mode has a byte. */
const amrBytes = {
  narrow: [13, 14, 16, 18, 20, 21, 27, 32, 6],
  wide: [18, 24, 33, 37, 41, 47, 51, 59, 61, 6],
};
const amrSeconds = 0.02;

/** Of AMR, narrow or wide. */
export function secondsOfAmr(bytes: Uint8Array, mostSeconds: number): number {
  const isWide = Buffer.from(bytes.subarray(5, 8)).toString("latin1") === "-WB";
  const lengths = amrBytes[isWide ? "wide" : "narrow"];
  let frames = 0;
  for (let at = isWide ? 9 : 6; at < bytes.length && frames * amrSeconds <= mostSeconds; frames++)
    at += lengths[((bytes[at] ?? 0) >> 3) & 15] ?? 1;
  return frames * amrSeconds;
}

/** Milliseconds of a frame of Opus by the first five bits of its packet. */
const opusMs = [10, 20, 40, 60];

/** Of a packet of Opus: by its first two bytes. */
export function secondsOfOpus(first: number, second: number): number {
  const config = first >> 3;
  const step = config & 3;
  const silk = opusMs[step] ?? 0;
  const hybrid = step % 2 === 0 ? 10 : 20;
  const celt = 2.5 * 2 ** step;
  const frameMs = config < 12 ? silk : config < 16 ? hybrid : celt;
  const frames = [1, 2, 2, second & 63][first & 3] ?? 0;
  // No packet is longer.
  return Math.min(frameMs * frames, 120) / 1_000;
}

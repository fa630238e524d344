/** How long recordings last, by what they hold: what a sender's client says of it may be less than is paid for. Pure. */
import { secondsOfOgg, secondsPlayedOfOpus } from "./ogg.ts";
import { secondsOfAac, secondsOfAmr, secondsOfMp3 } from "./sound-frames.ts";
import { secondsOfFlac, secondsOfMp4, secondsOfWav, secondsOfWebm } from "./sound-heads.ts";
import { type SoundKind, soundKindOf } from "./sound-kinds.ts";

const longestSeconds = 86_400;
/** Further is not counted frame by frame: nobody hears so much. */
const countedSeconds = 2_400;
/** What a second takes at most: of Opus, and of MP3. */
const mostBytesPerSecond = { ogg: 64_000, mp3: 40_000 };

/** Seconds that a recording lasts at least; 0 where nothing tells. Whoever lies in its head still pays for what is played. */
export function leastSecondsOf(bytes: Uint8Array): number {
  const kind = soundKindOf(bytes);
  const seconds = kind === undefined ? 0 : lengths[kind](Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return seconds > 0 && seconds <= longestSeconds ? seconds : 0;
}

const lengths: Readonly<Record<SoundKind, (bytes: Buffer) => number>> = {
  ogg: (bytes) =>
    Math.max(secondsOfOgg(bytes), secondsPlayedOfOpus(bytes, countedSeconds), bytes.length / mostBytesPerSecond.ogg),
  mp3: (bytes) => Math.max(secondsOfMp3(bytes, countedSeconds), bytes.length / mostBytesPerSecond.mp3),
  aac: (bytes) => secondsOfAac(bytes, countedSeconds),
  amr: (bytes) => secondsOfAmr(bytes, countedSeconds),
  mp4: secondsOfMp4,
  wav: secondsOfWav,
  flac: secondsOfFlac,
  webm: secondsOfWebm,
  ...{ aiff: () => 0, caf: () => 0, asf: () => 0 },
};

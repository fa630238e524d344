/** Sound and film by their first bytes: what their sender and Telegram call them is only a word. Pure. */

import { isLateMp3 } from "./sound-frames.ts";

/** `mp4` and `webm` may hold a film, whose sound is heard. */
export type SoundKind = "ogg" | "mp3" | "aac" | "mp4" | "wav" | "flac" | "webm" | "amr" | "aiff" | "caf" | "asf";

/** Containers like that of MP4 which hold pictures alone. */
const pictureBrands = new Set(["heic", "heix", "heim", "heis", "mif1", "msf1", "avif", "avis"]);

/** What it is; undefined when it is nothing that is heard. */
export function soundKindOf(bytes: Uint8Array): SoundKind | undefined {
  const head = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  if (head.startsWith("OggS")) return "ogg";
  if (head.startsWith("ID3")) return "mp3";
  if (head.startsWith("fLaC")) return "flac";
  if (head.startsWith("#!AMR")) return "amr";
  if (head.startsWith("\x1aE\xdf\xa3")) return "webm";
  if (head.startsWith("caff")) return "caf";
  if (head.startsWith("\x30\x26\xb2\x75\x8e\x66\xcf\x11")) return "asf";
  if (head.startsWith("FORM") && head.slice(8, 11) === "AIF") return "aiff";
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WAVE") return "wav";
  if (head.slice(4, 8) === "ftyp") return pictureBrands.has(head.slice(8, 12)) ? undefined : "mp4";
  const [first = 0, second = 0] = bytes;
  if (first === 0xff && (second & 0xf6) === 0xf0) return "aac";
  // Its layers II and III.
  if (first === 0xff && (second & 0xe0) === 0xe0 && [2, 4].includes(second & 6)) return "mp3";
  return isLateMp3(bytes) ? "mp3" : undefined;
}

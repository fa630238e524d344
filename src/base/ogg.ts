/** Sound in Ogg, as voice messages are. */

/** How Opus counts, whatever was recorded. */
const samplesPerSecond = 48_000;
const longestSeconds = 86_400;

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
  const seconds = Number(ogg.readBigInt64LE(at + 6)) / samplesPerSecond;
  return seconds > 0 && seconds <= longestSeconds ? seconds : 0;
}

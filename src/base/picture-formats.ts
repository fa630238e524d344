/** Formats of pictures, by how they begin. */

export type PictureMime = "image/png" | "image/jpeg" | "image/webp";

/** A picture that is made for somebody. */
export interface MadePicture {
  readonly bytes: Uint8Array;
  readonly mime: PictureMime;
}

/** A larger one Telegram takes as no photo. */
export const largestPictureBytes = 10 * 2 ** 20;

/** What a picture is, whatever its name says; undefined when it is none of these. */
export function pictureMimeOf(bytes: Uint8Array): PictureMime | undefined {
  const at = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString("latin1");
  if (at(0, 8) === "\x89PNG\r\n\x1a\n") return "image/png";
  if (at(0, 3) === "\xff\xd8\xff") return "image/jpeg";
  return at(0, 4) === "RIFF" && at(8, 12) === "WEBP" ? "image/webp" : undefined;
}

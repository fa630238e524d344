/** The pictures that come with an answer: the first few, as far as they are what they must be. */
import { largestPictureBytes, type MadePicture, pictureMimeOf } from "../../base/picture-formats.ts";

export interface DrawnPictures {
  /** Takes one as it stands in JSON, in base64. */
  take(base64: string): void;
  /** Each once, in their order. */
  readonly all: readonly MadePicture[];
}

const mostPictures = 4;
/** Characters of base64, with the backslashes that some put before their slashes. */
export const longestEncoded = Math.ceil(largestPictureBytes * 1.5);

/** Of an answer of which nothing has come yet. */
export function createDrawnPictures(): DrawnPictures {
  const all: MadePicture[] = [];
  return {
    take(base64) {
      if (all.length >= mostPictures || base64.length > longestEncoded) return;
      const bytes = Buffer.from(unescaped(base64), "base64");
      const mime = pictureMimeOf(bytes);
      if (mime === undefined || bytes.length > largestPictureBytes) return;
      // What came in pieces is often said again as a whole.
      if (!all.some((other) => bytes.equals(other.bytes))) all.push({ bytes, mime });
    },
    all,
  };
}

function unescaped(json: string): string {
  return json.includes("\\") ? json.replaceAll("\\/", "/").replaceAll(/\\[nrt]/g, "") : json;
}

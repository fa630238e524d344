/** What a file is, by its content. What its sender and Telegram call it is only a word. Pure. */

export type Kind =
  | "pdf"
  /** Something stands before its beginning. */
  | "perhaps-pdf"
  | "zip"
  /** An office file of before 2007, or an encrypted one of today. */
  | "compound"
  | "rtf"
  | "picture"
  /** A picture of a kind that is not decoded. */
  | "foreign-picture"
  /** Anything that is no text: sound, film, programs, archives. */
  | "binary"
  | "perhaps-text";

const signatures: readonly (readonly [Kind, string, number?])[] = [
  ["picture", "ffd8ff"],
  ["picture", "89504e470d0a1a0a"],
  ["picture", "474946383761"],
  ["picture", "474946383961"],
  ["picture", "57454250", 8],
  ["zip", "504b0304"],
  ["zip", "504b0506"],
  ["compound", "d0cf11e0a1b11ae1"],
  ["rtf", "7b5c727466"],
  ["foreign-picture", "49492a00"],
  ["foreign-picture", "4d4d002a"],
  ["foreign-picture", "0000000c6a502020"],
  ["foreign-picture", "ff0a"],
  ["foreign-picture", "38425053"],
  ["binary", "1f8b"],
  ["binary", "377abcaf271c"],
  ["binary", "526172211a07"],
  ["binary", "425a68"],
  ["binary", "fd377a585a00"],
  ["binary", "28b52ffd"],
  ["binary", "4f676753"],
  ["binary", "494433"],
  ["binary", "664c6143"],
  ["binary", "7f454c46"],
  ["binary", "774f4646"],
];

/** Brands of the container that phones keep pictures in. */
const pictureBrands = new Set(["heic", "heix", "hevc", "heim", "heis", "mif1", "msf1", "avif", "avis"]);
/** A PDF may have this much before its beginning. */
const pdfWithin = 1_024;

/** What the first bytes tell. */
export function kindOf(bytes: Uint8Array): Kind {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, pdfWithin)).toString("latin1");
  if (head.startsWith("%PDF-")) return "pdf";
  if (head.includes("%PDF-")) return "perhaps-pdf";
  const brand = head.slice(4, 8) === "ftyp" ? head.slice(8, 12) : undefined;
  if (brand !== undefined) return pictureBrands.has(brand) ? "foreign-picture" : "binary";
  const hex = Buffer.from(head.slice(0, 16), "latin1").toString("hex");
  for (const [kind, signature, offset = 0] of signatures) {
    if (hex.startsWith(signature, offset * 2)) return kind;
  }
  // "BM" begins many a text, too.
  if (head.startsWith("BM") && head.slice(6, 10) === "\0\0\0\0") return "foreign-picture";
  return "perhaps-text";
}

/** Whether an office file of the old container is one of today behind a password. */
export function isEncryptedOffice(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(Buffer.from("EncryptedPackage", "utf16le"));
}

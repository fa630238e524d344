/** Telegram gives a bot no larger file, and a caption has room for so many characters. */
export const LARGEST_FILE = 20 * 1024 * 1024;
export const LARGEST_MESSAGE = 64 * 1024 * 1024;
export const LONGEST_CAPTION = 1024;

/** A number of bytes for a reader; nothing when it is not known. */
export function sizeOf(bytes) {
  if (bytes === undefined) return "";
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** Minutes and seconds. */
export function lengthOf(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

/** Files of a Bot API server of one's own that shares its disk with us (`--local`): it names them by their absolute path. */
import { open, realpath, stat } from "node:fs/promises";
import { sep } from "node:path";
import { MediaError } from "../ports/media.ts";

/**
 * The bytes of a file inside of the folder, wherever links lead; rejects with a `MediaError`. What is no ordinary file, or lies
 * elsewhere, does not exist for us.
 */
export async function readLocalFile(folder: string | undefined, path: string, limitBytes: number): Promise<Uint8Array> {
  if (folder === undefined)
    throw new MediaError("gone", "the file lies on a disk; TELEGRAM_LOCAL_FILES names no folder");
  try {
    const [inside, target] = await Promise.all([realpath(folder), realpath(path)]);
    const found = target.startsWith(inside.endsWith(sep) ? inside : inside + sep) ? await stat(target) : undefined;
    if (found?.isFile() !== true) throw new MediaError("gone", "the file lies outside of TELEGRAM_LOCAL_FILES");
    if (found.size > limitBytes) throw new MediaError("too-big", "the file is larger than may be read");
    return await readUpTo(target, limitBytes);
  } catch (error) {
    if (error instanceof MediaError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new MediaError("gone", `the file cannot be read from the disk (${code})`);
  }
}

/** However long it has become meanwhile. */
async function readUpTo(path: string, limitBytes: number): Promise<Uint8Array> {
  await using file = await open(path);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    length += (chunk as Uint8Array).length;
    if (length > limitBytes) throw new MediaError("too-big", "the file is larger than may be read");
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks, length);
}

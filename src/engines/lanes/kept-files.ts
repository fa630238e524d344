/** How what long files say is kept: small, since most of it is never asked for. */
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import type { FileText } from "../../ports/files.ts";

/** Of one conversation; the oldest go. */
export const keptFiles = 10;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** What a file says, as it is kept. */
export async function packFile(file: FileText): Promise<Buffer> {
  return await compress(JSON.stringify(file));
}

/** What was kept, as what it says. */
export async function unpackFile(packed: Uint8Array): Promise<FileText> {
  return JSON.parse((await decompress(packed)).toString());
}

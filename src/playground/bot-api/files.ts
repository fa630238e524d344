import { createHash } from "node:crypto";
import type { StoredFile } from "./types.ts";

export interface Files {
  add(name: string, mimeType: string, bytes: Uint8Array): StoredFile;
  get(fileId: string): StoredFile | undefined;
  /** The path in a download address of `fileId`, and back. */
  pathOf(file: StoredFile): string;
  at(path: string): StoredFile | undefined;
  /** The same for the same bytes, whoever sent them. */
  uniqueIdOf(file: StoredFile): string;
}

/** The files that were sent, in memory. */
export function createFiles(): Files {
  const byId = new Map<string, StoredFile>();
  const files: Files = {
    add(name, mimeType, bytes) {
      const file: StoredFile = { fileId: `BQAC${String(byId.size + 1).padStart(12, "0")}`, name, mimeType, bytes };
      byId.set(file.fileId, file);
      return file;
    },
    get: (fileId) => byId.get(fileId),
    pathOf: (file) =>
      `${file.mimeType.startsWith("image/") ? "photos" : "documents"}/${file.fileId}/${encodeURIComponent(file.name)}`,
    at: (path) => byId.get(path.split("/")[1] ?? ""),
    uniqueIdOf: (file) => createHash("sha1").update(file.bytes).digest("base64url").slice(0, 16),
  };
  return files;
}

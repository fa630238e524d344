import { createHash } from "node:crypto";
import type { StoredFile } from "./types.ts";

export interface Files {
  add(name: string, mimeType: string, bytes: Uint8Array): StoredFile;
  /** Undefined also when it was forgotten. */
  get(fileId: string): StoredFile | undefined;
  /** The path in a download address of `fileId`, and back. */
  pathOf(file: StoredFile): string;
  at(path: string): StoredFile | undefined;
}

interface KeptFile extends StoredFile {
  bytes: Uint8Array;
}

/** The files that were sent, in memory: the newest of them up to so many bytes, and always the last one. */
export function createFiles(mostBytes: number): Files {
  const byId = new Map<string, KeptFile>();
  let added = 0;
  let keptBytes = 0;

  function makeRoom(): void {
    for (const [fileId, file] of byId) {
      if (keptBytes <= mostBytes || byId.size === 1) return;
      keptBytes -= file.bytes.length;
      // Messages still hold the file itself.
      file.bytes = new Uint8Array();
      byId.delete(fileId);
    }
  }

  return {
    add(name, mimeType, bytes) {
      added += 1;
      const uniqueId = createHash("sha1").update(bytes).digest("base64url").slice(0, 16);
      const file: KeptFile = { fileId: `BQAC${String(added).padStart(12, "0")}`, uniqueId, name, mimeType, bytes };
      byId.set(file.fileId, file);
      keptBytes += bytes.length;
      makeRoom();
      return file;
    },
    get: (fileId) => byId.get(fileId),
    pathOf: (file) =>
      `${file.mimeType.startsWith("image/") ? "photos" : "documents"}/${file.fileId}/${encodeURIComponent(file.name)}`,
    at: (path) => byId.get(path.split("/")[1] ?? ""),
  };
}

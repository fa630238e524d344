/** Reading files in a test, and looking at the process that does it. */
import { readdirSync, readFileSync } from "node:fs";
import { createLogger } from "../../src/base/log.ts";
import { createFileReader, type FileReaderOptions } from "../../src/media/child/reader.ts";
import type { FileReading, FileToRead } from "../../src/ports/files.ts";

export interface ReadingScene {
  read(bytes: Uint8Array, more?: Omit<FileToRead, "bytes">, signal?: AbortSignal): Promise<FileReading>;
  /** The text of what must have some. */
  text(bytes: Uint8Array, more?: Omit<FileToRead, "bytes">): Promise<string>;
  /** Process ids of the children that live. */
  children(): number[];
  stop(): Promise<void>;
}

/** Creates a reader, which starts no child before it is needed. */
export function createReadingScene(options: Omit<FileReaderOptions, "log"> = {}): ReadingScene {
  const log = createLogger({ level: "silent", secrets: [], pretty: false });
  const reader = createFileReader({ log, startsAhead: false, ...options });
  // All files are of one question unless somebody says otherwise.
  const question = new AbortController().signal;
  const read: ReadingScene["read"] = (bytes, more = {}, signal = question) => reader.read({ bytes, ...more }, signal);
  return {
    read,
    async text(bytes, more) {
      const reading = await read(bytes, more);
      if (reading.kind !== "text") throw new Error(`no text: ${JSON.stringify(reading)}`);
      return reading.parts.map(({ text }) => text).join("\n\f\n");
    },
    children: () => childrenOf(process.pid),
    stop: () => reader.stop(),
  };
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const listed = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8");
    return listed.split(" ").filter(Boolean).map(Number);
  });
}

/** Resident memory of a process, and the most that it has been; megabytes, 0 when it is gone. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const megabytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    return { now: megabytes("VmRSS"), peak: megabytes("VmHWM") };
  } catch {
    return { now: 0, peak: 0 };
  }
}

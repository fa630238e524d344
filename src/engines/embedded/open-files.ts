/** Whether what a process has open is still what stands at its path: a file that was deleted takes every write all the same. */
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { messageOf } from "../../base/errors.ts";

export interface OpenFiles {
  /** What is wrong, or nothing. A few microseconds. */
  lost(): string | undefined;
  /** Of a database only when that is closed: its locks go with any of its file's descriptors. */
  close(): void;
}

/** Keeps an eye on files; they must be there. */
export function watchFiles(paths: readonly string[]): OpenFiles {
  const files = paths.map((path) => ({ path, descriptor: openSync(path, "r") }));

  function lost(): string | undefined {
    for (const { path, descriptor } of files) {
      try {
        const there = statSync(path, { bigint: true, throwIfNoEntry: false });
        const ours = fstatSync(descriptor, { bigint: true });
        if (there === undefined) return `${path} is gone`;
        if (there.ino !== ours.ino || there.dev !== ours.dev) return `another file stands at ${path}`;
      } catch (error) {
        return messageOf(error);
      }
    }
    return undefined;
  }

  return {
    lost,
    close() {
      for (const { descriptor } of files) closeSync(descriptor);
    },
  };
}

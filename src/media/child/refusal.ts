import type { FileRefusal } from "../../ports/files.ts";

/** Nothing can be made of the file, for a reason that its sender is told. */
export class Refused extends Error {
  readonly reason: FileRefusal;
  constructor(reason: FileRefusal) {
    super(reason);
    this.name = "Refused";
    this.reason = reason;
  }
}

/** How WebAssembly and V8 say that there is no more memory, or stack: what has thrown it must not be used again. */
export function isExhausted(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof Error && error.name === "RuntimeError");
}

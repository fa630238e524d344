/** How findings are made, and what a failure is called in them. */
import type { Finding } from "../../ports/operators.ts";

/** All is well. */
export function ok(about: string, says: string): Finding {
  return { state: "ok", about, says };
}

/** It works, but probably not as meant. */
export function warn(about: string, says: string, todo?: string): Finding {
  return { state: "warn", about, says, todo };
}

/** Something must be mended. */
export function bad(about: string, says: string, todo?: string): Finding {
  return { state: "bad", about, says, todo };
}

/** Why something could not be reached, in a few words: never an address, which may hold a secret. */
export function reasonIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError" || error.name === "AbortError") return "no answer in time";
  // Where a name has several addresses, their common error has only a code.
  return error.message || ("code" in error ? String(error.code) : error.name);
}

/** A file that a variable names, with a JSON object in it. */
import { readFileSync } from "node:fs";

/**
 * The object in the file; undefined, and `wrong` is told what is wrong with it and what would be right, when there is none.
 * What is said never repeats the path: it might be a secret in the wrong place.
 */
export function readJsonFile(
  path: string,
  example: string,
  wrong: (what: string) => void,
): Readonly<Record<string, unknown>> | undefined {
  let file: unknown;
  try {
    file = JSON.parse(readFileSync(path, "utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    if (error instanceof SyntaxError) {
      const place = /\(line (\d+) column (\d+)\)/.exec(error.message);
      const where = place === null ? "" : ` in line ${place[1]}, column ${place[2]}`;
      wrong(`names a file that is not JSON${where}; write it like ${example}`);
    } else {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
      wrong(`names a file that cannot be read (${code}); check its path and who may read it`);
    }
    return undefined;
  }
  if (isObject(file)) return file;
  wrong(`names a file that is not a JSON object; write it like ${example}`);
  return undefined;
}

/** Whether it is an object as JSON means it. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

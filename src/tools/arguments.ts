/** What models give tools: it may be anything. */

/** A text that says something, by its name; undefined where there is none. */
export function textIn(args: unknown, name: string): string | undefined {
  const value = fieldIn(args, name);
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** A whole number above 0, also one that is written as a text; undefined where there is none. */
export function countIn(args: unknown, name: string): number | undefined {
  const value = fieldIn(args, name);
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

function fieldIn(args: unknown, name: string): unknown {
  return typeof args === "object" && args !== null ? (args as Readonly<Record<string, unknown>>)[name] : undefined;
}

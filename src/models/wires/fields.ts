/** Takes apart what was read as JSON, whatever it is. Pure. */

export type Fields = Readonly<Record<string, unknown>>;

/** A value as an object; one without fields when it is none. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** Whether a value is an object and no list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The entries of a list that are objects. */
export function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** A string as it is, anything else as none. */
export function stringIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** JSON, or what Python writes for it: with numbers that are none. Undefined when it is neither. */
export function parsedJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    const mended = data.replace(/([[:,]\s?)-?(?:NaN|Infinity)(?=\s?[,}\]])/g, "$1null");
    return mended === data ? undefined : parsedJson(mended);
  }
}

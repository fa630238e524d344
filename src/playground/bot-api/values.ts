/** Values inside of JSON parameters, checked field by field with Telegram's words. */
import { badRequest } from "./refusal.ts";

export type FieldType = "string" | "integer" | "boolean" | "object" | "array" | "identifier";

/** Field to type; a question mark behind it makes the field optional. */
export type Fields = Readonly<Record<string, FieldType | `${FieldType}?`>>;

/** A parameter that holds JSON: parsed already in a JSON body, text in every other one. */
export function parseJson(raw: unknown, complaint: string): unknown {
  if (typeof raw !== "string") return raw;
  try {
    return JSON.parse(raw);
  } catch {
    throw badRequest(complaint);
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Checks an object's fields. A field that the table does not name is refused, unless `loose`: that is our own strictness. */
export function checkFields(value: unknown, fields: Fields, where: string, loose = false): Record<string, unknown> {
  // Telegram begins its descriptions with a small letter.
  const refuse = (what: string) =>
    badRequest(where === "" ? what.charAt(0).toLowerCase() + what.slice(1) : `${where}: ${what}`);
  if (!isObject(value)) throw refuse("expected an Object");
  for (const [name, type] of Object.entries(fields)) {
    const field = value[name];
    if (field === undefined || field === null) {
      if (!type.endsWith("?")) throw refuse(`Can't find field "${name}"`);
      continue;
    }
    const complaint = complaintOf(field, type.replace("?", "") as FieldType);
    if (complaint !== undefined) throw refuse(`Field "${name}" ${complaint}`);
  }
  if (!loose) {
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined) throw refuse(`unknown field "${unknown}"`);
  }
  return value;
}

function complaintOf(value: unknown, type: FieldType): string | undefined {
  switch (type) {
    case "string":
      return typeof value === "string" ? undefined : "must be of type String";
    case "integer":
      return Number.isSafeInteger(value) ? undefined : "must be a valid Number";
    case "boolean":
      return typeof value === "boolean" ? undefined : "must be of type Boolean";
    case "object":
      return isObject(value) ? undefined : "must be of type Object";
    case "array":
      return Array.isArray(value) ? undefined : "must be of type Array";
    case "identifier":
      return Number.isSafeInteger(value) || typeof value === "string" ? undefined : "must be of type String";
  }
}

/** Whether Telegram takes this for the address of a link; one without a scheme is taken as `http`. */
export function isLink(address: string): boolean {
  const trimmed = address.trim();
  if (/^(?:tg|ton|tonsite):/i.test(trimmed)) return /^\w+:(?:\/\/)?[\w-]/.test(trimmed);
  const url = URL.parse(/^\w[\w+.-]*:\/\//.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (url === null || !/^https?:$/.test(url.protocol) || /\s/.test(trimmed)) return false;
  // A name without a dot, `localhost` too, is no address for Telegram.
  return url.hostname.includes(".") || url.hostname.startsWith("[");
}

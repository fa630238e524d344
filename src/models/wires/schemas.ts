/** Schemas of tools in the part of JSON schema that every provider takes. Pure. */
import { type Fields, fieldsOf, isFields, stringIn } from "./fields.ts";

/** A schema may refer to itself again and again. */
const mostNodes = 2_000;
const deepest = 32;

const kept = ["type", "description", "format", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"];
/** Gemini takes no others. */
const formats: ReadonlySet<unknown> = new Set(["enum", "date-time"]);

interface Within {
  readonly root: Fields;
  /** References that are being followed. */
  readonly following: readonly string[];
  readonly depth: number;
  readonly nodes: { left: number };
}

/** The schema without what names its language: for those who take all of it. */
export function wholeSchema({ $schema: _language, ...schema }: Fields): Fields {
  return schema;
}

/**
 * The schema in a few words that all understand: references are put in place (one to itself is any object), a constant is a
 * choice of one, of several forms the first stands. It asks for less than the original; whoever carries a call out checks that.
 */
export function portableSchema(schema: Fields): Fields {
  const within = { root: schema, following: [], depth: 0, nodes: { left: mostNodes } };
  const { type: _type, properties, ...written } = plain(schema, within);
  return { type: "object", properties: fieldsOf(properties), ...written };
}

function plain(schema: unknown, within: Within): Fields {
  within.nodes.left -= 1;
  if (!isFields(schema) || within.nodes.left < 0 || within.depth > deepest) return { type: "object" };
  const deeper = { ...within, depth: within.depth + 1 };
  const reference = stringIn(schema["$ref"]);
  if (reference !== "") {
    if (within.following.includes(reference)) return { type: "object" };
    const { $ref: _reference, ...beside } = schema;
    const target = { ...fieldsOf(at(within.root, reference)), ...beside };
    return plain(target, { ...deeper, following: [...within.following, reference] });
  }
  const branches = [schema["anyOf"], schema["oneOf"], schema["allOf"]].find(Array.isArray);
  if (branches !== undefined) {
    const { anyOf: _any, oneOf: _one, allOf: _all, ...beside } = schema;
    const all = Array.isArray(schema["allOf"]) && branches === schema["allOf"];
    const real = branches.filter((branch) => fieldsOf(branch)["type"] !== "null");
    const chosen = all ? merged(branches) : fieldsOf(real[0]);
    const written = plain({ ...chosen, ...beside }, deeper);
    return real.length < branches.length && !all ? { ...written, nullable: true } : written;
  }
  return written(schema, deeper);
}

function written(schema: Fields, within: Within): Fields {
  const types = [schema["type"]].flat();
  const type = types.find((one) => typeof one === "string" && one !== "null");
  const choice = "const" in schema ? [schema["const"]] : schema["enum"];
  const properties = isFields(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  const result: Record<string, unknown> = {};
  for (const name of kept) if (schema[name] !== undefined) result[name] = schema[name];
  if (!formats.has(result["format"])) delete result["format"];
  result["type"] = type ?? typeOf(schema, choice);
  if (types.includes("null") || schema["nullable"] === true) result["nullable"] = true;
  const [least, most] = [schema["exclusiveMinimum"], schema["exclusiveMaximum"]];
  if (typeof least === "number") result["minimum"] ??= least;
  if (typeof most === "number") result["maximum"] ??= most;
  if (Array.isArray(choice)) {
    const words = choice.filter((one) => one !== null).map(String);
    // Only words may be chosen from.
    if (words.length > 0 && result["type"] === "string") result["enum"] = words;
  }
  if (result["type"] === "array") result["items"] = plain(itemsOf(schema["items"]), within);
  if (properties.length > 0) {
    result["properties"] = Object.fromEntries(properties.map(([name, one]) => [name, plain(one, within)]));
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    const there = required.filter((name) => properties.some(([one]) => one === name));
    if (there.length > 0) result["required"] = there;
  }
  return result;
}

function typeOf(schema: Fields, choice: unknown): string {
  if (Array.isArray(choice) && choice.length > 0) {
    const kind = typeof choice[0];
    return kind === "number" || kind === "boolean" ? kind : "string";
  }
  if (schema["items"] !== undefined) return "array";
  return isFields(schema["properties"]) ? "object" : "string";
}

/** A list of known places is one of its first. */
function itemsOf(items: unknown): unknown {
  const one = Array.isArray(items) ? items[0] : items;
  return isFields(one) ? one : { type: "string" };
}

function merged(branches: readonly unknown[]): Fields {
  const all = branches.map(fieldsOf);
  const properties = Object.assign({}, ...all.map((one) => fieldsOf(one["properties"]))) as Fields;
  const required = all.flatMap((one) => (Array.isArray(one["required"]) ? one["required"] : []));
  const together = Object.assign({}, ...all) as Fields;
  return Object.keys(properties).length === 0 ? together : { ...together, properties, required };
}

/** What a reference within the schema points to: `#/$defs/Place`. */
function at(root: Fields, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  let here: unknown = root;
  for (const step of reference.slice(1).split("/").slice(1, deepest)) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    here = Object.hasOwn(fieldsOf(here), name) ? fieldsOf(here)[name] : undefined;
  }
  return here;
}

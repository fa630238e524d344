/** What servers say of their tools, made fit for a model: what is said is a claim, and may be anything. */
import { createHash } from "node:crypto";
import { seenText } from "../../base/characters.ts";

export interface Definition {
  /** As its server names it. */
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly hints: {
    readonly readOnly: boolean;
    readonly idempotent: boolean;
    readonly openWorld: boolean;
    readonly closedWorld?: true;
  };
  /** Of all that it was defined with: the same as long as nothing of it changes. */
  readonly hash: string;
}

export interface ToolList {
  readonly definitions: readonly Definition[];
  /** What could not be used, and why, a line each. */
  readonly leftOut: readonly string[];
}

const mostTools = 200;
const mostNameCharacters = 200;
const mostDescriptionCharacters = 4_000;
/** Of a schema. */
const mostNodes = 1_000;
const mostDepth = 20;
const mostSchemaCharacters = 12_000;

/** Reads a list as a server has sent it; of two tools with one name the first counts. */
export function readDefinitions(server: string, list: readonly unknown[]): ToolList {
  const definitions = new Map<string, Definition>();
  const leftOut: string[] = [];
  for (const [index, entry] of list.slice(0, mostTools).entries()) {
    const { name, description, inputSchema, annotations } = fieldsOf(entry);
    if (typeof name !== "string" || name === "" || name.length > mostNameCharacters) {
      leftOut.push(`tool ${index + 1} of ${server} has no name that could be used`);
      continue;
    }
    const shown = `${JSON.stringify(name)} of ${server}`;
    const wrong = definitions.has(name) ? "stands there twice" : mistakeIn(inputSchema);
    if (wrong !== undefined) {
      leftOut.push(`${shown} ${wrong}`);
      continue;
    }
    const { readOnlyHint, idempotentHint, openWorldHint } = fieldsOf(annotations);
    const hints = {
      readOnly: readOnlyHint === true,
      idempotent: idempotentHint === true,
      openWorld: openWorldHint === true,
      // What is said is something else than what is left out.
      ...(openWorldHint === false ? { closedWorld: true as const } : {}),
    };
    const said = typeof description === "string" ? description : "";
    definitions.set(name, {
      name,
      description: seenText(said.slice(0, mostDescriptionCharacters)).trim(),
      parameters: clean({ type: "object", ...fieldsOf(inputSchema) }),
      hints,
      hash: hashOf([name, said, inputSchema, hints]),
    });
  }
  if (list.length > mostTools)
    leftOut.push(`${list.length - mostTools} tools of ${server} beyond the first ${mostTools}`);
  return { definitions: [...definitions.values()], leftOut };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** Why a schema cannot be shown to a model; undefined when it can. */
function mistakeIn(schema: unknown): string | undefined {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return "has no schema";
  const { type } = fieldsOf(schema);
  if (type !== undefined && type !== "object") return "has a schema of no object";
  // By hand: nothing that descends by calls may look at what is not known to be shallow.
  const left: { readonly value: unknown; readonly depth: number }[] = [{ value: schema, depth: 1 }];
  let nodes = 0;
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    nodes += 1;
    if (nodes + left.length > mostNodes) return `has a schema of more than ${mostNodes} parts`;
    if (one.depth > mostDepth) return `has a schema that is deeper than ${mostDepth}`;
    if (typeof one.value !== "object" || one.value === null) continue;
    for (const value of Object.values(one.value)) {
      left.push({ value, depth: one.depth + 1 });
      if (left.length > mostNodes) break;
    }
  }
  return JSON.stringify(schema).length > mostSchemaCharacters
    ? `has a schema of more than ${mostSchemaCharacters} characters`
    : undefined;
}

/** The schema as it was given, without `$schema`, which providers refuse, and without what nobody sees. */
function clean({ $schema: _, ...schema }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) =>
    typeof value === "string" ? seenText(value) : value,
  );
}

/** Fields in another order are no other definition. */
function hashOf(definition: unknown): string {
  const sorted = JSON.stringify(definition, (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash("sha256").update(sorted).digest("hex");
}

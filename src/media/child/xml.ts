/** XML as a stream of elements. */
import type { Archive } from "./archive.ts";
import { maxDepth, maxRunCharacters } from "./limits.ts";
import { Refused } from "./refusal.ts";

export type Attributes = Readonly<Record<string, string>>;

/** What is done with elements; by their names without what stands before the colon. */
export interface Walker {
  open?(name: string, attributes: Attributes): void;
  text?(text: string): void;
  close?(name: string): void;
  /** Nothing more is wanted of this file. */
  done?(): boolean;
}

/** Walks through a file of an archive; one that is missing has nothing in it. No entity is known but those of XML itself. */
export async function walkXml(archive: Archive, file: string, walker: Walker): Promise<void> {
  const { SaxesParser } = await import("saxes");
  const parser = new SaxesParser({ position: false, xmlns: false });
  let sinceElement = 0;
  let depth = 0;
  parser.on("error", () => {
    throw new Refused("damaged");
  });
  parser.on("doctype", () => {
    throw new Refused("damaged");
  });
  parser.on("opentag", ({ name, attributes }) => {
    sinceElement = 0;
    if (++depth > maxDepth) throw new Refused("limits");
    walker.open?.(local(name), attributes);
  });
  parser.on("closetag", ({ name }) => {
    sinceElement = 0;
    depth--;
    walker.close?.(local(name));
  });
  const text = (said: string) => walker.text?.(said);
  parser.on("text", text);
  parser.on("cdata", text);
  for await (const piece of archive.pieces(file)) {
    parser.write(piece);
    sinceElement += piece.length;
    if (sinceElement > maxRunCharacters) throw new Refused("limits");
    if (walker.done?.() === true) return;
  }
  if (archive.has(file)) parser.close();
}

function local(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/** An attribute by its name without what stands before the colon. */
export function attribute(attributes: Attributes, name: string): string | undefined {
  if (attributes[name] !== undefined) return attributes[name];
  for (const key in attributes) if (local(key) === name) return attributes[key];
  return undefined;
}

/** Like `attribute`, of those that have something before the colon: an `r:id` beside an `id`. */
export function prefixedAttribute(attributes: Attributes, name: string): string | undefined {
  for (const key in attributes) if (key.endsWith(`:${name}`)) return attributes[key];
  return undefined;
}

/** A whole number that an attribute gives, within bounds. */
export function countOf(text: string | undefined, otherwise: number, most: number): number {
  const number = Number(text ?? otherwise);
  return Number.isFinite(number) && number >= 0 ? Math.min(Math.floor(number), most) : otherwise;
}

/** How the files inside an office document find each other. */
import { dirname, join } from "node:path/posix";
import type { Archive } from "./archive.ts";
import { attribute, walkXml } from "./xml.ts";

export interface Relation {
  readonly id: string;
  /** The last word of its type: `slide`, `worksheet`, … */
  readonly type: string;
  /** The file's name inside the archive. */
  readonly target: string;
}

/** What a file refers to inside the archive; the archive itself has the name "". */
export async function relationsOf(archive: Archive, file: string): Promise<readonly Relation[]> {
  const folder = file === "" ? "" : dirname(file);
  const relations: Relation[] = [];
  await walkXml(archive, join(folder, "_rels", `${file.slice(file.lastIndexOf("/") + 1)}.rels`), {
    open(name, attributes) {
      if (name !== "Relationship" || attribute(attributes, "TargetMode") === "External") return;
      const [id, type, target] = ["Id", "Type", "Target"].map((key) => attribute(attributes, key) ?? "");
      if (!id || !type || !target) return;
      const whole = target.startsWith("/") ? target.slice(1) : join(folder, target);
      relations.push({ id, type: type.slice(type.lastIndexOf("/") + 1), target: whole });
    },
  });
  return relations;
}

/** The file of a document that all others hang on; undefined when it is no office document. */
export async function mainPart(archive: Archive): Promise<string | undefined> {
  const relations = await relationsOf(archive, "");
  return relations.find(({ type }) => type === "officeDocument")?.target;
}

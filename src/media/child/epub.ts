import { dirname, join } from "node:path/posix";
import type { FileText } from "../../ports/files.ts";
import type { Archive } from "./archive.ts";
import { createCollector, textOfFile } from "./collector.ts";
import { collectHtml } from "./html.ts";
import { maxChapters } from "./limits.ts";
import { Refused } from "./refusal.ts";
import { attribute, walkXml } from "./xml.ts";

/** Characters of one chapter's markup. */
const maxChapterCharacters = 8 * 1024 * 1024;

/** Reads a book: its chapters in the order in which they are read. */
export async function readEpub(archive: Archive): Promise<FileText> {
  let opf: string | undefined;
  await walkXml(archive, "META-INF/container.xml", {
    open(name, attributes) {
      if (name === "rootfile") opf ??= attribute(attributes, "full-path");
    },
  });
  if (opf === undefined || !archive.has(opf)) throw new Refused("damaged");
  const chapters = await chaptersOf(archive, opf);
  const locked = await lockedFiles(archive);
  if (chapters.length > 0 && chapters.every((chapter) => locked.has(chapter))) throw new Refused("password");
  const collector = createCollector();
  for (const chapter of chapters.slice(0, maxChapters)) {
    if (collector.full) break;
    collector.begin();
    await collectHtml(await archive.head(chapter, maxChapterCharacters), collector, true);
  }
  return textOfFile("epub", collector, "chapter", chapters.length);
}

async function chaptersOf(archive: Archive, opf: string): Promise<string[]> {
  const files = new Map<string, string>();
  const chapters: string[] = [];
  await walkXml(archive, opf, {
    open(name, attributes) {
      const [id, href, idref] = ["id", "href", "idref"].map((key) => attribute(attributes, key));
      if (name === "item" && id !== undefined && href !== undefined) files.set(id, join(dirname(opf), plain(href)));
      const file = name === "itemref" && idref !== undefined ? files.get(idref) : undefined;
      if (file !== undefined) chapters.push(file);
    },
  });
  return chapters;
}

/** Files that only the shop's own reader can open. */
async function lockedFiles(archive: Archive): Promise<ReadonlySet<string>> {
  const locked = new Set<string>();
  await walkXml(archive, "META-INF/encryption.xml", {
    open(name, attributes) {
      if (name === "CipherReference") locked.add(plain(attribute(attributes, "URI") ?? ""));
    },
  });
  return locked;
}

function plain(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}

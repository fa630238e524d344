/** Documents that are archives, told apart by what is in them. */
import type { FileText } from "../../ports/files.ts";
import { type Archive, openArchive } from "./archive.ts";
import { readDocx } from "./docx.ts";
import { readEpub } from "./epub.ts";
import { type OdfFormat, readOdf } from "./odf.ts";
import { mainPart } from "./package-parts.ts";
import { readPptx } from "./pptx.ts";
import { Refused } from "./refusal.ts";
import { readXlsx } from "./xlsx.ts";

const odfTypes: readonly (readonly [string, OdfFormat])[] = [
  ["application/vnd.oasis.opendocument.text", "odt"],
  ["application/vnd.oasis.opendocument.spreadsheet", "ods"],
  ["application/vnd.oasis.opendocument.presentation", "odp"],
];

/** Reads a document that is an archive; other archives are refused. */
export async function readDocument(bytes: Uint8Array): Promise<FileText> {
  const archive = await openArchive(bytes);
  const type = (await archive.head("mimetype", 200)).trim();
  if (type === "application/epub+zip" || archive.has("META-INF/container.xml")) return await readEpub(archive);
  const odf = odfTypes.find(([start]) => type.startsWith(start))?.[1];
  if (odf !== undefined) return await readOdf(archive, odf);
  return await readOffice(archive);
}

async function readOffice(archive: Archive): Promise<FileText> {
  const main = await mainPart(archive);
  if (main === undefined) throw new Refused("unknown");
  // The same as XML is asked for: of the two kinds of sheets this is the one that nobody else reads either.
  if (main.endsWith(".bin")) throw new Refused("legacy");
  if (!archive.has(main)) throw new Refused("damaged");
  if (main.startsWith("word/")) return await readDocx(archive, main);
  if (main.startsWith("xl/")) return await readXlsx(archive, main);
  if (main.startsWith("ppt/")) return await readPptx(archive, main);
  throw new Refused("unknown");
}

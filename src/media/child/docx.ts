import type { FileText } from "../../ports/files.ts";
import type { Archive } from "./archive.ts";
import { type Collector, createCollector, textOfFile } from "./collector.ts";
import { createFlow, type Flow } from "./flow.ts";
import { relationsOf } from "./package-parts.ts";
import { type Attributes, attribute, countOf, walkXml } from "./xml.ts";

/** Reads a document of Word: its paragraphs with headings, lists, tables, text boxes and notes. What was deleted is not there. */
export async function readDocx(archive: Archive, main: string): Promise<FileText> {
  const relations = await relationsOf(archive, main);
  const partOf = (type: string) => relations.find((relation) => relation.type === type)?.target;
  const headings = await headingsOf(archive, partOf("styles"));
  const collector = createCollector();
  const flow = createFlow(collector);
  await walkXml(archive, main, wordWalker(flow, headings));
  flow.end();
  for (const type of ["footnotes", "endnotes"]) {
    const file = partOf(type);
    if (file !== undefined && !collector.full) await collectNotes(archive, file, collector);
  }
  return textOfFile("docx", collector);
}

/** Levels of headings by the ids of their styles, which are in the language of the program. */
async function headingsOf(archive: Archive, file: string | undefined): Promise<ReadonlyMap<string, number>> {
  const headings = new Map<string, number>();
  if (file === undefined) return headings;
  let style = "";
  await walkXml(archive, file, {
    open(name, attributes) {
      if (name === "style") style = attribute(attributes, "styleId") ?? "";
      if (name !== "name") return;
      const called = attribute(attributes, "val")?.toLowerCase() ?? "";
      const level = called === "title" ? "1" : /^heading ([1-6])$/.exec(called)?.[1];
      if (level !== undefined) headings.set(style, Number(level));
    },
  });
  return headings;
}

/** What stands there once more for programs of before; what was deleted, or moved elsewhere. */
const unseen = new Set(["Fallback", "del", "moveFrom"]);

function wordWalker(flow: Flow, headings: ReadonlyMap<string, number>) {
  /** How deep it is in what is not seen, and in properties. */
  let skipped = 0;
  let properties = 0;
  let inText = false;
  let isHeading = false;
  function open(name: string, attributes: Attributes): void {
    if (unseen.has(name)) skipped++;
    if (skipped > 0) return;
    if (name === "p") flow.openParagraph();
    else if (name === "pPr") properties++;
    else if (name === "t") inText = true;
    else if (name === "tr") flow.openRow();
    else if (name === "tc") flow.openCell();
    else if (properties > 0) openProperty(name, attributes);
    else if (name === "tab") flow.text("\t");
    else if (name === "br" || name === "cr") flow.text("\n");
    else if (name === "noBreakHyphen") flow.text("-");
    else if (name === "footnoteReference" || name === "endnoteReference") {
      flow.text(`[^${name.slice(0, 1)}${attribute(attributes, "id") ?? ""}]`);
    }
  }
  function openProperty(name: string, attributes: Attributes): void {
    if (name === "pStyle") {
      const level = headings.get(attribute(attributes, "val") ?? "");
      isHeading = level !== undefined;
      if (level !== undefined) flow.mark(`\n${"#".repeat(level)} `);
    } else if (name === "ilvl" && !isHeading) {
      flow.mark(`${"  ".repeat(countOf(attribute(attributes, "val"), 0, 8))}- `);
    }
  }
  return {
    open,
    text(text: string) {
      if (inText && skipped === 0) flow.text(text);
    },
    close(name: string) {
      if (unseen.has(name)) skipped--;
      if (skipped > 0) return;
      if (name === "p") flow.closeParagraph();
      else if (name === "pPr") {
        properties--;
        isHeading = false;
      } else if (name === "t") inText = false;
      else if (name === "tr") flow.closeRow();
      else if (name === "tc") flow.closeCell();
    },
    done: () => flow.full,
  };
}

async function collectNotes(archive: Archive, file: string, collector: Collector): Promise<void> {
  const flow = createFlow(collector);
  const walker = wordWalker(flow, new Map());
  let label: string | undefined;
  collector.add("\n");
  await walkXml(archive, file, {
    ...walker,
    open(name, attributes) {
      if (name === "footnote" || name === "endnote") {
        // Those with a type are the lines between text and notes.
        const isNote = attribute(attributes, "type") === undefined;
        label = isNote ? `[^${name.slice(0, 1)}${attribute(attributes, "id") ?? ""}]: ` : undefined;
      }
      walker.open(name, attributes);
      if (name === "p" && label !== undefined) {
        flow.mark(label);
        label = "";
      }
    },
  });
  flow.end();
}

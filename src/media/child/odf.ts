import type { FileUnit } from "../../ports/content.ts";
import type { FileText } from "../../ports/files.ts";
import type { Archive } from "./archive.ts";
import { type Collector, createCollector, textOfFile } from "./collector.ts";
import { createFlow, type Flow } from "./flow.ts";
import { maxColumns, maxParts, maxRows } from "./limits.ts";
import { Refused } from "./refusal.ts";
import { type Attributes, attribute, countOf, type Walker, walkXml } from "./xml.ts";

export type OdfFormat = "odt" | "ods" | "odp";

/** What each part is. */
const partNames: Readonly<Record<OdfFormat, string | undefined>> = { odt: undefined, ods: "table", odp: "page" };
const units: Readonly<Record<OdfFormat, FileUnit | undefined>> = { odt: undefined, ods: "sheet", odp: "slide" };
/** What is not the text itself: remarks, what was deleted, the numbers and dates that every slide shows. */
const leftOut = new Set(["annotation", "tracked-changes", "forms", "note-citation", "scripts"]);
const repeatedFrames = /^(page-number|date-time|footer|header)$/;
const maxSpaces = 100;

/** Reads a text, a sheet or a presentation in the OpenDocument format. */
export async function readOdf(archive: Archive, format: OdfFormat): Promise<FileText> {
  if (await isEncrypted(archive)) throw new Refused("password");
  const collector = createCollector();
  const walker = contentWalker(format, collector);
  await walkXml(archive, "content.xml", walker);
  walker.end();
  return textOfFile(format, collector, units[format], walker.parts);
}

async function isEncrypted(archive: Archive): Promise<boolean> {
  let encrypted = false;
  await walkXml(archive, "META-INF/manifest.xml", {
    open(name) {
      if (name === "encryption-data") encrypted = true;
    },
    done: () => encrypted,
  });
  return encrypted;
}

function contentWalker(format: OdfFormat, collector: Collector): Walker & { readonly parts: number; end(): void } {
  const flow = createFlow(collector);
  const sheets = createSheets(collector);
  let skipped = 0;
  let paragraphs = 0;
  let parts = 0;
  /** What stands before the next paragraph. */
  let mark = "";
  let notes = 0;
  /** Of each element that is open and may be left out, whether it is. */
  const frames: boolean[] = [];

  /** Those behind the last one that is read are only counted. */
  function openPart(attributes: Attributes): void {
    parts++;
    if (parts > maxParts) return;
    if (format === "ods") sheets.open(attributes);
    else collector.begin();
  }
  function ignored(name: string): boolean {
    return sheets.ignored(name) || (parts > maxParts && name !== partNames[format]);
  }
  function openBlock(name: string, attributes: Attributes): void {
    if (name === "p" || name === "h") {
      const level = countOf(attribute(attributes, "outline-level"), 1, 6);
      flow.openParagraph(name === "h" ? `\n${"#".repeat(level)} ` : mark);
      mark = "";
      paragraphs++;
    } else if (name === "list-item") mark = "- ";
    else if (name === "note") flow.text(`[^${++notes}]`);
    else if (name === "note-body") mark = `[^${notes}]: `;
    else if (name === partNames[format]) openPart(attributes);
    else if (name === "notes" && format === "odp") mark = "Notes: ";
    else if (name === "table-row") flow.openRow();
    else if (name === "table-cell" || name === "covered-table-cell") {
      sheets.cell(attributes);
      flow.openCell();
    }
  }
  function openWords(name: string, attributes: Attributes): void {
    if (name === "s") flow.text(" ".repeat(countOf(attribute(attributes, "c"), 1, maxSpaces)));
    else if (name === "tab") flow.text("\t");
    else if (name === "line-break") flow.text("\n");
  }
  return {
    get parts() {
      return Math.max(parts, 1);
    },
    open(name, attributes) {
      if (name === "style" || name === "table-properties") sheets.style(name, attributes);
      if (name === "frame") {
        const repeated = repeatedFrames.test(attribute(attributes, "class") ?? "");
        frames.push(repeated);
        if (repeated) skipped++;
      } else if (leftOut.has(name)) skipped++;
      if (skipped > 0 || ignored(name)) {
        if (name === "table-row") sheets.row(attributes);
        return;
      }
      if (name === "table-row") sheets.row(attributes);
      openBlock(name, attributes);
      if (paragraphs > 0) openWords(name, attributes);
    },
    text(text) {
      // What stands between elements is only there for whoever reads the source.
      if (skipped === 0 && paragraphs > 0) flow.text(text.replaceAll(/\s+/g, " "));
    },
    close(name) {
      if (name === "frame") {
        if (frames.pop() === true) skipped--;
      } else if (leftOut.has(name)) skipped--;
      if (name === "table" && format === "ods") sheets.close();
      if (skipped > 0 || ignored(name)) return;
      if (name === "p" || name === "h") {
        flow.closeParagraph();
        paragraphs--;
      } else if (name === "list-item" || name === "note-body" || name === "notes") mark = "";
      else if (name === "table-row") sheets.endRow(flow);
      else if (name === "table-cell" || name === "covered-table-cell") sheets.endCell(flow);
    },
    done: () => flow.full,
    end: flow.end,
  };
}

interface Sheets {
  style(name: string, attributes: Attributes): void;
  open(attributes: Attributes): void;
  close(): void;
  row(attributes: Attributes): void;
  cell(attributes: Attributes): void;
  endCell(flow: Flow): void;
  endRow(flow: Flow): void;
  /** Whether what an element holds is not shown: those of a hidden sheet, or of rows behind the last one that is read. */
  ignored(name: string): boolean;
}

/** Counts rows and cells, which are written once and meant many times; in sheets, and in tables of other documents. */
function createSheets(collector: Collector): Sheets {
  const hiddenStyles = new Set<string>();
  let styleName = "";
  let hidden = false;
  let inSheet = false;
  let rows = 0;
  let left = 0;
  let rowTimes = 1;
  let cellTimes = 1;
  let instead: string | undefined;
  return {
    style(name, attributes) {
      if (name === "style") styleName = attribute(attributes, "name") ?? "";
      else if (attribute(attributes, "display") === "false") hiddenStyles.add(styleName);
    },
    open(attributes) {
      inSheet = true;
      hidden = hiddenStyles.has(attribute(attributes, "style-name") ?? "");
      collector.begin(attribute(attributes, "name") ?? "");
      if (hidden) collector.line("[a hidden sheet, left out]");
      rows = 0;
      left = 0;
    },
    close() {
      if (left > 0) collector.line(`[${left} more rows, left out]`);
      inSheet = false;
      hidden = false;
      left = 0;
    },
    row(attributes) {
      rowTimes = countOf(attribute(attributes, "number-rows-repeated"), 1, maxRows);
      if (inSheet && rows >= maxRows) left += rowTimes;
    },
    cell(attributes) {
      cellTimes = countOf(attribute(attributes, "number-columns-repeated"), 1, maxColumns);
      const date = attribute(attributes, "value-type") === "date" ? attribute(attributes, "date-value") : undefined;
      instead = date?.replace("T", " ").replace(" 00:00:00", "");
    },
    endCell(flow) {
      flow.closeCell(cellTimes, instead);
      instead = undefined;
      cellTimes = 1;
    },
    endRow(flow) {
      const times = inSheet ? Math.min(rowTimes, maxRows - rows) : 1;
      if (flow.closeRow(times)) rows += times;
    },
    ignored(name) {
      return inSheet && name !== "table" && (hidden || rows >= maxRows);
    },
  };
}

import type { FileText } from "../../ports/files.ts";
import type { Archive } from "./archive.ts";
import { columnOf, type NumberStyle, shownNumber, styleOf } from "./cell-values.ts";
import { type Collector, createCollector, textOfFile } from "./collector.ts";
import { maxCharacters, maxColumns, maxParts, maxRows } from "./limits.ts";
import { relationsOf } from "./package-parts.ts";
import { attribute, countOf, prefixedAttribute, walkXml } from "./xml.ts";

interface Workbook {
  readonly sheets: readonly { readonly name: string; readonly file: string; readonly hidden: boolean }[];
  readonly from1904: boolean;
  readonly strings: readonly string[];
  readonly styles: readonly NumberStyle[];
}

/** Rows that are counted: what is not shown is worth so much and no more. */
const maxCountedRows = 300_000;
/** Characters of all strings that cells share. Many more than are shown: they stand in no order. */
const maxSharedCharacters = 20 * maxCharacters;
const maxSharedStrings = 1_000_000;

/** Reads a workbook: its sheets in their order, a line for each row. Hidden sheets are named, and left out. */
export async function readXlsx(archive: Archive, main: string): Promise<FileText> {
  const workbook = await openWorkbook(archive, main);
  const collector = createCollector();
  for (const { name, file, hidden } of workbook.sheets.slice(0, maxParts)) {
    if (collector.full) break;
    collector.begin(name);
    if (hidden) collector.line("[a hidden sheet, left out]");
    else await collectSheet(archive, file, workbook, collector);
  }
  return textOfFile("xlsx", collector, "sheet", workbook.sheets.length);
}

async function openWorkbook(archive: Archive, main: string): Promise<Workbook> {
  const relations = await relationsOf(archive, main);
  const partOf = (type: string) => relations.find((relation) => relation.type === type)?.target ?? "";
  const sheetFiles = new Map(
    relations.flatMap(({ id, type, target }) => (type === "worksheet" ? [[id, target] as const] : [])),
  );
  const sheets: { name: string; file: string; hidden: boolean }[] = [];
  let from1904 = false;
  await walkXml(archive, main, {
    open(element, attributes) {
      if (element === "workbookPr") from1904 = /^(1|true)$/.test(attribute(attributes, "date1904") ?? "");
      if (element !== "sheet") return;
      const file = sheetFiles.get(prefixedAttribute(attributes, "id") ?? "");
      const hidden = /hidden/i.test(attribute(attributes, "state") ?? "");
      // A sheet that is a chart alone has no cells.
      if (file !== undefined) sheets.push({ name: attribute(attributes, "name") ?? "", file, hidden });
    },
  });
  const strings = await sharedStrings(archive, partOf("sharedStrings"));
  return { sheets, from1904, strings, styles: await stylesOf(archive, partOf("styles")) };
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

/** Each is put on one line here, once, however many cells show it. */
async function sharedStrings(archive: Archive, file: string): Promise<string[]> {
  const strings: string[] = [];
  let characters = 0;
  let current = "";
  let inText = false;
  /** How the characters are pronounced is written between them. */
  let phonetic = 0;
  await walkXml(archive, file, {
    open(name) {
      if (name === "si") current = "";
      if (name === "rPh") phonetic++;
      inText = name === "t" && phonetic === 0;
    },
    text(text) {
      if (!inText) return;
      current += text;
      characters += text.length;
    },
    close(name) {
      inText = false;
      if (name === "rPh") phonetic--;
      if (name === "si") strings.push(inOneLine(current));
    },
    done: () => characters > maxSharedCharacters || strings.length > maxSharedStrings,
  });
  return strings;
}

async function stylesOf(archive: Archive, file: string): Promise<NumberStyle[]> {
  const codes = new Map<number, string>();
  const known = new Map<number, NumberStyle>();
  const styles: NumberStyle[] = [];
  let inCells = false;
  /** A code is read once, however many styles have it. */
  function styleWith(id: number): NumberStyle {
    const style = known.get(id) ?? styleOf(id, codes.get(id));
    known.set(id, style);
    return style;
  }
  await walkXml(archive, file, {
    open(name, attributes) {
      const id = Number(attribute(attributes, "numFmtId") ?? 0);
      if (name === "numFmt") codes.set(id, attribute(attributes, "formatCode") ?? "");
      else if (name === "cellXfs") inCells = true;
      else if (name === "xf" && inCells) styles.push(styleWith(id));
    },
    close(name) {
      if (name === "cellXfs") inCells = false;
    },
  });
  return styles;
}

async function collectSheet(archive: Archive, file: string, book: Workbook, collector: Collector): Promise<void> {
  let rows = 0;
  let cells: string[] = [];
  let column = 0;
  let type = "";
  let style: NumberStyle | undefined;
  let value = "";
  let held = 0;
  let inValue = false;
  let phonetic = 0;
  const shown = () => {
    if (type === "s") return book.strings[Number(value)] ?? "";
    if (type === "b") return value === "1" ? "TRUE" : "FALSE";
    const said = inOneLine(value);
    return type === "" || type === "n" ? shownNumber(said, style ?? { kind: "plain" }, book.from1904) : said;
  };
  await walkXml(archive, file, {
    open(name, attributes) {
      if (name === "row") {
        cells = [];
        column = 0;
        held = 0;
      } else if (name === "c") {
        column = columnOf(attribute(attributes, "r")) ?? column;
        type = attribute(attributes, "t") ?? "";
        style = book.styles[countOf(attribute(attributes, "s"), 0, Number.MAX_SAFE_INTEGER)];
        value = "";
      } else if (name === "rPh") phonetic++;
      inValue = (name === "v" || name === "t") && phonetic === 0;
    },
    text(text) {
      if (!inValue || rows >= maxRows || held > maxCharacters) return;
      value += text;
      held += text.length;
    },
    close(name) {
      inValue = false;
      if (name === "rPh") phonetic--;
      else if (name === "c") {
        if (column < maxColumns && value !== "" && rows < maxRows) {
          while (cells.length < column) cells.push("");
          cells[column] = shown();
        }
        column++;
      } else if (name === "row") {
        if (rows < maxRows) collector.line(cells.join(" | "));
        rows++;
      }
    },
    done: () => collector.full || rows > maxCountedRows,
  });
  const more = rows > maxCountedRows ? "more than " : "";
  if (rows > maxRows) collector.line(`[${more}${rows - maxRows - (more === "" ? 0 : 1)} more rows, left out]`);
}

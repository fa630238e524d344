/** PDF: its text by page, or pictures of its first pages where it has none. */
import type { PDFiumDocument, PDFiumLibrary } from "@hyzyla/pdfium";
import type { FilePicture, FileReading } from "../../ports/files.ts";
import { createCollector } from "./collector.ts";
import { maxPageSide, maxPages, maxScannedPages } from "./limits.ts";
import { pictureOfPage } from "./pictures.ts";
import { isExhausted, Refused } from "./refusal.ts";

/** Visible characters of a page on average, below which the pages are taken for pictures of paper. */
const fewCharacters = 20;

let opened: Promise<PDFiumLibrary> | undefined;

/** Loaded with the first PDF. */
async function openLibrary(): Promise<PDFiumLibrary> {
  const { PDFiumLibrary } = await import("@hyzyla/pdfium");
  return await PDFiumLibrary.init();
}

/** Reads a PDF. */
export async function readPdf(bytes: Uint8Array): Promise<FileReading> {
  opened ??= openLibrary();
  const library = await opened;
  const document = await library.loadDocument(bytes).catch((error: unknown) => {
    if (isExhausted(error)) throw error;
    throw new Refused(/password|security/i.test(String(error)) ? "password" : "damaged");
  });
  let broken = false;
  try {
    return await readPages(document);
  } catch (error) {
    broken = isExhausted(error);
    throw error;
  } finally {
    // What was refused must not take the memory of those that come after it.
    if (!broken) document.destroy();
  }
}

async function readPages(document: PDFiumDocument): Promise<FileReading> {
  const total = document.getPageCount();
  if (total < 1) throw new Refused("damaged");
  const collector = createCollector();
  const pages = Math.min(total, maxPages);
  let visible = 0;
  let read = 0;
  while (read < pages && !collector.full) {
    const text = textOfPage(document, read);
    visible += text.replaceAll(/\s/g, "").length;
    collector.begin();
    collector.add(text);
    read++;
  }
  if (visible < fewCharacters * read) {
    const pictures = await picturesOf(document, Math.min(total, maxScannedPages));
    if (pictures.length > 0) return { kind: "pictures", format: "pdf", pictures, total };
    if (visible === 0) throw new Refused("empty");
  }
  return { kind: "text", format: "pdf", unit: "page", parts: collector.parts, total, cut: collector.full };
}

/** Words that a line end has hyphenated are whole again. A page that is damaged has no text; its neighbours may have. */
function textOfPage(document: PDFiumDocument, index: number): string {
  try {
    const text = document.getPage(index).getText();
    return text.replaceAll(/\ufffe(?:\r\n)?/g, "").replaceAll("\r\n", "\n");
  } catch (error) {
    if (isExhausted(error)) throw error;
    return "";
  }
}

async function picturesOf(document: PDFiumDocument, count: number): Promise<FilePicture[]> {
  const pictures: FilePicture[] = [];
  for (let index = 0; index < count; index++) {
    const page = document.getPage(index);
    const { originalWidth, originalHeight } = page.getOriginalSize();
    const [width, height] = sizeWithin(maxPageSide, originalWidth, originalHeight);
    if (width < 1 || height < 1) continue;
    const { data } = await page.render({ width, height });
    pictures.push(await pictureOfPage(index + 1, data, width, height));
  }
  return pictures;
}

function sizeWithin(side: number, width: number, height: number): readonly [number, number] {
  const scale = side / Math.max(width, height);
  if (!(width > 0 && height > 0)) return [0, 0];
  return [Math.max(1, Math.floor(width * scale)), Math.max(1, Math.floor(height * scale))];
}

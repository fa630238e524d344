import type { FileText } from "../../ports/files.ts";
import type { Archive } from "./archive.ts";
import { createCollector, textOfFile } from "./collector.ts";
import { createFlow, type Flow } from "./flow.ts";
import { maxParts } from "./limits.ts";
import { relationsOf } from "./package-parts.ts";
import { attribute, prefixedAttribute, walkXml } from "./xml.ts";

/** Places of a slide that say the same on every one. */
const repeated = new Set(["sldNum", "sldImg", "dt", "ftr", "hdr"]);

/** Reads a presentation: its slides in the order in which they are shown, with tables and the speaker's notes. */
export async function readPptx(archive: Archive, main: string): Promise<FileText> {
  const relations = new Map((await relationsOf(archive, main)).map(({ id, target }) => [id, target]));
  const slides: string[] = [];
  await walkXml(archive, main, {
    open(name, attributes) {
      const slide = name === "sldId" ? relations.get(prefixedAttribute(attributes, "id") ?? "") : undefined;
      if (slide !== undefined) slides.push(slide);
    },
  });
  const collector = createCollector();
  for (const slide of slides.slice(0, maxParts)) {
    if (collector.full) break;
    collector.begin();
    await collectShapes(archive, slide, createFlow(collector));
    const notes = (await relationsOf(archive, slide)).find(({ type }) => type === "notesSlide");
    if (notes !== undefined) await collectShapes(archive, notes.target, createFlow(collector), "Notes: ");
  }
  return textOfFile("pptx", collector, "slide", slides.length);
}

async function collectShapes(archive: Archive, file: string, flow: Flow, firstMark = ""): Promise<void> {
  let mark = firstMark;
  let skipped = 0;
  let inRepeated = false;
  let inText = false;
  await walkXml(archive, file, {
    open(name, attributes) {
      if (name === "Fallback") skipped++;
      if (name === "sld" && attribute(attributes, "show") === "0") {
        flow.openParagraph();
        flow.text("[hidden slide]");
        flow.closeParagraph();
      }
      if (name === "ph" && repeated.has(attribute(attributes, "type") ?? "")) inRepeated = true;
      if (skipped > 0 || inRepeated) return;
      if (name === "p") flow.openParagraph(mark);
      else if (name === "t") inText = true;
      else if (name === "br") flow.text("\n");
      else if (name === "tr") flow.openRow();
      else if (name === "tc") flow.openCell();
    },
    text(text) {
      if (!inText || skipped > 0 || inRepeated) return;
      flow.text(text);
      if (text.trim() !== "") mark = "";
    },
    close(name) {
      if (name === "Fallback") skipped--;
      if (name === "sp") inRepeated = false;
      if (name === "t") inText = false;
      if (skipped > 0 || inRepeated) return;
      if (name === "p") flow.closeParagraph();
      else if (name === "tr") flow.closeRow();
      else if (name === "tc") flow.closeCell();
    },
    done: () => flow.full,
  });
  flow.end();
}

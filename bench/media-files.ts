/** What people send in `bench:media`, made from a seed: files of one kind are as long as each other, and none is the same. */
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { officeOf, type PdfPage, pdfOf, relations } from "../test/support/files.ts";

export const mediaKinds = ["photo", "short-pdf", "long-pdf", "sheet", "voice"] as const;
export type MediaKind = (typeof mediaKinds)[number];

export interface MediaFiles {
  bytesOf(kind: MediaKind, seed: number): Uint8Array;
}

export const photoSize = { width: 1280, height: 960 };
const pagesOf = { "short-pdf": 2, "long-pdf": 300 };
const rowsOfSheet = 50_000;
const voiceBytes = 24_000;
const words =
  "harbour visitors marmalade revenue the of and quarter lighthouse coffee opened with more than last month we sold".split(
    " ",
  );

/** Makes one file of each kind; the others differ from it at their ends alone. */
export async function createMediaFiles(): Promise<MediaFiles> {
  const random = randomFrom(1);
  const made: Record<MediaKind, Buffer> = {
    photo: await photoOf(random),
    "short-pdf": documentOf(pagesOf["short-pdf"], random),
    "long-pdf": documentOf(pagesOf["long-pdf"], random),
    sheet: sheetOf(rowsOfSheet, random),
    voice: Buffer.concat([Buffer.from("OggS"), Buffer.from(Array.from({ length: voiceBytes }, () => random(256)))]),
  };
  return { bytesOf: (kind, seed) => endedWith(kind, made[kind], `%${String(seed).padStart(10, "0")}`) };
}

/** What stands behind its end is nothing to whoever reads the file. */
function endedWith(kind: MediaKind, bytes: Buffer, tail: string): Buffer {
  const whole = Buffer.concat([bytes, Buffer.from(tail)]);
  // An archive has its comment there, and says how long it is.
  if (kind === "sheet") whole.writeUInt16LE(tail.length, bytes.length - 2);
  return whole;
}

/** Numbers below a bound, the same ones each time. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

/** Spots of colour, about as many bytes as a photo of a phone has at Telegram. */
async function photoOf(random: (below: number) => number): Promise<Buffer> {
  const raw = { width: 320, height: 240, channels: 3 } as const;
  const spots = Buffer.from(Array.from({ length: raw.width * raw.height * raw.channels }, () => random(256)));
  return await sharp(spots, { raw }).resize(photoSize).jpeg({ quality: 80 }).toBuffer();
}

function documentOf(pages: number, random: (below: number) => number): Buffer {
  return pdfOf(Array.from({ length: pages }, (_, page) => pageOf(page, random)));
}

/** Lines whose words are set apart as typesetting programs do it, deflated as all of them do. */
function pageOf(page: number, random: (below: number) => number): PdfPage {
  const lines = Array.from({ length: 46 }, () => {
    const said = Array.from({ length: 12 }, () => `(${words[random(words.length)]} ) ${-random(90)}`);
    return `[${said.join(" ")}] TJ T*`;
  });
  const content = `BT /F1 10 Tf 15 TL 60 780 Td (Page ${page + 1}) Tj T* ${lines.join("\n")} ET`;
  return { content: deflateSync(content), filter: "/FlateDecode" };
}

function sheetOf(rows: number, random: (below: number) => number): Buffer {
  const shared = Array.from({ length: 2_000 }, (_, at) => `<si><t>${words[at % words.length]} ${at}</t></si>`).join("");
  const row = (number: number) =>
    `<row r="${number}"><c r="A${number}" t="s"><v>${random(2_000)}</v></c><c r="B${number}" s="1"><v>${46_000 + random(365)}</v></c><c r="C${number}"><v>${random(10_000)}</v></c><c r="D${number}"><v>${random(1_000_000) / 100}</v></c><c r="E${number}"><f>C${number}*D${number}</f><v>${random(1_000_000)}</v></c></row>`;
  return officeOf("xlsx", {
    "xl/workbook.xml":
      '<workbook xmlns:r="r"><sheets><sheet name="Sales" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": relations({
      rId1: ["worksheet", "worksheets/sheet1.xml"],
      rId2: ["sharedStrings", "sharedStrings.xml"],
      rId3: ["styles", "styles.xml"],
    }),
    "xl/sharedStrings.xml": `<sst>${shared}</sst>`,
    "xl/styles.xml": '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    "xl/worksheets/sheet1.xml": `<worksheet><sheetData>${Array.from({ length: rows }, (_, at) => row(at + 1)).join("")}</sheetData></worksheet>`,
  });
}

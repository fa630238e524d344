/** Small files of formats that people send, made on the spot. */
import { constants, crc32, deflateRawSync, deflateSync } from "node:zlib";

function chunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}

/** A grey PNG. Its bytes are few, whatever its size. */
export function pngOf(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0], 8);
  const rows = Buffer.alloc((Math.ceil(width / 8) + 1) * height);
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

export interface PdfPage {
  readonly content: string | Uint8Array;
  /** Filters of the content, as they are named in the file. */
  readonly filter?: string;
}

export interface PdfOptions {
  /** Nobody knows the password. */
  readonly locked?: boolean;
  /** Further objects from number 4 on, and what pages call them by. */
  readonly objects?: readonly string[];
  readonly resources?: string;
}

/** What draws these lines, from the top of a page on. */
export function lines(...texts: readonly string[]): string {
  return `BT /F1 12 Tf 14 TL 72 760 Td ${texts.map((text) => `(${text}) Tj T*`).join(" ")} ET`;
}

/** A PDF of these pages. */
export function pdfOf(pages: readonly PdfPage[], options: PdfOptions = {}): Buffer {
  const { objects: further = [], resources = "" } = options;
  const firstPage = 4 + further.length;
  const kids = pages.map((_, index) => `${firstPage + 2 * index} 0 R`).join(" ");
  const objects: (string | Buffer)[] = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ...further,
  ];
  for (const [index, { content, filter }] of pages.entries()) {
    const body = typeof content === "string" ? Buffer.from(content, "latin1") : content;
    const used = `<< /Font << /F1 3 0 R >> ${resources} >>`;
    const contents = firstPage + 2 * index + 1;
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources ${used} /Contents ${contents} 0 R >>`,
      Buffer.concat([
        Buffer.from(`<< /Length ${body.length}${filter === undefined ? "" : ` /Filter ${filter}`} >>\nstream\n`),
        body,
        Buffer.from("\nendstream"),
      ]),
    );
  }
  const parts = [Buffer.from("%PDF-1.5\n")];
  const offsets: number[] = [];
  let length = parts[0]!.length;
  const write = (bytes: Uint8Array) => {
    parts.push(Buffer.from(bytes));
    length += bytes.length;
  };
  for (const [index, object] of objects.entries()) {
    offsets.push(length);
    write(Buffer.from(`${index + 1} 0 obj\n`));
    write(Buffer.from(object));
    write(Buffer.from("\nendobj\n"));
  }
  const secrets = `/Encrypt << /Filter /Standard /V 1 /R 2 /O <${"11".repeat(32)}> /U <${"22".repeat(32)}> /P -4 >> /ID [<01> <01>]`;
  const table = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const size = objects.length + 1;
  const trailer = `<< /Size ${size} /Root 1 0 R ${options.locked === true ? secrets : ""} >>`;
  const start = length;
  write(Buffer.from(`xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n${trailer}\nstartxref\n${start}\n%%EOF\n`));
  return Buffer.concat(parts);
}

/** A stream that draws nothing, deflated twice: a million times as long as the file. */
export function deflatedTwice(megabytes: number): Buffer {
  return deflateSync(deflateSync(Buffer.alloc(megabytes * 1024 * 1024, " "), { level: 1 }));
}

/** A file of an archive: its text, or one that is the same piece again and again behind its beginning. */
export type Packed = string | Buffer | { readonly start?: string; readonly piece: string; readonly times: number };

export interface ZipOptions {
  readonly encrypted?: boolean;
}

/** A zip archive of these files, deflated. */
export function zipOf(files: Readonly<Record<string, Packed>>, { encrypted = false }: ZipOptions = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, packed] of Object.entries(files)) {
    const { data, size, sum } = deflated(packed);
    const fileName = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800 | (encrypted ? 1 : 0), 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(sum, 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(fileName.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, fileName, data]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\0", "latin1"), common, rest, fileName]));
    parts.push(local);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listed, end]);
}

/** Pieces are put together from the deflated blocks of one, so that a bomb costs the test nothing. */
function deflated(packed: Packed): { readonly data: Buffer; readonly size: number; readonly sum: number } {
  if (typeof packed === "string" || Buffer.isBuffer(packed)) {
    const bytes = Buffer.from(packed);
    return { data: deflateRawSync(bytes), size: bytes.length, sum: crc32(bytes) };
  }
  const { start = "", piece, times } = packed;
  const [first, bytes] = [Buffer.from(start), Buffer.from(piece)];
  // A full flush ends at a byte, and refers to nothing before it.
  const [head, block] = [first, bytes].map((part) => deflateRawSync(part, { finishFlush: constants.Z_FULL_FLUSH }));
  const blocks = Array.from({ length: times }, () => block ?? Buffer.alloc(0));
  const data = Buffer.concat([head ?? Buffer.alloc(0), ...blocks, deflateRawSync(Buffer.alloc(0))]);
  return { data, size: first.length + bytes.length * times, sum: 0 };
}

const relationsStart = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">';

/** The list of what a part of an office document refers to: `rId1: [type, target]`. */
export function relations(list: Readonly<Record<string, readonly [type: string, target: string]>>): string {
  const type = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
  const each = Object.entries(list).map(
    ([id, [kind, target]]) => `<Relationship Id="${id}" Type="${type}${kind}" Target="${target}"/>`,
  );
  return `${relationsStart}${each.join("")}</Relationships>`;
}

const mainNames = { docx: "word/document.xml", pptx: "ppt/presentation.xml", xlsx: "xl/workbook.xml" };

/** An office document of these parts. */
export function officeOf(kind: keyof typeof mainNames, parts: Readonly<Record<string, Packed>>): Buffer {
  return zipOf({
    "[Content_Types].xml": "<Types/>",
    "_rels/.rels": relations({ rId1: ["officeDocument", mainNames[kind]] }),
    ...parts,
  });
}

/** A document of Word with this body. */
export function docxOf(body: string, more: Readonly<Record<string, Packed>> = {}): Buffer {
  return officeOf("docx", {
    "word/document.xml": `<w:document xmlns:w="w" xmlns:r="r" xmlns:mc="mc"><w:body>${body}</w:body></w:document>`,
    ...more,
  });
}

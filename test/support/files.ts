/** Small files of formats that people send, made on the spot. */
import { crc32, deflateSync } from "node:zlib";

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

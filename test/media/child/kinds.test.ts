/** What files are taken for, by their content alone; and pictures and PDFs. */
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { kindOf } from "../../../src/media/child/sniffing.ts";
import { createReadingScene } from "../../support/file-reading.ts";
import { lines, pdfOf, pngOf } from "../../support/files.ts";

const scene = createReadingScene();
const { read, text } = scene;
afterAll(() => scene.stop());

const refused = (reason: string) => ({ kind: "refused", reason });

describe("a file", () => {
  it("is what it holds, whatever it is called", async () => {
    const pdf = pdfOf([{ content: lines("A page with quite a lot of words") }]);
    expect(await read(pdf, { name: "holiday.jpg" })).toMatchObject({ format: "pdf" });
    expect(await read(pngOf(8, 8), { name: "report.pdf" })).toMatchObject({ format: "picture" });
    expect(await read(Buffer.from("words"), { name: "../../etc/\u202egnp.exe\u0000" })).toMatchObject({
      format: "text",
    });
  });

  it("may speak of a PDF without being one", async () => {
    expect(await read(Buffer.from("A file that begins with %PDF-1.7 is a PDF."))).toMatchObject({ format: "text" });
    const behind = Buffer.concat([
      Buffer.from("\n\n"),
      pdfOf([{ content: lines("A page with quite a lot of words") }]),
    ]);
    expect(await read(behind)).toMatchObject({ format: "pdf" });
    expect(await read(behind.subarray(0, behind.length / 4))).toMatchObject({ kind: "text", format: "text" });
    expect(await read(Buffer.from("\0\0%PDF-1.7\0\0\0", "latin1"))).toMatchObject(refused("damaged"));
  });

  it("is refused in a way of its own when nothing can be made of it", async () => {
    const old = Buffer.concat([Buffer.from("d0cf11e0a1b11ae1", "hex"), Buffer.alloc(600)]);
    const encrypted = Buffer.concat([old, Buffer.from("EncryptedPackage", "utf16le")]);
    expect(await read(new Uint8Array())).toEqual(refused("empty"));
    expect(await read(Buffer.from(" \n\t\n"))).toMatchObject(refused("empty"));
    expect(await read(old)).toMatchObject(refused("legacy"));
    expect(await read(Buffer.from("{\\rtf1 words}"))).toMatchObject(refused("legacy"));
    expect(await read(encrypted)).toMatchObject(refused("password"));
    expect(await read(Buffer.from("000000186674797068656963", "hex"))).toMatchObject(refused("picture-format"));
    expect(await read(Buffer.from("4f676753000200", "hex"))).toMatchObject(refused("unknown"));
    expect(await read(Buffer.from(Array.from({ length: 5_000 }, (_, at) => (at * 7919) % 256)))).toMatchObject(
      refused("unknown"),
    );
  });

  it("is known by its first bytes", () => {
    const kinds = Object.entries({
      "%PDF-1.7": "pdf",
      "\n\n  rubbish before %PDF-1.4": "perhaps-pdf",
      "\xff\xd8\xff\xe0": "picture",
      GIF89a: "picture",
      "RIFF\0\0\0\0WEBPVP8 ": "picture",
      "RIFF\0\0\0\0WAVEfmt ": "perhaps-text",
      "PK\x03\x04": "zip",
      "II*\0": "foreign-picture",
      "BM\x36\0\0\0\0\0\0\0": "foreign-picture",
      "BM is a company": "perhaps-text",
      "\0\0\0\x18ftypavif": "foreign-picture",
      "\0\0\0\x18ftypmp42": "binary",
      "Rar!\x1a\x07": "binary",
      "": "perhaps-text",
    });
    expect(kinds.map(([head]) => kindOf(Buffer.from(head, "latin1")))).toEqual(kinds.map(([, kind]) => kind));
  });
});

describe("a picture", () => {
  async function jpegOf(bytes: Uint8Array): Promise<Buffer> {
    const reading = await read(bytes);
    if (reading.kind !== "pictures") throw new Error(JSON.stringify(reading));
    expect(reading.total).toBe(1);
    return Buffer.from(reading.pictures[0]!.jpeg);
  }
  const card = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: "#204060" } }).composite([
      {
        input: { create: { width: width / 2, height: height / 2, channels: 3, background: "#ff0000" } },
        top: 0,
        left: 0,
      },
    ]);

  it("comes upright, and without anything that tells where it was taken", async () => {
    const exif = { IFD0: { Artist: "Ada" }, IFD3: { GPSLatitude: "52/1 31/1 0/1", GPSLatitudeRef: "N" } };
    const turned = await card(48, 64).withExif(exif).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect((await sharp(turned).metadata()).exif).toBeDefined();
    const jpeg = await jpegOf(turned);
    const shown = await sharp(jpeg).metadata();
    expect(shown).toMatchObject({ format: "jpeg", width: 64, height: 48 });
    expect([shown.exif, shown.orientation]).toEqual([undefined, undefined]);
    // The red quarter stood at the top left, and was turned to the right with all the rest.
    const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
    const red = (x: number, y: number) => (data[(y * info.width + x) * info.channels] ?? 0) > 200;
    expect([red(5, 5), red(58, 5), red(5, 42), red(58, 42)]).toEqual([false, true, false, false]);
    expect(jpeg.includes("Ada")).toBe(false);
  });

  it("is fitted into what models look at, and never made larger", async () => {
    expect(await sharp(await jpegOf(pngOf(3_000, 1_500))).metadata()).toMatchObject({ width: 1_280, height: 640 });
    expect(await sharp(await jpegOf(pngOf(30, 15))).metadata()).toMatchObject({ width: 30, height: 15 });
  });

  it("stands on white where it was transparent", async () => {
    const clear = { create: { width: 16, height: 16, channels: 4 as const, background: "#00000000" } };
    for (const bytes of [await sharp(clear).png().toBuffer(), await sharp(clear).webp().toBuffer()]) {
      const { channels } = await sharp(await jpegOf(bytes)).stats();
      expect(channels.map(({ min }) => min > 250)).toEqual([true, true, true]);
    }
  });

  it("is the first frame of one that moves", async () => {
    const frames = await Promise.all(
      ["#ff0000", "#0000ff"].map((background) =>
        sharp({ create: { width: 20, height: 10, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const gif = await sharp(frames, { join: { animated: true } })
      .gif({ delay: [100, 100] })
      .toBuffer();
    const jpeg = await jpegOf(gif);
    expect(await sharp(jpeg).metadata()).toMatchObject({ width: 20, height: 10 });
    const [red, , blue] = (await sharp(jpeg).stats()).channels;
    expect([red!.mean > 200, blue!.mean < 50]).toEqual([true, true]);
  });

  it("is refused when it is too large, or damaged, or a program", async () => {
    expect(await read(pngOf(20_000, 20_000))).toMatchObject(refused("too-many-pixels"));
    const whole = await card(400, 400).jpeg().toBuffer();
    expect(await read(whole.subarray(0, whole.length / 2))).toMatchObject(refused("damaged"));
    expect(await read(Buffer.from("89504e470d0a1a0a0000", "hex"))).toMatchObject(refused("damaged"));
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>';
    expect(await read(Buffer.from(svg))).toMatchObject({ kind: "text", parts: [{ text: svg }] });
    expect(await read(note("II*\0"))).toMatchObject(refused("picture-format"));
  });
});

function note(head: string): Buffer {
  return Buffer.from(`${head}${" ".repeat(100)}`, "latin1");
}

describe("a PDF", () => {
  const long = "This page has enough words to be taken for a text";

  it("is text by page", async () => {
    const pdf = pdfOf([{ content: lines(long, "January 1,204 8,431.50") }, { content: lines(`${long}, too`) }]);
    expect(await read(pdf)).toMatchObject({
      kind: "text",
      unit: "page",
      total: 2,
      cut: false,
      parts: [
        { number: 1, text: `${long}\nJanuary 1,204 8,431.50` },
        { number: 2, text: `${long}, too` },
      ],
    });
  });

  it("is read up to its 200th page, and tells how many there are", async () => {
    const pdf = pdfOf(Array.from({ length: 203 }, (_, index) => ({ content: lines(`${long} ${index + 1}`) })));
    const reading = await read(pdf);
    expect(reading).toMatchObject({ kind: "text", total: 203, cut: false });
    expect(reading.kind === "text" && reading.parts.at(-1)).toEqual({ number: 200, text: `${long} 200` });
  });

  it("is cut where its text is longer than what is read of a file", async () => {
    const page = { content: lines(...Array.from({ length: 60 }, () => "x".repeat(200))) };
    const reading = await read(pdfOf(Array.from({ length: 40 }, () => page)));
    expect(reading).toMatchObject({ kind: "text", total: 40, cut: true });
    const parts = reading.kind === "text" ? reading.parts : [];
    expect(parts.reduce((sum, part) => sum + part.text.length, 0)).toBeGreaterThan(390_000);
    expect(parts.reduce((sum, part) => sum + part.text.length, 0)).toBeLessThanOrEqual(400_000);
  });

  it("is pictures of its first five pages where there is nothing to read", async () => {
    const paper = { content: "0.9 g 100 100 300 500 re f" };
    const reading = await read(pdfOf(Array.from({ length: 7 }, () => paper)));
    expect(reading).toMatchObject({ kind: "pictures", format: "pdf", total: 7 });
    const pictures = reading.kind === "pictures" ? reading.pictures : [];
    expect(pictures.map(({ number, width, height }) => [number, width, height])).toEqual(
      [1, 2, 3, 4, 5].map((number) => [number, 1_108, 1_568]),
    );
    expect(await sharp(pictures[0]!.jpeg).metadata()).toMatchObject({ format: "jpeg", width: 1_108, height: 1_568 });
  });

  it("asks for its password, which is not the same as being damaged", async () => {
    const pages = [{ content: lines(long) }];
    expect(await read(pdfOf(pages, { locked: true }))).toMatchObject(refused("password"));
    const whole = pdfOf(pages);
    expect(await read(whole.subarray(0, 300))).toMatchObject(refused("damaged"));
    expect(await read(Buffer.from("%PDF-1.7\nand nothing more"))).toMatchObject(refused("damaged"));
    expect(await text(whole)).toBe(long);
  });
});

/** Pictures as a model gets them: upright, small, without a word of who has taken them where. */
import type { Sharp } from "sharp";
import type { FilePicture, FileReading } from "../../ports/files.ts";
import { maxPixels, maxSide } from "./limits.ts";
import { Refused } from "./refusal.ts";

const quality = 80;
/** All others stay blocked: among them are formats that are programs, or that open further files. */
const loaders = ["Jpeg", "Png", "Webp", "Nsgif"].map((name) => `VipsForeignLoad${name}Buffer`);

type MakeSharp = typeof import("sharp").default;

let opened: Promise<MakeSharp> | undefined;

/** Loaded with the first picture. */
async function openSharp(): Promise<MakeSharp> {
  const { default: sharp } = await import("sharp");
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: loaders });
  return sharp;
}

function load(): Promise<MakeSharp> {
  opened ??= openSharp();
  return opened;
}

/** Reads a picture; of one that moves, its first frame. */
export async function readPicture(bytes: Uint8Array): Promise<FileReading> {
  const sharp = await load();
  const image = sharp(bytes, { limitInputPixels: maxPixels, failOn: "error" });
  const { width, height } = await image.metadata().catch((error: unknown) => {
    throw new Refused(/pixel limit/i.test(String(error)) ? "too-many-pixels" : "damaged");
  });
  if (width * height > maxPixels) throw new Refused("too-many-pixels");
  const picture = await toJpeg(image.autoOrient(), maxSide);
  return { kind: "pictures", format: "picture", pictures: [{ number: 1, ...picture }], total: 1 };
}

/** A page that was drawn, four bytes a pixel. */
export async function pictureOfPage(
  number: number,
  data: Uint8Array,
  width: number,
  height: number,
): Promise<FilePicture> {
  const sharp = await load();
  return { number, ...(await toJpeg(sharp(data, { raw: { width, height, channels: 4 } }), Math.max(width, height))) };
}

async function toJpeg(image: Sharp, side: number): Promise<Omit<FilePicture, "number">> {
  const small = image
    .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true })
    .flatten({ background: "#ffffff" })
    .jpeg({ quality });
  const { data, info } = await small.toBuffer({ resolveWithObject: true }).catch(() => {
    throw new Refused("damaged");
  });
  return { jpeg: new Uint8Array(data), width: info.width, height: info.height };
}

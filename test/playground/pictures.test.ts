import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { greyJpeg, sizeOfPicture } from "../../src/playground/pictures.ts";

describe("a picture of the playground", () => {
  it.each([
    [1, 1],
    [8, 8],
    [9, 17],
    [1280, 960],
    [2560, 3],
  ])("of %i × %i is a JPEG that any program shows, all grey", async (width, height) => {
    const bytes = greyJpeg({ width, height }, "a note");
    expect(sizeOfPicture(bytes)).toEqual({ format: "JPEG", width, height });
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width, height });
    expect(new Set(data)).toEqual(new Set([128]));
  });

  it("is another one with another note", () => {
    const size = { width: 8, height: 8 };
    expect(greyJpeg(size, "one")).toEqual(greyJpeg(size, "one"));
    expect(greyJpeg(size, "one")).not.toEqual(greyJpeg(size, "two"));
  });

  it("has the size that whoever made it says", async () => {
    const image = sharp({ create: { width: 123, height: 45, channels: 3, background: "red" } });
    const withData = image.clone().withExif({ IFD0: { Copyright: "somebody" } });
    const size = { width: 123, height: 45 };
    expect(sizeOfPicture(await withData.jpeg().toBuffer())).toEqual({ format: "JPEG", ...size });
    expect(sizeOfPicture(await image.clone().jpeg({ progressive: true }).toBuffer())).toEqual({
      format: "JPEG",
      ...size,
    });
    expect(sizeOfPicture(await image.clone().png().toBuffer())).toEqual({ format: "PNG", ...size });
    expect(sizeOfPicture(await image.clone().webp().toBuffer())).toBeUndefined();
  });

  it.each(["", "\xff\xd8", "\xff\xd8\xff", "\xff\xd8\xff\xe0\xff\xff", "\x89PNG", "<svg>"])("is none in %j", (text) => {
    expect(sizeOfPicture(Buffer.from(text, "latin1"))).toBeUndefined();
  });
});

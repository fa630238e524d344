/** The longer sides in which a Telegram client and its server keep a photo, the largest last. */
const SIDES = [320, 800, 1280];
/** Beyond that Telegram takes a picture as a file only. */
const NARROWEST = 20;
const QUALITY = 0.87;
const PHOTO_TYPES = /^image\/(?!gif|svg)/;
const THUMB_SIDE = 96;

/**
 * A picture as a photo: its sizes as JPEGs from small to large, without what a camera writes beside it, and a small canvas to
 * look at. Undefined for what cannot be one.
 */
export async function photoOf(file) {
  if (!PHOTO_TYPES.test(file.type)) return undefined;
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined) return undefined;
  try {
    const [longer, shorter] = [Math.max(bitmap.width, bitmap.height), Math.min(bitmap.width, bitmap.height)];
    if (longer > shorter * NARROWEST) return undefined;
    const sides = [...SIDES.filter((side) => side < longer), Math.min(longer, SIDES.at(-1))];
    const sizes = [];
    for (const side of new Set(sides)) sizes.push(await jpegOf(scaled(bitmap, side / longer)));
    return { sizes, thumb: scaled(bitmap, Math.min(1, THUMB_SIDE / longer)) };
  } finally {
    bitmap.close();
  }
}

function scaled(bitmap, factor) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * factor));
  canvas.height = Math.max(1, Math.round(bitmap.height * factor));
  const context = canvas.getContext("2d");
  // What is transparent would turn black.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function jpegOf(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error("The picture is too large.")) : resolve(blob)),
      "image/jpeg",
      QUALITY,
    );
  });
}

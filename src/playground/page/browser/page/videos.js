/** The longer side of a video's cover, and what a client takes as a round message. */
const COVER_SIDE = 320;
const VIDEO_TYPES = /^video\//;
/** A browser that cannot play something may say nothing at all about it. */
const WAIT_MS = 5_000;

/** A video as what is sent of it, its cover taken from its beginning; undefined for what this browser cannot play. */
export async function videoOf(file, round) {
  if (!VIDEO_TYPES.test(file.type)) return undefined;
  const address = URL.createObjectURL(file);
  const player = document.createElement("video");
  try {
    player.muted = true;
    player.preload = "auto";
    player.src = address;
    if (!(await happens(player, "loadeddata"))) return undefined;
    const { videoWidth: width, videoHeight: height, duration } = player;
    const cover = await pictureOf(player, width, height);
    const seconds = Number.isFinite(duration) ? Math.round(duration) : 0;
    return { kind: round ? "video_note" : "video", seconds, size: { width, height }, ...cover };
  } finally {
    player.removeAttribute("src");
    URL.revokeObjectURL(address);
  }
}

function happens(player, event) {
  return new Promise((resolve) => {
    player.addEventListener(event, () => resolve(true), { once: true });
    player.addEventListener("error", () => resolve(false), { once: true });
    setTimeout(() => resolve(false), WAIT_MS);
  });
}

async function pictureOf(player, width, height) {
  const factor = Math.min(1, COVER_SIDE / Math.max(width, height));
  const thumb = document.createElement("canvas");
  thumb.width = Math.max(1, Math.round(width * factor));
  thumb.height = Math.max(1, Math.round(height * factor));
  thumb.getContext("2d").drawImage(player, 0, 0, thumb.width, thumb.height);
  const cover = await new Promise((resolve) => thumb.toBlob(resolve, "image/jpeg", 0.87));
  return cover === null ? {} : { cover, thumb };
}

/** What Telegram's clients send as voice messages; all other sound is music. */
const VOICE_TYPES = /^audio\/(?:ogg|opus|x-opus\+ogg)/;
const SOUND_TYPES = /^audio\//;
/** A browser that cannot play something may say nothing at all about it. */
const WAIT_MS = 5_000;

/** A sound as what is sent of it; undefined for what is none. */
export async function soundOf(file) {
  if (!SOUND_TYPES.test(file.type)) return undefined;
  return { kind: VOICE_TYPES.test(file.type) ? "voice" : "audio", seconds: await secondsOf(file) };
}

/** 0 when it cannot be told. */
function secondsOf(file) {
  const address = URL.createObjectURL(file);
  const audio = new Audio();
  return new Promise((resolve) => {
    const end = (seconds) => {
      URL.revokeObjectURL(address);
      resolve(Number.isFinite(seconds) ? Math.round(seconds) : 0);
    };
    audio.addEventListener("loadedmetadata", () => end(audio.duration), { once: true });
    audio.addEventListener("error", () => end(0), { once: true });
    setTimeout(() => end(0), WAIT_MS);
    audio.preload = "metadata";
    audio.src = address;
  });
}

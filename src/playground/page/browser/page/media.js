import { element, icon } from "./dom.js";
import { lengthOf, sizeOf } from "./sizes.js";
import { sharedIn } from "./state.js";

/** A picture is shown in the smallest of its sizes that is at least so long. */
const SHOWN_SIDE = 640;

/** What a message carries besides its text, as a node; undefined when there is nothing. */
export function mediaOf(message, fromBot) {
  if (message.document !== undefined) return documentOf(message.document);
  if (message.photo !== undefined) return pictureOf(message.photo, fromBot);
  const film = message.video ?? message.video_note;
  if (film !== undefined) return filmOf(film, message.video === undefined);
  const shared = sharedIn(message);
  if (shared !== undefined) return sharedOf(shared);
  const sound = message.voice ?? message.audio;
  if (sound !== undefined) return soundOf(sound, nameOfSound(message));
  if (message.sticker === undefined) return undefined;
  return element("p", { class: "attachment" }, icon("picture"), `Sticker ${message.sticker.emoji ?? ""}`);
}

function nameOfSound({ voice, audio }) {
  return voice === undefined ? (audio.title ?? audio.file_name ?? "Audio") : "Voice message";
}

function filmOf(film, round) {
  const cover = film.thumbnail && addressOf(film.thumbnail, "cover");
  const player = element("video", {
    class: round ? "film round" : "film",
    src: addressOf(film, "video"),
    poster: cover,
    width: round ? film.length : film.width,
    height: round ? film.length : film.height,
    controls: true,
    preload: "metadata",
    "aria-label": round ? "Video message" : "Video",
    "data-testid": "film",
  });
  // What cannot be played here has its cover all the same.
  player.addEventListener(
    "error",
    () => {
      const still = element("img", {
        class: player.className,
        src: cover,
        alt: "The cover of a video",
        "data-testid": "film",
      });
      player.replaceWith(cover === undefined ? gone("This video") : still);
    },
    { once: true },
  );
  return player;
}

function sharedOf({ icon: name, lines: [head, ...more] }) {
  return element(
    "div",
    { class: "attachment", "data-testid": "shared" },
    icon(name),
    element(
      "div",
      {},
      element("p", { class: "attachment-name", dir: "auto" }, head),
      ...more.map((line) => element("p", { class: "attachment-size", dir: "auto" }, line)),
    ),
  );
}

function addressOf(file, name) {
  return `files/${encodeURIComponent(file.file_id)}?name=${encodeURIComponent(name)}`;
}

function documentOf(file) {
  const name = file.file_name ?? "file";
  return element(
    "a",
    { class: "attachment", href: addressOf(file, name), download: name, "data-testid": "document" },
    icon("file"),
    element("span", { class: "attachment-name", dir: "auto" }, name),
    element("span", { class: "attachment-size" }, sizeOf(file.file_size)),
  );
}

function pictureOf(sizes, fromBot) {
  const largest = sizes.at(-1);
  const shown = sizes.find(({ width, height }) => Math.max(width, height) >= SHOWN_SIDE) ?? largest;
  const picture = element("img", {
    class: "picture",
    src: addressOf(shown, "picture"),
    width: shown.width,
    height: shown.height,
    alt: fromBot ? "A picture from the bot" : `A photo, ${largest.width} × ${largest.height} pixels`,
    "data-testid": "picture",
  });
  picture.addEventListener("error", () => picture.replaceWith(gone("This picture")), { once: true });
  return picture;
}

function soundOf(sound, name) {
  const player = element("audio", {
    class: "player",
    src: addressOf(sound, "sound"),
    controls: true,
    preload: "metadata",
    "aria-label": name,
    "data-testid": "player",
  });
  const node = element(
    "div",
    { class: "sound", "data-testid": "sound" },
    element(
      "p",
      { class: "sound-head" },
      icon("microphone"),
      element("span", { class: "attachment-name", dir: "auto" }, name),
      element("span", { class: "attachment-size" }, `${lengthOf(sound.duration)} · ${sizeOf(sound.file_size)}`),
    ),
    player,
  );
  // What was never sound is named all the same.
  player.addEventListener("error", () => player.remove(), { once: true });
  return node;
}

function gone(what) {
  return element("p", { class: "attachment" }, icon("picture"), `${what} is not kept any more.`);
}

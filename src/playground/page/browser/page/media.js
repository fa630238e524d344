import { element, icon } from "./dom.js";
import { lengthOf, sizeOf } from "./sizes.js";

/** A picture is shown in the smallest of its sizes that is at least so long. */
const SHOWN_SIDE = 640;

/** What a message carries besides its text, as a node; undefined when there is nothing. */
export function mediaOf(message, fromBot) {
  if (message.document !== undefined) return documentOf(message.document);
  if (message.photo !== undefined) return pictureOf(message.photo, fromBot);
  const sound = message.voice ?? message.audio ?? message.video_note;
  if (sound !== undefined) return soundOf(sound, nameOfSound(message));
  if (message.sticker === undefined) return undefined;
  return element("p", { class: "attachment" }, icon("picture"), `Sticker ${message.sticker.emoji ?? ""}`);
}

function nameOfSound({ voice, audio }) {
  if (voice !== undefined) return "Voice message";
  return audio === undefined ? "Video message" : (audio.title ?? audio.file_name ?? "Audio");
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

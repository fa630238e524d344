import { byId, element, icon, showToast } from "./dom.js";
import { photoOf } from "./photos.js";
import { LARGEST_FILE, LARGEST_MESSAGE, lengthOf, sizeOf } from "./sizes.js";
import { soundOf } from "./sounds.js";
import { videoOf } from "./videos.js";

const MOST_FILES = 50;

/**
 * The files that go out with the next message: chosen, dropped or pasted. They stay with their conversation until then.
 * `onChange` is called when they have changed.
 */
export function createTray(store, onChange) {
  const node = byId("tray");
  const list = byId("tray-list");
  const asFiles = byId("as-files");
  const chooser = byId("attach-files");
  const button = byId("attach");
  const zone = byId("conversation");
  /** Conversation key to its files. */
  const trays = new Map();
  let reading = Promise.resolve();
  let round = false;
  chooser.addEventListener("change", () => {
    void add([...chooser.files], round);
    chooser.value = "";
  });
  asFiles.addEventListener("change", render);
  // A file that misses would else be opened in place of the page.
  for (const type of ["dragover", "drop"]) {
    document.addEventListener(type, (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      if (!zone.contains(event.target)) event.dataTransfer.dropEffect = "none";
    });
  }
  zone.addEventListener("dragover", (event) => zone.classList.toggle("dropping", hasFiles(event.dataTransfer)));
  zone.addEventListener("dragleave", (event) => {
    if (!zone.contains(event.relatedTarget)) zone.classList.remove("dropping");
  });
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("dropping");
    void add([...event.dataTransfer.files]);
  });

  const here = () => trays.get(store.openKey()) ?? [];

  /** In the order in which they came: large pictures take their time. */
  function add(files, wantsRound = false) {
    const key = store.openKey();
    reading = reading.then(() => read(key, files, wantsRound));
    return reading;
  }

  /** Each is read at once, so that what cannot be sent is known before it is. */
  async function read(key, files, wantsRound) {
    for (const file of files) {
      const problem = problemOf(file, trays.get(key) ?? []);
      if (problem !== undefined) showToast(problem);
      else keep(key, [await itemOf(file, wantsRound)]);
    }
    if (files.length > 0) onChange();
  }

  function keep(key, items) {
    trays.set(key, [...(trays.get(key) ?? []), ...items]);
    render();
  }

  function remove(item) {
    const at = here().indexOf(item);
    trays.set(
      store.openKey(),
      here().filter((other) => other !== item),
    );
    render();
    onChange();
    (list.children[Math.max(0, at - 1)]?.querySelector("button") ?? button).focus();
  }

  function render() {
    const items = here();
    node.hidden = items.length === 0;
    byId("as-files-label").hidden = !items.some(({ plain, ...item }) => item.kind !== plain.kind);
    list.replaceChildren(...items.map((item) => row(item)));
  }

  function row(item) {
    const { name, thumb, bytes, seconds } = item;
    const photo = thumb !== undefined && !asFiles.checked;
    const size = seconds === undefined ? sizeOf(bytes) : `${lengthOf(seconds)} · ${sizeOf(bytes)}`;
    return element(
      "li",
      { class: "tray-item", "data-testid": "tray-item", "data-kind": asFiles.checked ? "document" : item.kind },
      photo ? thumb : icon(seconds === undefined ? "file" : thumb === undefined ? "microphone" : "film"),
      element(
        "span",
        { class: "context-text" },
        element("span", { class: "tray-name", dir: "auto" }, name),
        element("span", {}, size),
      ),
      element(
        "button",
        { type: "button", class: "icon-button", "aria-label": `Remove ${name}`, onclick: () => remove(item) },
        icon("close"),
      ),
    );
  }

  return {
    add,
    /** Lets files be chosen; a video among them as a round message if that is wanted. */
    choose(wantsRound) {
      round = wantsRound;
      chooser.accept = wantsRound ? "video/*" : "";
      chooser.click();
    },
    /** Resolves when all that was added can be sent. */
    ready: () => reading,
    render,
    get isEmpty() {
      return here().length === 0;
    },
    /** Takes the files out, as they are to be sent. */
    take() {
      const key = store.openKey();
      const items = here();
      trays.delete(key);
      const uploads = items.map((item) => (asFiles.checked ? item.plain : item));
      asFiles.checked = false;
      render();
      return { uploads, restore: () => keep(key, items) };
    },
  };
}

function hasFiles(transfer) {
  return transfer?.types.includes("Files") === true;
}

function problemOf(file, others) {
  if (file.size === 0) return `“${file.name}” is empty, or a folder: Telegram takes neither.`;
  if (file.size > LARGEST_FILE) {
    return `“${file.name}” is larger than 20 MB, and Telegram gives a bot no larger file.`;
  }
  if (others.length >= MOST_FILES) return `More than ${MOST_FILES} files at once are too many.`;
  const all = others.reduce((sum, { plain }) => sum + plain.forms[0].size, file.size);
  return all > LARGEST_MESSAGE ? "These files are larger than 64 MB together: send them in turns." : undefined;
}

/** A file in the form in which it goes out; `plain`: as it is. `forms` are from large to small. */
async function itemOf(file, wantsRound) {
  const plain = { kind: "document", name: file.name, mimeType: file.type, bytes: file.size, forms: [file] };
  const photo = await photoOf(file);
  if (photo !== undefined) {
    const forms = photo.sizes.toReversed();
    // Telegram puts a small one beside a picture that is sent as a file.
    const asFile = { ...plain, cover: photo.sizes[0] };
    return {
      ...plain,
      kind: "photo",
      mimeType: "image/jpeg",
      bytes: forms[0].size,
      forms,
      thumb: photo.thumb,
      plain: asFile,
    };
  }
  return { ...plain, ...((await videoOf(file, wantsRound)) ?? (await soundOf(file))), plain };
}

import { byId, icon } from "./dom.js";

/** A button that sends a voice message: a file that was recorded before. `send` posts it, and tells what went wrong. */
export function createVoiceChooser(send) {
  const button = byId("voice-choose");
  const chooser = byId("voice-file");
  button.append(icon("microphone"));
  button.addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", async () => {
    const [file] = chooser.files;
    // The same file may be chosen once more.
    if (file !== undefined) await send({ data: await base64Of(file) });
    chooser.value = "";
  });
}

function base64Of(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

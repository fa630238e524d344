import { byId, element, icon, showToast } from "./dom.js";
import { oggOf } from "./ogg.js";
import { lengthOf } from "./sizes.js";

/** Ogg is what Telegram's own clients record. */
const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];

async function soundOf(blob) {
  if (blob.type !== "audio/webm") return blob;
  return oggOf(new Uint8Array(await blob.arrayBuffer())) ?? blob;
}

/** The microphone: one press begins, the next one sends. `onRecorded` gets the sound and its seconds. */
export function createRecorder(onRecorded) {
  const button = byId("record");
  const line = byId("recording");
  const type = globalThis.MediaRecorder && TYPES.find((known) => MediaRecorder.isTypeSupported(known));
  let running;
  button.append(icon("microphone"));
  button.hidden = type === undefined || navigator.mediaDevices?.getUserMedia === undefined;
  button.addEventListener("click", () => (running === undefined ? void begin() : end(true)));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && running !== undefined) end(false);
  });

  async function begin() {
    button.disabled = true;
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true }).catch((error) => {
      showToast(
        error.name === "NotAllowedError"
          ? "The browser does not let this page hear the microphone."
          : "There is no microphone to record with; attach a recording instead.",
      );
    });
    button.disabled = false;
    if (microphone === undefined) return;
    const recorder = new MediaRecorder(microphone, { mimeType: type, audioBitsPerSecond: 32_000 });
    const pieces = [];
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1000;
    const clock = element("span", { "data-testid": "recording-time" }, lengthOf(0));
    const ticking = setInterval(() => {
      clock.textContent = lengthOf(seconds());
    }, 250);
    recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    running = { recorder, microphone, ticking, keep: false };
    const mine = running;
    recorder.addEventListener("stop", () => {
      const length = Math.max(1, Math.round(seconds()));
      if (mine.keep)
        void soundOf(new Blob(pieces, { type: type.split(";")[0] })).then((sound) => onRecorded(sound, length));
    });
    recorder.start();
    line.replaceChildren(
      element("span", { class: "recording-lamp", "aria-hidden": "true" }),
      element("span", { class: "context-text" }, "Recording ", clock),
      element(
        "button",
        { type: "button", class: "icon-button", "aria-label": "Throw the recording away", onclick: () => end(false) },
        icon("trash"),
      ),
    );
    show();
  }

  function end(keep) {
    const { recorder, microphone, ticking } = running;
    running.keep = keep;
    running = undefined;
    clearInterval(ticking);
    recorder.stop();
    for (const track of microphone.getTracks()) track.stop();
    show();
    button.focus();
  }

  function show() {
    const on = running !== undefined;
    line.hidden = !on;
    button.classList.toggle("recording", on);
    button.replaceChildren(icon(on ? "check" : "microphone"));
    button.setAttribute("aria-label", on ? "Send the recording" : "Record a voice message");
    button.title = on ? "Send the recording" : "Record a voice message";
  }
}

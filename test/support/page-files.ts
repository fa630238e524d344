/** Files on their way into a page. */
import type { Page } from "playwright-core";

export interface PageFile {
  readonly name: string;
  readonly mimeType: string;
  readonly bytes: Buffer;
}

/** As the chooser of files takes it. */
export function payloadOf({ name, mimeType, bytes }: PageFile) {
  return { name, mimeType, buffer: bytes };
}

/** A film of half a second, 640 by 360, as this browser records it. */
export async function filmIn(page: Page): Promise<Buffer> {
  const base64 = await page.evaluate<string>(`(async () => {
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 360;
    const context = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm;codecs=vp8" });
    const pieces = [];
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
    recorder.start();
    for (let frame = 0; frame < 10; frame += 1) {
      context.fillStyle = "hsl(" + frame * 36 + " 80% 50%)";
      context.fillRect(0, 0, 640, 360);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
    return btoa(String.fromCharCode(...bytes));
  })()`);
  return Buffer.from(base64, "base64");
}

/** Drops them on the messages, or pastes them where one writes, as from another program. */
export async function bringFiles(page: Page, by: "drop" | "paste", files: readonly PageFile[]): Promise<void> {
  const given = files.map(({ name, mimeType, bytes }) => ({ name, mimeType, base64: bytes.toString("base64") }));
  await page.evaluate(`{
    const data = new DataTransfer();
    for (const { name, mimeType, base64 } of ${JSON.stringify(given)}) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      data.items.add(new File([bytes], name, { type: mimeType }));
    }
    const common = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
    const target = document.getElementById("${by === "drop" ? "messages" : "composer-text"}");
    const events = ${by === "drop"}
      ? [new DragEvent("dragover", common), new DragEvent("drop", common)]
      : [new ClipboardEvent("paste", common)];
    for (const event of events) target.dispatchEvent(event);
  }`);
}

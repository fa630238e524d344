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

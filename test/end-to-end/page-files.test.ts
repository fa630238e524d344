/** Files on the chat page: how they get into a message, and how they are shown. */
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, onTestFinished } from "vitest";
import type { PageSource } from "../../src/playground/page/source.ts";
import { greyJpeg, sizeOfPicture } from "../../src/playground/pictures.ts";
import { chromiumPath } from "../support/chromium.ts";
import { bringFiles, filmIn, type PageFile, payloadOf } from "../support/page-files.ts";
import { ADA, eventually, type OpenChat, test } from "../support/shared-page.ts";

type FilesMessage = Parameters<PageSource["sendFiles"]>[0];

const picture = {
  name: "cat.jpg",
  mimeType: "image/jpeg",
  bytes: Buffer.from(greyJpeg({ width: 1600, height: 800 })),
};
const words = { name: "a.txt", mimeType: "text/plain", bytes: Buffer.from("some words") };

function choose(page: Page, ...files: readonly PageFile[]): Promise<void> {
  return page.getByTestId("attach-files").setInputFiles(files.map(payloadOf));
}

const kinds = (page: Page) =>
  page.getByTestId("tray-item").evaluateAll((items) => items.map((item) => item.getAttribute("data-kind")));

async function largeFile(): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "parley-page-")), "large.bin");
  onTestFinished(() => rm(dirname(path), { recursive: true }));
  await writeFile(path, "");
  await truncate(path, 20 * 2 ** 20 + 1);
  return path;
}

function uploaded({ world }: OpenChat): FilesMessage[] {
  return world.done.flatMap((deed) => (deed as { files?: FilesMessage }).files ?? []);
}

describe.skipIf(chromiumPath === undefined)("files on the chat page (needs Chromium)", { timeout: 180_000 }, () => {
  test("are chosen, and go out with their caption, photos made smaller as a client makes them", async ({ chat }) => {
    const { page, box } = chat;
    const chooser = page.waitForEvent("filechooser");
    await page.getByTestId("attach").press("Enter");
    await page.getByRole("menuitem", { name: "Photos, videos or files" }).press("Enter");
    await (await chooser).setFiles([picture, words].map(payloadOf));
    await eventually(() => kinds(page)).toEqual(["photo", "document"]);
    await box().fill("look at this");
    await box().press("Enter");
    await eventually(() => uploaded(chat).length).toBe(1);
    const [{ files, ...message }] = uploaded(chat) as [FilesMessage];
    expect(message).toMatchObject({ chatId: ADA, senderId: ADA, caption: "look at this" });
    const [photo, document] = files;
    const sizes = [...(photo?.smaller ?? []), photo?.bytes ?? new Uint8Array()].map(sizeOf);
    expect(sizes).toEqual(["320 x 160", "800 x 400", "1280 x 640"]);
    expect(photo).toMatchObject({ kind: "photo", name: "cat.jpg", mimeType: "image/jpeg" });
    expect(document).toMatchObject({ kind: "document", name: "a.txt", mimeType: "text/plain", smaller: [] });
    expect(Buffer.from(document?.bytes ?? []).toString()).toBe("some words");
    expect(await page.getByTestId("tray").isVisible()).toBe(false);
    expect(await box().inputValue()).toBe("");
  });

  test("are dropped or pasted, taken out by keyboard, and sent as files on wish", async ({ chat }) => {
    const { page, box } = chat;
    await bringFiles(page, "drop", [picture, words]);
    await eventually(() => kinds(page)).toEqual(["photo", "document"]);
    await bringFiles(page, "paste", [{ ...picture, name: "pasted.jpg" }]);
    await eventually(() => kinds(page)).toEqual(["photo", "document", "photo"]);
    await page.getByRole("button", { name: "Remove a.txt" }).press("Enter");
    await eventually(() => kinds(page)).toEqual(["photo", "photo"]);
    await page.getByTestId("as-files").press("Space");
    await eventually(() => kinds(page)).toEqual(["document", "document"]);
    // Without a word beside them.
    await box().press("Enter");
    await eventually(() => uploaded(chat).length).toBe(1);
    const files = uploaded(chat)[0]?.files ?? [];
    expect(files.map(({ kind, name }) => [kind, name])).toEqual([
      ["document", "cat.jpg"],
      ["document", "pasted.jpg"],
    ]);
    expect(Buffer.from(files[0]?.bytes ?? [])).toEqual(picture.bytes);
    expect(sizeOf(files[0]?.cover ?? new Uint8Array())).toBe("320 x 160");
  });

  test("go out with the words that are sent while they are still being read", async ({ chat }) => {
    const { page, box } = chat;
    await box().fill("both of them");
    const large = Buffer.from(greyJpeg({ width: 5000, height: 4000 }));
    await bringFiles(page, "drop", [{ ...picture, bytes: large }, words]);
    await box().press("Enter");
    await eventually(() => uploaded(chat).map(({ caption, files }) => [caption, files.length])).toEqual([
      ["both of them", 2],
    ]);
    expect(chat.sent()).toEqual([]);
  });

  test("that cannot be sent are named with the reason, before anything is sent", async ({ chat: { page, box } }) => {
    const toast = (text: RegExp) => page.getByTestId("toast").getByText(text).waitFor();
    // From the disk: through the pipe to the browser its bytes take longer than a busy machine has.
    await page.getByTestId("attach-files").setInputFiles(await largeFile());
    await toast(/“large\.bin” is larger than 20 MB, and Telegram gives a bot no larger file\./);
    await choose(page, { ...words, name: "nothing.txt", bytes: Buffer.alloc(0) });
    await toast(/“nothing\.txt” is empty/);
    expect(await page.getByTestId("tray").isVisible()).toBe(false);
    await choose(page, words);
    await box().fill("x".repeat(1025));
    await box().press("Enter");
    await toast(/A caption has room for 1,024 characters; this one has 1025\./);
    expect(await kinds(page)).toEqual(["document"]);
    // What only calls itself a picture goes out as the file that it is.
    await choose(page, { ...words, name: "no.png", mimeType: "image/png" });
    await eventually(() => kinds(page)).toEqual(["document", "document"]);
  });

  test("stay with their chat until they are sent, and come back when they could not be", async ({ chat }) => {
    const { page, box, problems } = chat;
    await choose(page, words);
    await eventually(() => kinds(page)).toEqual(["document"]);
    await page.getByTestId("new-chat").click();
    await page.locator("[data-key='101'][aria-current=true]").waitFor();
    expect(await page.getByTestId("tray").isVisible()).toBe(false);
    await page.locator("[data-key='100']").click();
    await eventually(() => kinds(page)).toEqual(["document"]);
    await box().fill("refuse me");
    await box().press("Enter");
    await page.getByTestId("toast").getByText("The chat does not take this.").waitFor();
    await eventually(() => kinds(page)).toEqual(["document"]);
    expect(await box().inputValue()).toBe("refuse me");
    expect(problems.splice(0)).toHaveLength(1);
  });

  test("are videos with a picture of their beginning, round ones on wish, and what is shared has no file", async ({
    chat,
  }) => {
    const { page, world } = chat;
    const film = { name: "film.webm", mimeType: "video/webm", bytes: await filmIn(page) };
    await choose(page, film);
    await eventually(() => kinds(page)).toEqual(["video"]);
    await page.getByTestId("send").click();
    await eventually(() => uploaded(chat).length).toBe(1);
    const [video] = uploaded(chat)[0]?.files ?? [];
    expect(video).toMatchObject({ kind: "video", size: { width: 640, height: 360 } });
    expect(sizeOf(video?.cover ?? new Uint8Array())).toBe("320 x 180");
    await page.getByTestId("attach").click();
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("menuitem", { name: "Round video message" }).click();
    await (await chooser).setFiles([film].map(payloadOf));
    await eventually(() => kinds(page)).toEqual(["video_note"]);
    await page.getByTestId("attach").press("Enter");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await eventually(() => world.done.at(-1)).toEqual({
      shared: { chatId: ADA, senderId: ADA, shared: { kind: "dice", emoji: "🎲" } },
    });
    // What was chosen waits for its own words.
    expect(await kinds(page)).toEqual(["video_note"]);
  });

  test("are recorded: one press begins, the next one sends, and Escape throws away", async ({ chat }) => {
    const { page, box } = chat;
    await box().fill("begun");
    await page.getByTestId("record").press("Enter");
    await page.getByTestId("recording").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("recording").waitFor({ state: "hidden" });
    await page.getByTestId("record").press("Enter");
    await page.getByTestId("recording-time").getByText("0:01").waitFor();
    await page.getByTestId("record").press("Enter");
    await eventually(() => uploaded(chat).length).toBe(1);
    const [voice, ...rest] = uploaded(chat)[0]?.files ?? [];
    expect(rest).toEqual([]);
    expect(voice).toMatchObject({ kind: "voice", name: "voice.ogg", mimeType: "audio/ogg" });
    expect(voice?.seconds).toBeGreaterThanOrEqual(1);
    expect(Buffer.from(voice?.bytes.subarray(0, 4) ?? []).toString()).toBe("OggS");
    const decoded = `new AudioContext().decodeAudioData(Uint8Array.from(${JSON.stringify([...(voice?.bytes ?? [])])}).buffer)`;
    expect(await page.evaluate<number>(`${decoded}.then(({ duration }) => duration)`)).toBeGreaterThan(0.2);
    expect(await box().inputValue()).toBe("begun");
  });

  test("are shown: an album as one block with one caption, files by name and size, sounds to be heard", async ({
    chat: { page, world },
  }) => {
    world.files.set("p", picture.bytes);
    world.files.set("gone", Buffer.from("no picture"));
    const size = { file_id: "p", width: 1600, height: 800 };
    const part = { media_group_id: "1", photo: [{ ...size, file_id: "none", width: 90, height: 45 }, size] };
    world.botWrites(ADA, { ...part, caption: "all three" });
    world.botWrites(ADA, part);
    world.botWrites(ADA, part);
    const document = { file_id: "p", file_name: "a report.pdf", file_size: 3_000 };
    world.botWrites(ADA, { media_group_id: "2", document });
    world.botWrites(ADA, { media_group_id: "2", document });
    world.botWrites(ADA, { voice: { file_id: "gone", duration: 65, file_size: 2_048 } });
    world.botWrites(ADA, { photo: [{ ...size, file_id: "gone" }], caption: "gone" });
    const albums = page.getByTestId("album");
    await page.getByText("This picture is not kept any more.").waitFor();
    expect(await albums.count()).toBe(2);
    expect(await albums.first().getByTestId("picture").count()).toBe(3);
    expect(await albums.first().getAttribute("aria-label")).toBe("Album of 3");
    expect(await albums.first().innerText()).toMatch(/^all three\s+\d+:\d+ \wM$/);
    const widths = await page.evaluate("[...document.querySelectorAll('.album img')].map((one) => one.naturalWidth)");
    expect(widths).toEqual([1600, 1600, 1600]);
    expect(await albums.last().innerText()).toMatch(/^(a report\.pdf\s+2\.9 KB\s+){2}\d+:\d+ \wM$/);
    await page.getByTestId("sound").getByText("1:05 · 2.0 KB").waitFor();
    // What goes, goes out of its album.
    const [first] = await albums.first().getByTestId("message").all();
    const id = Number(await first?.getAttribute("data-message-id"));
    world.change({ type: "deleted", data: { chatId: ADA, messageIds: [id] } });
    await eventually(() => albums.first().getByTestId("picture").count()).toBe(2);
    expect(await albums.first().innerText()).toMatch(/^\d+:\d+ \wM$/);
  });
});

function sizeOf(bytes: Uint8Array): string {
  const { width, height } = sizeOfPicture(bytes) ?? { width: 0, height: 0 };
  return `${width} x ${height}`;
}

/** What people send beside words, from the page of the playground to the real bot and back. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { greyJpeg } from "../../src/playground/pictures.ts";
import { chromiumPath, fakeMicrophone, openBrowser, openPage } from "../support/chromium.ts";
import { lines, pdfOf } from "../support/files.ts";
import { bringFiles, filmIn, type PageFile } from "../support/page-files.ts";
import { patienceMs } from "../support/patience.ts";
import { botMessages, newChat, type PlaygroundProcess, startPlayground } from "../support/playground-process.ts";

const photo: PageFile = {
  name: "cat.jpg",
  mimeType: "image/jpeg",
  bytes: Buffer.from(greyJpeg({ width: 2000, height: 1000 })),
};
const otherPhoto: PageFile = {
  ...photo,
  name: "dog.jpg",
  bytes: Buffer.from(greyJpeg({ width: 600, height: 600 })),
};
const report: PageFile = {
  name: "report.pdf",
  mimeType: "application/pdf",
  bytes: pdfOf([
    { content: lines("Wombats are makers of cubes") },
    { content: lines("Nobody knows what they are for") },
  ]),
};
const list: PageFile = { name: "list.csv", mimeType: "text/csv", bytes: Buffer.from("name,legs\nwombat,4\n") };

describe.skipIf(chromiumPath === undefined)("files in a browser (needs Chromium)", { timeout: 240_000 }, () => {
  let playground: PlaygroundProcess;
  let browser: Browser;
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    [playground, browser] = await Promise.all([startPlayground(), openBrowser(fakeMicrophone)]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await playground?.stop();
  }, 120_000);
  beforeEach(async () => {
    ({ page, problems } = await openPage(browser));
    await page.goto(playground.url);
    await page.getByTestId("chat-row").first().waitFor();
    await newChat(page);
  });
  afterEach(async () => {
    await page.context().close();
    expect(problems).toEqual([]);
  });

  async function send(words: string, count: number): Promise<void> {
    await page
      .getByTestId("tray-item")
      .nth(count - 1)
      .waitFor();
    await page.getByTestId("composer-text").fill(words);
    await page.getByTestId("composer-text").press("Enter");
    await page.getByTestId("tray").waitFor({ state: "hidden" });
  }
  const whole = () => page.getByTestId("key").filter({ hasText: "Regenerate" }).waitFor();
  const answer = async () => (await botMessages(page).last().getByTestId("message-text").innerText()) ?? "";
  async function switchFault(name: string): Promise<void> {
    await page.getByTestId(`fault-${name}`).click();
    await page.locator(`[data-testid=fault-${name}][aria-checked=true]`).waitFor();
  }

  test("a photo and two files are one question, and get one answer", async () => {
    await bringFiles(page, "drop", [photo, report, list]);
    await send("What is in these?", 3);
    await page.getByTestId("album").waitFor();
    await whole();
    const text = await answer();
    expect(text).toContain("I see a picture and 2 documents, with the words “What is in these?”");
    expect(text).toMatch(/JPEG, 1280 × 640 pixels, \d+ bytes, sent as image\/jpeg/);
    expect(text).toMatch(/the file "report\.pdf": 11 words on 2 pages/);
    expect(text).toMatch(/the file "list\.csv": 2 words/);
    // Whatever would be answered by itself would have been, before what is asked behind it.
    await page.getByTestId("composer-text").fill("hello");
    await page.getByTestId("composer-text").press("Enter");
    await expect.poll(() => botMessages(page).count(), { timeout: patienceMs }).toBe(2);
    await whole();
    expect(await botMessages(page).count()).toBe(2);
  });

  test("an album is one question, and another one when its caption is edited", async () => {
    await bringFiles(page, "paste", [photo, otherPhoto]);
    await send("Which is the cat?", 2);
    await whole();
    expect(await answer()).toContain("I see 2 pictures, with the words “Which is the cat?”");
    await page.getByTestId("composer-text").press("ArrowUp");
    await page.getByTestId("composer-context").getByText("Edit caption").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("album").getByTestId("message").first().hover();
    await page.getByTestId("album").getByTestId("edit").first().click();
    await page.getByTestId("composer-text").fill("Which is the dog?");
    await page.getByTestId("composer-text").press("Enter");
    await expect
      .poll(answer, { timeout: patienceMs })
      .toContain("I see 2 pictures, with the words “Which is the dog?”");
    await whole();
    expect(await botMessages(page).count()).toBe(1);
  });

  test("a reply to a picture brings it along", async () => {
    await bringFiles(page, "drop", [photo]);
    await send("Keep this", 1);
    await whole();
    const mine = page.locator("[data-testid=message][data-from=person]").first();
    await mine.hover();
    await mine.getByTestId("reply").click();
    await page.getByTestId("composer-text").fill("and how large is it?");
    await page.getByTestId("composer-text").press("Enter");
    await expect.poll(() => botMessages(page).count(), { timeout: patienceMs }).toBe(2);
    await expect.poll(answer, { timeout: patienceMs }).toMatch(/I see a picture, with the words[\s\S]*how large is it/);
  });

  test("a video is seen by its cover", async () => {
    const film = { name: "film.webm", mimeType: "video/webm", bytes: await filmIn(page) };
    await bringFiles(page, "drop", [film]);
    await send("What is in it?", 1);
    await whole();
    await page.getByTestId("film").waitFor();
    expect(await answer()).toMatch(
      /I see a picture, with the words[\s\S]*What is in it\?[\s\S]*JPEG, 320 × 180 pixels/,
    );
  });

  // Few enough of each for the limit of messages.
  test.for([
    [
      ["Location", "[location: 52.5163, 13.3777]"],
      ["Place", "[place: Brandenburg Gate, Pariser Platz, Berlin, 52.5163, 13.3777]"],
      ["Contact", "[contact: Grace +1 202 555 0143]"],
    ],
    [
      ["Poll", "[poll: Where shall we meet?]\n• At the gate\n• At the station"],
      ["Dice", "[dice: 🎲 "],
      ["Animated sticker", "[animated sticker 🙂]"],
    ],
  ])("what is shared reaches the model in words: %j", async (rows) => {
    for (const [index, [label = "", words = ""]] of rows.entries()) {
      await page.getByTestId("attach").click();
      await page.getByRole("menuitem", { name: `${label} (a sample)` }).click();
      await expect.poll(() => botMessages(page).count(), { timeout: patienceMs }).toBe(index + 1);
      await expect.poll(answer, { timeout: patienceMs }).toContain(words);
    }
    // A sticker is no such block.
    const shown = rows.filter(([label]) => label !== "Animated sticker");
    expect(await page.getByTestId("shared").count()).toBe(shown.length);
  });

  test.for([
    ["download-slow", /the file "report\.pdf": 11 words on 2 pages/],
    ["download-cut", /I could not fetch this file/],
    ["download-refused", /I could not fetch this file/],
    ["file-too-big", /20 MB/],
  ] as const)("is told why, when the switch is %s", async ([fault, says]) => {
    await switchFault(fault);
    await bringFiles(page, "drop", [report]);
    await send("What is in it?", 1);
    await expect.poll(answer, { timeout: patienceMs }).toMatch(says);
    await page.getByTestId(`fault-${fault}`).click();
    await page.locator(`[data-testid=fault-${fault}][aria-checked=false]`).waitFor();
  });

  test("what is recorded is heard and answered, aloud too when that is wanted, and both can be played", async () => {
    await page.getByTestId("composer-text").fill("/voice on");
    await page.getByTestId("composer-text").press("Enter");
    await botMessages(page).first().waitFor();
    await page.getByTestId("record").click();
    await page.getByTestId("recording-time").getByText("0:01").waitFor();
    await page.getByTestId("record").click();
    const sounds = page.getByTestId("sound");
    await sounds.nth(1).waitFor();
    expect(await sounds.getByText("Voice message").count()).toBe(2);
    const texts = (await botMessages(page).getByTestId("message-text").allInnerTexts()).join("\n");
    expect(texts).toMatch(/^a recording of \d{4,} bytes$/m);
    const lengths = () =>
      page.evaluate<number[]>("[...document.querySelectorAll('audio')].map(({ duration }) => duration)");
    await expect
      .poll(async () => (await lengths()).every((length) => length > 0.2 && length < 60), { timeout: patienceMs })
      .toBe(true);
  });

  test("what is drawn is shown, and comes as a file", async () => {
    await page.getByTestId("composer-text").fill("/image a wombat");
    await page.getByTestId("composer-text").press("Enter");
    await botMessages(page).getByTestId("picture").waitFor();
    await page.getByTestId("key").filter({ hasText: "As a file" }).click();
    const download = page.waitForEvent("download");
    await botMessages(page).getByTestId("document").click();
    expect((await download).suggestedFilename()).toMatch(/^\w+\.\w+$/);
  });

  test.for([1280, 390])("a window %i pixels wide has room for all of it", async (width) => {
    await page.setViewportSize({ width, height: 800 });
    await bringFiles(page, "drop", [photo, photo, photo, { ...list, name: `${"a long name ".repeat(9)}.csv` }]);
    await send("What is in these?", 4);
    await whole();
    expect(await page.locator("html").evaluate((html) => html.scrollWidth)).toBe(width);
    const beyond = await page.getByTestId("messages").evaluate((all) => all.scrollWidth - all.clientWidth);
    expect(beyond).toBe(0);
  });
});

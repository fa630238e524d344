/** Tools on the page of the playground: what is called, what is asked first, and what may be called at all. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser } from "../support/chromium.ts";
import { lines, pdfOf } from "../support/files.ts";
import { bringFiles } from "../support/page-files.ts";
import { patienceMs } from "../support/patience.ts";
import { botMessages, newChat, type PlaygroundProcess, startPlayground } from "../support/playground-process.ts";

describe.skipIf(chromiumPath === undefined)("tools in a browser (needs Chromium)", { timeout: 240_000 }, () => {
  let playground: PlaygroundProcess;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    [playground, browser] = await Promise.all([startPlayground(), openBrowser()]);
    page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    page.setDefaultTimeout(patienceMs);
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.goto(playground.url);
    await page.getByTestId("suggestion").first().waitFor();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await playground?.stop();
    expect(problems).toEqual([]);
  }, 120_000);

  async function say(text: string): Promise<void> {
    await page.getByTestId("composer-text").fill(text);
    await page.getByTestId("composer-text").press("Enter");
  }
  const key = (label: string) => page.getByTestId("key").filter({ hasText: label }).last();
  const says = (text: string | RegExp) => botMessages(page).getByTestId("message-text").getByText(text).last();
  const asks = () => says("May I use notebook_write with this?");

  test("an empty chat offers a calculation, which is made", async () => {
    await page.getByTestId("suggestion").filter({ hasText: "17% of 2,340" }).click();
    await says("397.8").waitFor();
    await page.getByTestId("log-open").click();
    await page
      .getByTestId("request-messages")
      .getByText(/^4 messages, \d tools$/)
      .click();
    await page.getByTestId("request-messages").getByText('calculate {"code":"2340 * 17 / 100"}').waitFor();
    await page.keyboard.press("Escape");
  });

  test("a note is written when it is allowed, once or in this conversation, and not when it is refused", async () => {
    await say("note that the milk is out");
    await asks().waitFor();
    await says("Waiting for your OK").waitFor();
    await page.getByTestId("code-block").getByText('"text": "the milk is out"').waitFor();
    expect(await page.locator("html").evaluate((html) => html.scrollWidth)).toBe(390);
    await key("Refuse").click();
    await says("The user does not want this call.").waitFor();
    await say("note that the bread is out");
    await expect.poll(() => key("Allow in this conversation").count(), { timeout: patienceMs }).toBe(1);
    await key("Allow in this conversation").click();
    await says("Noted as number 1.").waitFor();
    await say("note that the tea is out");
    await says("Noted as number 2.").waitFor();
    await say("read my notes");
    await says(/1\. the bread is out\s+2\. the tea is out/).waitFor();
    // What was read may want the next note: from there on each is asked for.
    await say("note that the salt is out");
    await says("I have read something from outside here").waitFor();
    expect(await key("Allow in this conversation").count()).toBe(0);
    await key("Allow once").click();
    await says("Noted as number 3.").waitFor();
  });

  test("what is remembered stands below the answer, in /memory, and is undone", async () => {
    await page.getByTestId("chats-open").click();
    await newChat(page);
    await page.getByTestId("suggestion").filter({ hasText: "I am vegan" }).click();
    await key("Undo").waitFor();
    await says("Remembered: I am vegan").waitFor();
    await say("/memory");
    await says("1. I am vegan").waitFor();
    await key("Undo").click();
    await says("Not remembered: I am vegan").waitFor();
  });

  test("a long file is read on where its reading has ended, and a picture is drawn", async () => {
    await page.getByTestId("chats-open").click();
    await newChat(page);
    const line = (index: number) => `Wombats are makers of cubes, and nobody knows what number ${index} is for`;
    const pages = Array.from({ length: 40 }, (_, at) => ({
      content: lines(
        `The code word of page ${at + 1} is wombat${at + 1}`,
        ...Array.from({ length: 35 }, (_, i) => line(i)),
      ),
    }));
    await bringFiles(page, "drop", [{ name: "book.pdf", mimeType: "application/pdf", bytes: pdfOf(pages) }]);
    await page.getByTestId("tray-item").waitFor();
    await page.getByTestId("send").click();
    await says(/I read pages 1–\d\d of 40/).waitFor();
    await say("read on from page 39");
    await says("The code word of page 39 is wombat39").waitFor();
    await say("Draw a lighthouse");
    await botMessages(page).getByTestId("picture").waitFor();
  });

  test("/tools lists them, and takes them away from this conversation", async () => {
    await page.getByTestId("chats-open").click();
    await newChat(page);
    await page.getByTestId("suggestion").filter({ hasText: "/tools" }).click();
    await says("notebook_write (asks first)").waitFor();
    await key("Off").click();
    await says("Tools are off in this conversation.").waitFor();
    await say("What is 17% of 2,340?");
    await says(/“What is 17% of 2,340\?”/).waitFor();
    expect(await says("397.8").count()).toBe(0);
  });
});

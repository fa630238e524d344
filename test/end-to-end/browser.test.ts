import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser, openPage } from "../support/chromium.ts";
import { patienceMs } from "../support/patience.ts";
import { botMessages, newChat, type PlaygroundProcess, startPlayground } from "../support/playground-process.ts";

describe.skipIf(chromiumPath === undefined)(
  "the playground in a browser (needs Chromium)",
  { timeout: 180_000 },
  () => {
    let playground: PlaygroundProcess;
    let browser: Browser;
    let page: Page;
    let problems: string[];

    beforeAll(async () => {
      playground = await startPlayground();
      browser = await openBrowser();
    }, 120_000);

    afterAll(async () => {
      await browser?.close();
      await playground?.stop();
    }, 120_000);

    beforeEach(async () => {
      ({ page, problems } = await openPage(browser));
      await page.goto(playground.url);
      await page.getByTestId("chat-row").first().waitFor();
      // Each test has a conversation of its own.
      await newChat(page);
    });

    afterEach(async () => {
      await page.context().close();
      expect(problems).toEqual([]);
    });

    test("shows the answer growing while it is written, then Regenerate, and Regenerate answers again in place", async () => {
      await say(page, "Tell me a long story");
      const answer = botMessages(page).last();
      await answer.waitFor();
      const lengths = new Set<number>();
      await expect
        .poll(
          async () => {
            lengths.add((await textOf(answer)).length);
            return lengths.size;
          },
          { timeout: patienceMs, interval: 150 },
        )
        .toBeGreaterThanOrEqual(4);
      await page.getByTestId("key").filter({ hasText: "Regenerate" }).waitFor();
      expect(await page.getByTestId("key").filter({ hasText: "Stop" }).count()).toBe(0);

      const count = await page.getByTestId("message").count();
      await page.getByTestId("key").filter({ hasText: "Regenerate" }).click();
      // Below the last message, and then below the first as well until the other one is taken away.
      await page.getByTestId("key").filter({ hasText: "Stop" }).first().waitFor();
      await page.getByTestId("key").filter({ hasText: "Regenerate" }).waitFor();
      expect(await page.getByTestId("message").count()).toBe(count);
    });

    test("stops a long answer and keeps what was written", async () => {
      await say(page, "Tell me a long story");
      const stop = page.getByTestId("key").filter({ hasText: "Stop" });
      await stop.waitFor();
      const answer = botMessages(page).last();
      await expect.poll(async () => (await textOf(answer)).length, { timeout: patienceMs }).toBeGreaterThan(40);
      const before = await textOf(answer);
      await stop.click();
      await stop.waitFor({ state: "detached" });
      const after = await textOf(answer);
      expect(after.startsWith(before.slice(0, 20))).toBe(true);
      expect(after.length).toBeGreaterThanOrEqual(before.length);
      // Nothing goes on writing behind the stop.
      await page.waitForTimeout(2500);
      expect(await textOf(answer)).toBe(after);
    });

    test("answers /model with buttons, and a press is answered and not left spinning", async () => {
      await say(page, "/model");
      const keys = botMessages(page).last().getByTestId("key");
      await keys.first().waitFor();
      await keys.first().click();
      await expect.poll(() => page.locator("[aria-busy=true]").count(), { timeout: patienceMs }).toBe(0);
      expect(problems).toEqual([]);
    });

    test("goes on with an answer that was cut, until it is whole", async () => {
      await say(page, "Show me the length limit");
      for (let press = 0; press < 2; press += 1) {
        await page.getByTestId("key").filter({ hasText: "Continue" }).click();
        await botMessages(page)
          .nth(press + 1)
          .waitFor();
        await page.getByTestId("key").filter({ hasText: "Regenerate" }).waitFor();
      }
      const continuing = page.getByTestId("key").filter({ hasText: "Continue" });
      await expect.poll(() => continuing.count(), { timeout: patienceMs }).toBe(0);
      expect(await botMessages(page).count()).toBe(3);
      expect(new Set(await botMessages(page).getByTestId("message-text").allTextContents()).size).toBe(3);
    });

    test("shows that a busy model is asked again, and that it thinks, in the message of the answer", async () => {
      for (const [question, shown] of [
        ["Are you busy?", /Trying again… \(busy\)/],
        ["Think about it", /Thinking… ([5-9]|1\d) s/],
      ] as const) {
        const count = await botMessages(page).count();
        await say(page, question);
        await botMessages(page).nth(count).getByText(shown).waitFor({ timeout: patienceMs });
        await page.getByTestId("key").filter({ hasText: "Stop" }).waitFor();
        await botMessages(page).nth(count).getByText("scripted demo model").waitFor({ timeout: patienceMs });
        await page.getByTestId("key").filter({ hasText: "Regenerate" }).waitFor();
        expect(await botMessages(page).count()).toBe(count + 1);
      }
      expect(problems).toEqual([]);
    });

    test("offers three questions after /start, and a press asks one of them", async () => {
      await say(page, "/start");
      const examples = page.getByTestId("reply-key");
      await examples.nth(2).waitFor();
      expect(await examples.count()).toBe(3);
      const question = (await examples.nth(1).textContent()) ?? "";
      await examples.nth(1).press("Enter");
      await page.locator("[data-testid=message][data-from=person]").last().getByText(question).waitFor();
      await page.getByTestId("reply-keyboard").waitFor({ state: "hidden" });
      await page.getByTestId("key").filter({ hasText: "Regenerate" }).waitFor();
      await page.getByTestId("request-messages").locator("summary").click();
      await page.getByTestId("request-messages").getByText(question, { exact: true }).waitFor();
      expect(await page.getByTestId("request-facts").textContent()).toMatch(/First token\d+ ms.*Tokens in\d+/);
      await page.getByTestId("keys-toggle").waitFor();
      await say(page, "/help");
      await page.getByTestId("keys-toggle").waitFor({ state: "hidden" });
    });

    test("opens a second chat that knows nothing of the first", async () => {
      const first = await page.locator("[data-testid=chat-row][aria-current=true]").getAttribute("data-key");
      await say(page, "hello from the first chat");
      await botMessages(page).first().waitFor();
      await newChat(page);
      expect(await page.getByTestId("message").count()).toBe(0);
      await say(page, "hello from the second chat");
      await botMessages(page).first().waitFor();
      expect(await page.getByText("hello from the first chat", { exact: true }).count()).toBe(0);
      await page.locator(`[data-testid=chat-row][data-key="${first}"]`).click();
      await page.getByTestId("message-text").getByText("hello from the first chat", { exact: true }).waitFor();
      expect(
        await page.getByTestId("message-text").getByText("hello from the second chat", { exact: true }).count(),
      ).toBe(0);
    });

    test("shows code with its language and copies it", async () => {
      await page
        .context()
        .grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(playground.url).origin });
      await say(page, "Show me some code");
      const block = page.getByTestId("code-block").first();
      await block.waitFor();
      await page.getByTestId("key").filter({ hasText: "Regenerate" }).waitFor();
      expect(await block.getByTestId("code-language").textContent()).toMatch(/^\w+$/);
      const code = await block.locator("pre").textContent();
      await block.getByTestId("code-copy").click();
      await block.getByText("Copied").waitFor();
      await page.getByTestId("composer-text").focus();
      await page.keyboard.press("ControlOrMeta+V");
      // A text area drops nothing but the line break at the end.
      expect((await page.getByTestId("composer-text").inputValue()).trimEnd()).toBe(code?.trimEnd());
    });

    test("edits a question in place and marks it", async () => {
      await say(page, "first wording");
      await page.getByTestId("key").filter({ hasText: "Regenerate" }).waitFor();
      await page.getByTestId("composer-text").press("ArrowUp");
      await page.getByTestId("composer-text").fill("second wording");
      await page.getByTestId("composer-text").press("Enter");
      const question = page.locator("[data-testid=message][data-from=person]").last();
      await question.getByText("second wording").waitFor();
      await question.getByTestId("edited").waitFor();
      expect(await page.locator("[data-testid=message][data-from=person]").count()).toBe(1);
    });

    test.for([
      { width: 1280, height: 860 },
      { width: 390, height: 780 },
    ])("fits a window $width pixels wide, in light and dark", async (viewport) => {
      await page.setViewportSize(viewport);
      await say(page, "Show me some code");
      await page.getByTestId("key").filter({ hasText: "Regenerate" }).waitFor();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await page.locator("html").evaluate((html) => html.scrollWidth)).toBe(viewport.width);
        const beyond = await page.getByTestId("messages").evaluate((list) => list.scrollWidth - list.clientWidth);
        expect(beyond).toBe(0);
        expect((await page.screenshot()).length).toBeGreaterThan(10_000);
      }
    });
  },
);

async function textOf(message: ReturnType<typeof botMessages>): Promise<string> {
  return (await message.getByTestId("message-text").textContent()) ?? "";
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId("composer-text").fill(text);
  await page.getByTestId("composer-text").press("Enter");
  await page.locator("[data-testid=message][data-from=person]").filter({ hasText: text }).last().waitFor();
}

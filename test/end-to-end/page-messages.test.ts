/** How the chat page shows what the bot writes. */
import { describe, expect } from "vitest";
import { chromiumPath } from "../support/chromium.ts";
import { ADA, entity, eventually, keys, test } from "../support/shared-page.ts";

describe.skipIf(chromiumPath === undefined)(
  "the messages of the chat page (needs Chromium)",
  { timeout: 180_000 },
  () => {
    test("shows entities as a Telegram client does, nested and overlapping ones too", async ({
      chat: { world, newest },
    }) => {
      const text = "Bold and italic, struck code.\nprint('hi')\nquoted words\nhidden";
      world.botWrites(ADA, {
        text,
        entities: [
          entity(text, "Bold and", "bold"),
          entity(text, "and italic", "italic"),
          entity(text, "struck", "strikethrough"),
          entity(text, "code", "code"),
          entity(text, "print('hi')", "pre", { language: "python" }),
          entity(text, "quoted words", "blockquote"),
          entity(text, "hidden", "spoiler"),
        ],
      });
      await newest().waitFor();
      const html = newest();
      expect(await html.locator("strong").allTextContents()).toEqual(["Bold and"]);
      expect(await html.locator("em").allTextContents()).toEqual(["and", " italic"]);
      expect(await html.locator("s").textContent()).toBe("struck");
      expect(await html.locator("blockquote").textContent()).toBe("quoted words");
      expect(await html.getByTestId("code-language").textContent()).toBe("python");
      expect(await html.locator("pre").textContent()).toBe("print('hi')");
      expect(await html.getByText("hidden").isVisible()).toBe(false);
      await html.locator(".spoiler").click();
      expect(await html.getByText("hidden").isVisible()).toBe(true);
    });

    test("shows markup in a text as text, and opens no address that is not a web address", async ({
      chat: { world, newest },
    }) => {
      const text = "<img src=x onerror=alert(1)> **not bold** click me or tg or https://example.org/a_(b).";
      world.botWrites(ADA, {
        text,
        entities: [
          entity(text, "click me", "text_link", { url: "javascript:alert(1)" }),
          entity(text, "tg", "text_link", { url: "tg://user?id=1" }),
        ],
      });
      await newest().waitFor();
      expect(await newest().textContent()).toBe(text);
      expect(await newest().locator("img").count()).toBe(0);
      const links = await newest().locator("a").all();
      expect(await Promise.all(links.map((link) => link.getAttribute("href")))).toEqual(["https://example.org/a_(b)"]);
      expect(await links[0]?.getAttribute("rel")).toContain("noopener");
    });

    test("lets a button spin until the bot answers, then shows the text, or an alert to be closed", async ({
      chat: { page, world },
    }) => {
      let answer = (_answer: { text: string; alert: boolean }) => {};
      world.onPress(() => new Promise((resolve) => (answer = resolve)));
      world.botWrites(ADA, { text: "Choose", ...keys("one/model") });
      await page.getByTestId("key").click();
      await page.locator("[data-testid=key][aria-busy=true]").waitFor();
      answer({ text: "The model is one/model.", alert: false });
      await page.getByTestId("toast").getByText("The model is one/model.").waitFor();
      expect(await page.locator("[aria-busy=true]").count()).toBe(0);

      await page.getByTestId("key").click();
      await page.locator("[data-testid=key][aria-busy=true]").waitFor();
      answer({ text: "Read this.", alert: true });
      await page.getByTestId("alert").getByText("Read this.").waitFor();
      await page.getByTestId("alert-close").click();
      expect(await page.getByTestId("alert").isVisible()).toBe(false);
    });

    test("says so when the bot leaves a press unanswered", async ({ chat: { page, world, problems } }) => {
      world.onPress(async () => undefined);
      world.botWrites(ADA, { text: "Choose", ...keys("one/model") });
      await page.getByTestId("key").click();
      await page.getByTestId("toast").getByText("did not answer").waitFor();
      // The browser writes the refusal to its console; it is the one that is meant here.
      expect(problems.splice(0)).toHaveLength(1);
    });

    test("keeps a button in focus while the text above it grows", async ({ chat: { page, world, newest } }) => {
      const { message_id } = world.botWrites(ADA, { text: "word", ...keys("Stop") });
      await page.getByTestId("key").focus();
      world.botWrites(ADA, { message_id, text: "word after word", edit_date: 1_790_000_001, ...keys("Stop") });
      await newest().getByText("word after word").waitFor();
      expect(await page.getByTestId("key").evaluate((key) => key.matches(":focus"))).toBe(true);
      expect(await page.getByTestId("edited").isVisible()).toBe(true);
    });

    test("follows the newest text unless the reader scrolled up, and leads back", async ({
      chat: { page, world, newest },
    }) => {
      for (let number = 1; number <= 40; number += 1) world.botWrites(ADA, { text: `message ${number}` });
      await newest().getByText("message 40").waitFor();
      const list = page.getByTestId("messages");
      const fromEnd = () => list.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight);
      await eventually(fromEnd).toBeLessThan(2);
      expect(await page.getByTestId("jump").isVisible()).toBe(false);

      await list.hover();
      await page.mouse.wheel(0, -600);
      await page.getByTestId("jump").waitFor();
      const top = await list.evaluate((node) => node.scrollTop);
      world.botWrites(ADA, { text: "one more" });
      await newest().getByText("one more").waitFor({ state: "attached" });
      expect(await list.evaluate((node) => node.scrollTop)).toBe(top);

      await page.getByTestId("jump").click();
      await eventually(fromEnd).toBeLessThan(2);
      world.botWrites(ADA, { text: "and another\n\n".repeat(20) });
      await eventually(fromEnd).toBeLessThan(2);
      expect(await page.getByTestId("jump").isVisible()).toBe(false);
    });

    test("brings into view what is sent, wherever the reader is, and the answer below it", async ({
      chat: { page, world, box, newest },
    }) => {
      for (let number = 1; number <= 40; number += 1) world.botWrites(ADA, { text: `message ${number}` });
      await newest().getByText("message 40").waitFor();
      const list = page.getByTestId("messages");
      const fromEnd = () => list.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight);
      await list.hover();
      await page.mouse.wheel(0, -900);
      await page.getByTestId("jump").waitFor();
      await box().fill("a question from above");
      await box().press("Enter");
      await newest().getByText("a question from above").waitFor();
      await eventually(fromEnd).toBeLessThan(2);
      expect(await page.getByTestId("jump").isVisible()).toBe(false);
      world.botWrites(ADA, { text: "an answer\n\n".repeat(20) });
      await eventually(fromEnd).toBeLessThan(2);

      // An edited message stays where it is, and is shown there.
      for (let number = 1; number <= 40; number += 1) world.botWrites(ADA, { text: `message ${number}` });
      await eventually(fromEnd).toBeLessThan(2);
      await box().press("ArrowUp");
      await box().fill("another question from above");
      await box().press("Enter");
      const top = (await list.boundingBox())?.y ?? 0;
      const question = page.getByTestId("message-text").getByText("a question from above");
      await eventually(async () => ((await question.boundingBox())?.y ?? -1) >= top).toBe(true);
    });

    test("draws no more than the newest messages of a long chat until asked for earlier ones", async ({
      chat: { page, world, newest },
    }) => {
      for (let number = 1; number <= 400; number += 1) world.botWrites(ADA, { text: `message ${number}` });
      await newest().getByText("message 400").waitFor();
      expect(await page.getByTestId("message").count()).toBe(150);
      await page.getByText("Show earlier messages").click();
      await eventually(() => page.getByTestId("message").count()).toBe(300);
    });

    test("shows typing, then a draft with its Stop button, until the message is there", async ({
      chat: { page, world, newest },
    }) => {
      world.change({ type: "action", data: { chatId: ADA, action: "typing" } });
      await page.getByTestId("typing").waitFor();
      expect(await page.getByTestId("conversation-status").textContent()).toBe("typing…");
      const draft = { draftId: 5, text: "Once upon", entities: [], canStop: true };
      world.change({ type: "draft", data: { chatId: ADA, draft } });
      await page.getByTestId("draft-text").getByText("Once upon").waitFor();
      expect(await page.getByTestId("typing").count()).toBe(0);
      await page.getByTestId("draft-stop").click();
      await eventually(() => world.done).toContainEqual({ stopped: { chatId: ADA, draftId: 5 } });
      world.botWrites(ADA, { text: "Once upon a time." });
      await newest().getByText("Once upon a time.").waitFor();
      expect(await page.getByTestId("draft").count()).toBe(0);
    });
  },
);

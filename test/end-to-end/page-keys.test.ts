/** Keys on the chat page: below messages, in place of the letters, and what is drawn on them. */
import type { Locator } from "playwright-core";
import { describe, expect } from "vitest";
import { english as texts } from "../../src/texts/english.ts";
import { chromiumPath } from "../support/chromium.ts";
import { noteWords } from "../support/note-words.ts";
import { ADA, eventually, keys, test } from "../support/shared-page.ts";

const examples = { messageId: 1, rows: [["One"], ["Two", "Three"]], oneTime: true, small: true, placeholder: "Ask me" };

async function boxOf(locator: Locator) {
  const box = await locator.boundingBox();
  if (box === null) throw new Error("it is not shown");
  return box;
}

/** The same once it has come to rest: lists scroll smoothly, on a busy machine for a while. */
async function boxAtRest(locator: Locator) {
  for (let former = await boxOf(locator); ; ) {
    await locator.page().waitForTimeout(150);
    const box = await boxOf(locator);
    if (box.x === former.x && box.y === former.y) return box;
    former = box;
  }
}

describe.skipIf(chromiumPath === undefined)("keys on the chat page (needs Chromium)", { timeout: 180_000 }, () => {
  test("stand below their bubble, exactly as wide as it", async ({ chat: { page, world, newest } }) => {
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 780 });
      for (const [text, label] of [
        [`ok at ${width}`, "🔄 Regenerate"],
        [`yes at ${width}`, "A label that is a good deal longer than the text above it"],
        [`At ${width} pixels a text that runs over several lines. `.repeat(9), "🔄 Regenerate"],
      ] as const) {
        world.botWrites(ADA, { text: `${text}\n`, ...keys(label) });
        await newest().getByText(text.trim()).waitFor();
        const message = page.getByTestId("message").last();
        const bubble = await boxOf(message.locator(".bubble"));
        const keyboard = await boxOf(message.getByTestId("keyboard"));
        expect(Math.abs(keyboard.width - bubble.width)).toBeLessThan(1);
        expect(Math.abs(keyboard.x - bubble.x)).toBeLessThan(1);
        expect(keyboard.y).toBeGreaterThanOrEqual(bubble.y + bubble.height);
      }
    }
  });

  test("are covered by no toast, and no toast moves one", async ({ chat: { page, world } }) => {
    await page.clock.install();
    for (const [at, width] of [1280, 390].entries()) {
      await page.setViewportSize({ width, height: 780 });
      for (let count = 0; count < 12; count += 1) world.botWrites(ADA, { text: "Choose", ...keys("one", "two") });
      await eventually(() => page.getByTestId("key").count()).toBe(24 * (at + 1));
      const newest = page.getByTestId("key").last();
      for (const scrolled of [false, true]) {
        await page.getByTestId("messages").hover();
        if (scrolled) await page.mouse.wheel(0, -300);
        const probe = scrolled ? page.getByTestId("key").nth((await page.getByTestId("key").count()) - 10) : newest;
        const before = await boxAtRest(probe);
        world.onPress(async () => ({ text: "A notice that is as long as Telegram lets it be. ".repeat(4) }));
        await probe.click();
        await page.getByTestId("toast").getByText("A notice").waitFor();
        const toast = await boxOf(page.getByTestId("toast"));
        expect(Math.abs((await boxOf(probe)).y - before.y)).toBeLessThan(2);
        const list = await boxOf(page.getByTestId("messages"));
        expect(toast.y + toast.height).toBeLessThanOrEqual(list.y + 1);
        for (const button of await page.locator("button:visible:not([data-testid=key])").all()) {
          const box = await boxOf(button);
          const apart =
            box.x + box.width <= toast.x ||
            toast.x + toast.width <= box.x ||
            box.y + box.height <= toast.y ||
            toast.y + toast.height <= box.y;
          // What is scrolled away is cut off by its list.
          if (box.y >= list.y) expect(apart).toBe(true);
        }
        await page.clock.fastForward(20_000);
        await page.getByTestId("toast").waitFor({ state: "hidden" });
        expect(Math.abs((await boxOf(probe)).y - before.y)).toBeLessThan(2);
      }
      await page.getByTestId("jump").click();
    }
  });

  test("need no font for the signs on them, nor does a text of the bot", async ({ chat: { page, world, newest } }) => {
    const pictures = /\p{Extended_Pictographic}/gu;
    const known = [
      ...Object.values(texts.labels).map((label) => (typeof label === "string" ? label : label(2))),
      "✅ model",
    ];
    const status = [
      texts.tryingAgain("timeout"),
      texts.thinking(5),
      texts.toolAtWork({ doing: "calling", name: "search" }),
    ];
    const written = [texts.stopped, noteWords.modelFailed("empty"), texts.waiting("openai"), ...status];
    world.botWrites(ADA, { text: written.join("\n"), ...keys(...known) });
    await newest().getByText("openai").waitFor();
    const signs = (text: string) => text.match(pictures)?.length ?? 0;
    expect(await newest().locator(".sign svg").count()).toBe(signs(written.join()));
    expect(await newest().textContent()).toBe(written.join("\n"));
    for (const [index, label] of known.entries()) {
      const key = page.getByTestId("key").nth(index);
      expect(await key.locator(".sign svg").count(), label).toBe(signs(label));
      expect(await key.textContent()).toBe(label);
    }
  });

  test("stand in place of the letters; a press is the person's own message", async ({
    chat: { page, world, box, sent },
  }) => {
    expect(await page.getByTestId("keys-toggle").isVisible()).toBe(false);
    world.showKeys(ADA, examples);
    await page.getByTestId("reply-key").first().waitFor();
    expect(await page.getByTestId("reply-key").allTextContents()).toEqual(["One", "Two", "Three"]);
    expect(await box().getAttribute("placeholder")).toBe("Ask me");
    await page.getByTestId("reply-key").filter({ hasText: "Two" }).click();
    await eventually(sent).toEqual(["Two"]);
    // Used once, they make way, and can be called back.
    await page.getByTestId("reply-keyboard").waitFor({ state: "hidden" });
    expect(await box().getAttribute("placeholder")).toBe("Message");
    expect(await page.getByTestId("keys-toggle").getAttribute("aria-expanded")).toBe("false");
    await page.getByTestId("keys-toggle").press("Enter");
    await page.getByTestId("reply-key").first().waitFor();
    expect(await page.getByTestId("keys-toggle").getAttribute("aria-expanded")).toBe("true");
    await box().fill("a text of my own");
    await box().press("Enter");
    await page.getByTestId("reply-keyboard").waitFor({ state: "hidden" });
    world.showKeys(ADA);
    await page.getByTestId("keys-toggle").waitFor({ state: "hidden" });
  });

  test("stay until they are taken away unless they are for once, and belong to their topic", async ({
    chat: { page, world, sent },
  }) => {
    world.showKeys(ADA, { ...examples, oneTime: false, small: false });
    await page.getByTestId("reply-key").first().press("Enter");
    await eventually(sent).toEqual(["One"]);
    expect(await page.getByTestId("reply-keyboard").isVisible()).toBe(true);
    expect((await boxOf(page.getByTestId("reply-key").first())).height).toBeGreaterThanOrEqual(56);
    world.showKeys(ADA, { ...examples, threadId: 7 });
    await page.getByTestId("reply-keyboard").waitFor({ state: "hidden" });
  });

  test("of a group answer the message that brought them", async ({ chat: { page, world } }) => {
    await page.getByTestId("new-group").click();
    const { chatId } = { chatId: -2 };
    await page.locator(`[data-testid=chat-row][data-key='${chatId}'][aria-current=true]`).waitFor();
    const { message_id: messageId } = world.botWrites(chatId, { text: "Choose" });
    world.showKeys(chatId, { ...examples, messageId });
    await page.getByTestId("reply-key").first().click();
    await eventually(() => world.done).toContainEqual({
      sent: expect.objectContaining({ chatId, text: "One", replyTo: messageId }),
    });
  });
});

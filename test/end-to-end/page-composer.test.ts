/** How one writes on the chat page. */
import { describe, expect } from "vitest";
import { chromiumPath } from "../support/chromium.ts";
import { ADA, eventually, test } from "../support/shared-page.ts";

describe.skipIf(chromiumPath === undefined)("writing on the chat page (needs Chromium)", { timeout: 180_000 }, () => {
  test("sends with Enter, breaks the line with Shift and Enter, and leaves Enter to an input method", async ({
    chat: { box, sent },
  }) => {
    await box().fill("first");
    await box().press("Shift+Enter");
    await box().pressSequentially("second");
    await box().dispatchEvent("keydown", { key: "Enter", isComposing: true });
    expect(sent()).toEqual([]);
    await box().press("Enter");
    await eventually(sent).toEqual(["first\nsecond"]);
    expect(await box().inputValue()).toBe("");
  });

  test("keeps a text that could not be sent", async ({ chat: { page, problems, box } }) => {
    await box().fill("refuse me");
    await box().press("Enter");
    await page.getByTestId("toast").getByText("The chat does not take this.").waitFor();
    expect(await box().inputValue()).toBe("refuse me");
    expect(problems.splice(0)).toHaveLength(1);
  });

  test("sends a text that is too long for one message as several", async ({ chat: { box, sent } }) => {
    await box().fill("word ".repeat(2000));
    await box().press("Enter");
    await eventually(() => sent().length).toBe(3);
    expect(sent().every((text) => text.length <= 4096)).toBe(true);
    expect(sent().join("").trim()).toBe("word ".repeat(2000).trim());
  });

  test("keeps a text that was begun with its chat", async ({ chat: { page, box } }) => {
    await box().fill("for the first chat");
    await page.getByTestId("new-chat").click();
    await page.locator("[data-key='101'][aria-current=true]").waitFor();
    expect(await box().inputValue()).toBe("");
    await page.locator("[data-key='100']").click();
    await eventually(() => box().inputValue()).toBe("for the first chat");
  });

  test("offers the commands by keyboard, and sends one that is clicked in a text", async ({
    chat: { page, world, box, newest, sent },
  }) => {
    await box().pressSequentially("/");
    await page.getByTestId("command").first().waitFor();
    await box().press("ArrowDown");
    await box().press("Enter");
    await eventually(sent).toEqual(["/model"]);
    world.botWrites(ADA, { text: "See /help." });
    await newest().getByRole("button", { name: "/help" }).click();
    await eventually(sent).toEqual(["/model", "/help"]);
  });

  test("replies with a quote that leads to its message", async ({ chat: { page, world, box } }) => {
    world.botWrites(ADA, { text: "What is your name?" });
    await page.getByTestId("message").hover();
    await page.getByTestId("reply").click();
    await page.getByTestId("composer-context").getByText("What is your name?").waitFor();
    await box().fill("Ada");
    await box().press("Enter");
    await page.getByTestId("reply-quote").getByText("What is your name?").waitFor();
    await page.getByTestId("reply-quote").click();
    await page.locator(".flash").waitFor();
  });

  test("writes as either person of a group, and keeps a topic apart from it", async ({
    chat: { page, world, box, newest },
  }) => {
    await page.getByTestId("new-group").click();
    await page.getByTestId("sender").selectOption({ label: "Chidi" });
    await box().fill("@parley_bot hello");
    await box().press("Enter");
    await expect
      .poll(() => world.done)
      .toContainEqual({ sent: { chatId: -2, senderId: 201, text: "@parley_bot hello" } });
    await page.locator(".sender-name").getByText("Chidi").waitFor();
    world.botWrites(-2, { text: "in the topic", is_topic_message: true, message_thread_id: 7 });
    world.botWrites(-2, { text: "in the group" });
    await newest().getByText("in the group").waitFor();
    expect(await page.getByTestId("message-text").getByText("in the topic").count()).toBe(0);
  });
});

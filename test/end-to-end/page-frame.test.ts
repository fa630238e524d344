/** The chat page around its messages: the list of chats, the log, faults, width and colours. */
import { describe, expect } from "vitest";
import { chromiumPath } from "./chromium.ts";
import { ADA, eventually, keys, test } from "./shared-page.ts";

describe.skipIf(chromiumPath === undefined)("the frame of the chat page (needs Chromium)", { timeout: 60_000 }, () => {
  test("marks another chat as unread and shows nothing of it here", async ({ chat: { page, world, newest } }) => {
    await page.getByTestId("new-chat").click();
    await page.locator("[data-testid=chat-row][data-key='101'][aria-current=true]").waitFor();
    world.botWrites(ADA, { text: "for Ada alone" });
    await page.locator("[data-key='100'] .unread").getByText("1").waitFor();
    expect(await page.getByTestId("message").count()).toBe(0);
    await page.locator("[data-key='100']").click();
    await newest().getByText("for Ada alone").waitFor();
    expect(await page.locator(".unread").count()).toBe(0);
  });

  test("logs calls with errors in red and a filter, and keeps the list short", async ({ chat: { page, world } }) => {
    for (let id = 1; id <= 300; id += 1) {
      const failed = id % 100 === 0;
      const call = {
        id,
        method: failed ? "editMessageText" : "sendMessage",
        chatId: ADA,
        ms: 3,
        params: { text: `t${id}` },
      };
      world.change({
        type: "call",
        data: { ...call, status: failed ? 429 : 200, ...(failed ? { error: "Too Many Requests" } : {}) },
      });
    }
    await eventually(() => page.getByTestId("call").count()).toBe(200);
    await page.getByTestId("calls-errors").check();
    await eventually(() => page.getByTestId("call").count()).toBe(3);
    expect(await page.locator(".call.failed").count()).toBe(3);
    await page.getByTestId("calls-filter").fill("t200");
    await eventually(() => page.getByTestId("call").count()).toBe(1);
    await page.getByTestId("call").locator("summary").click();
    await page.getByTestId("call").locator("pre").getByText('"text": "t200"').waitFor();
  });

  test("switches a fault on and off", async ({ chat: { page } }) => {
    const fault = page.getByTestId("fault-slow-model");
    await fault.click();
    await eventually(() => fault.getAttribute("aria-checked")).toBe("true");
    await fault.click();
    await eventually(() => fault.getAttribute("aria-checked")).toBe("false");
  });

  test("shows chats and log as drawers on a phone, reachable by keyboard only when open", async ({
    chat: { page, world, newest },
  }) => {
    await page.setViewportSize({ width: 390, height: 780 });
    world.botWrites(ADA, {
      text: `${"wide".repeat(200)}\n`,
      entities: [{ type: "pre", offset: 0, length: 800 }],
      ...keys("A rather long label ".repeat(6)),
    });
    await newest().waitFor();
    expect(await page.locator("html").evaluate((html) => html.scrollWidth)).toBe(390);
    expect(await page.getByTestId("messages").evaluate((list) => list.scrollWidth - list.clientWidth)).toBe(0);
    await page.getByTestId("chat-list").waitFor({ state: "hidden" });
    await page.getByTestId("chats-open").click();
    await page.getByTestId("chat-list").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("chat-list").waitFor({ state: "hidden" });
    await page.locator("[data-testid=chats-open]:focus").waitFor();
    await page.getByTestId("log-open").click();
    await page.getByTestId("call-list").waitFor({ state: "attached" });
    await page.getByTestId("calls-filter").waitFor();
  });

  test("goes dark with the system, and the button's choice is kept", async ({ chat: { page } }) => {
    const scheme = () =>
      page
        .locator("html")
        .evaluate(
          (html) =>
            (
              html.ownerDocument.defaultView as unknown as { getComputedStyle(node: unknown): { colorScheme: string } }
            ).getComputedStyle(html).colorScheme,
        );
    expect(await scheme()).toBe("light dark");
    await page.getByTestId("theme-toggle").click();
    expect(await scheme()).toBe("dark");
    await page.reload();
    await page.getByTestId("chat-row").first().waitFor();
    expect(await scheme()).toBe("dark");
  });

  test("comes back by itself with everything when the connection was lost", async ({
    chat: { page, world, problems, newest, stopServer, startServer },
  }) => {
    world.botWrites(ADA, { text: "before" });
    await newest().getByText("before").waitFor();
    await stopServer();
    await page.getByRole("img", { name: "Connection lost" }).waitFor();
    world.botWrites(ADA, { text: "meanwhile" });
    await startServer();
    await newest().getByText("meanwhile").waitFor();
    expect(await page.getByTestId("message").count()).toBe(2);
    // The browser's own lines about the lost connection.
    problems.length = 0;
  });
});

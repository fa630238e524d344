/** The chat page around its messages: the list of chats, the log, faults, width and colours. */
import { describe, expect } from "vitest";
import { chromiumPath } from "../support/chromium.ts";
import { ADA, eventually, keys, test } from "../support/shared-page.ts";

describe.skipIf(chromiumPath === undefined)("the frame of the chat page (needs Chromium)", { timeout: 180_000 }, () => {
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

  test("names chats after the other side, the latest on top", async ({ chat: { page, world } }) => {
    await page.getByTestId("new-group").click();
    await page.locator("[data-testid=chat-row][data-key='-2'][aria-current=true]").waitFor();
    const rows = () => page.getByTestId("chat-row").locator(".chat-row-top").allTextContents();
    await eventually(rows).toEqual(["Group", "Parleyas Ada"]);
    world.botWrites(ADA, { text: "for Ada", date: 1_790_000_100 });
    await eventually(async () => (await rows()).map((row) => row.slice(0, 12))).toEqual(["Parleyas Ada", "Group"]);
    // An answer that grows is no news.
    const { message_id } = world.botWrites(-2, { text: "for the group", date: 1_790_000_200 });
    world.botWrites(ADA, { text: "for Ada too", date: 1_790_000_300 });
    world.botWrites(-2, { message_id, text: "for the group, longer", date: 1_790_000_200 });
    await page.getByTestId("chat-row").last().getByText("longer").waitFor();
    expect((await rows()).map((row) => row.slice(0, 12))[0]).toBe("Parleyas Ada");
    expect(await page.getByTestId("conversation-title").textContent()).toBe("Group");
    await page.reload();
    await eventually(async () => (await rows()).map((row) => row.slice(0, 5))).toEqual(["Parle", "Group"]);
    await page.locator("[data-key='100']").click();
    await eventually(() => page.getByTestId("conversation-title").textContent()).toBe("Parley");
  });

  test("names one model in its banner, and the others when asked", async ({ chat: { page } }) => {
    expect(await page.getByTestId("model-note").innerText()).toMatch(/^Scripted demo model\.\s+\+2\s*$/);
    const more = page.getByRole("button", { name: "and 2 further models" });
    expect(await more.textContent()).toBe("+2");
    await page.getByTestId("models").waitFor({ state: "hidden" });
    await more.press("Enter");
    await page.getByTestId("models").getByText("demo/three").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("models").waitFor({ state: "hidden" });
  });

  test("shows the last request to the model while it is answered", async ({ chat: { page, world } }) => {
    expect(await page.getByTestId("request").isVisible()).toBe(false);
    const messages = [
      { role: "system", content: "Be kind." },
      { role: "user", content: "<b>why?</b>" },
    ];
    const tools = ["calculate", "draw"];
    const asked = { id: 1, model: "demo/one", messages, count: 2, tools, calls: 1, outcome: "waiting", failed: false };
    world.asks(asked);
    const facts = () => page.getByTestId("request-facts").locator("dd").allTextContents();
    await eventually(facts).toEqual(["–", "–", "waiting", "–", "–", "1"]);
    world.asks({ ...asked, outcome: "writing", firstTokenMs: 120 });
    await eventually(facts).toEqual(["120 ms", "–", "writing", "–", "–", "1"]);
    const tokens = { inputTokens: 34, cachedTokens: 20, outputTokens: 5 };
    world.asks({ ...asked, outcome: "complete", firstTokenMs: 120, endMs: 900, ...tokens });
    await eventually(facts).toEqual(["120 ms", "900 ms", "complete", "34 (20 cached)", "5", "1"]);
    await page.getByTestId("request-messages").getByText("2 messages, 2 tools").click();
    await page.getByTestId("request-messages").getByText("calculate, draw").waitFor();
    await page.getByTestId("request-messages").getByText("<b>why?</b>").waitFor();
    // An open list follows the next question.
    world.asks({ ...asked, id: 2, messages: [{ role: "user", content: "and why not?" }], count: 101, tools: [] });
    await page.getByTestId("request-messages").getByText("and why not?").waitFor();
    await page.getByTestId("request-messages").getByText("100 earlier ones are not shown").waitFor();
    await page.reload();
    await page.getByTestId("request-messages").getByText("101 messages", { exact: true }).waitFor();
    world.asks({ ...asked, id: 3, outcome: "rate-limit", failed: true, endMs: 5 });
    await eventually(facts).toEqual(["–", "5 ms", "rate-limit", "not told", "not told", "1"]);
  });

  test("tells in an empty chat what the bot is for", async ({ chat: { page, world } }) => {
    await page.getByText("What this bot is for.").waitFor();
    world.change({ type: "description", data: "Something else." });
    await page.getByText("Something else.").waitFor();
    world.botWrites(ADA, { text: "hello" });
    await page.getByText("Something else.").waitFor({ state: "detached" });
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

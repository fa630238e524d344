import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createPlaygroundPage, type PlaygroundPage } from "../../src/playground/page.ts";
import { createChatsInMemory } from "../chats-in-memory.ts";
import { chromiumPath, openBrowser } from "./chromium.ts";

const ADA = 100;

/** A loaded machine is slow; nothing here depends on how slow. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });

/** An entity over the first place where `part` stands. */
function entity(text: string, part: string, type: string, more: object = {}): object {
  return { type, offset: text.indexOf(part), length: part.length, ...more };
}

function keys(...labels: string[]): { readonly reply_markup: object } {
  return { reply_markup: { inline_keyboard: labels.map((text) => [{ text, callback_data: text }]) } };
}

describe.skipIf(chromiumPath === undefined)("the chat page by itself (needs Chromium)", { timeout: 60_000 }, () => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let world: ReturnType<typeof createChatsInMemory>;
  let server: PlaygroundPage;
  let problems: string[];

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    world = createChatsInMemory();
    server = await createPlaygroundPage({
      source: world.source,
      log: { warn: () => {} },
      modelNote: "Scripted demo model.",
      faultSwitches: [{ name: "slow-model", label: "Slow model", on: () => {}, off: () => {} }],
    });
    context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
    page = await context.newPage();
    problems = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.goto(server.url);
    await page.getByTestId("chat-row").first().waitFor();
  });
  afterEach(async () => {
    await context.close();
    await server.stop();
    expect(problems).toEqual([]);
  });

  const box = () => page.getByTestId("composer-text");
  const newest = () => page.getByTestId("message-text").last();
  const sent = () => world.done.flatMap((deed) => (deed as { sent?: { text: string } }).sent?.text ?? []);

  test("shows entities as a Telegram client does, nested and overlapping ones too", async () => {
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

  test("shows markup in a text as text, and opens no address that is not a web address", async () => {
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

  test("lets a button spin until the bot answers, then shows the text, or an alert to be closed", async () => {
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

  test("says so when the bot leaves a press unanswered", async () => {
    world.onPress(async () => undefined);
    world.botWrites(ADA, { text: "Choose", ...keys("one/model") });
    await page.getByTestId("key").click();
    await page.getByTestId("toast").getByText("did not answer").waitFor();
    // The browser writes the refusal to its console; it is the one that is meant here.
    expect(problems.splice(0)).toHaveLength(1);
  });

  test("keeps a button in focus while the text above it grows", async () => {
    const { message_id } = world.botWrites(ADA, { text: "word", ...keys("Stop") });
    await page.getByTestId("key").focus();
    world.botWrites(ADA, { message_id, text: "word after word", edit_date: 1_790_000_001, ...keys("Stop") });
    await newest().getByText("word after word").waitFor();
    expect(await page.getByTestId("key").evaluate((key) => key.matches(":focus"))).toBe(true);
    expect(await page.getByTestId("edited").isVisible()).toBe(true);
  });

  test("follows the newest text unless the reader scrolled up, and leads back", async () => {
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

  test("draws no more than the newest messages of a long chat until asked for earlier ones", async () => {
    for (let number = 1; number <= 400; number += 1) world.botWrites(ADA, { text: `message ${number}` });
    await newest().getByText("message 400").waitFor();
    expect(await page.getByTestId("message").count()).toBe(150);
    await page.getByText("Show earlier messages").click();
    await eventually(() => page.getByTestId("message").count()).toBe(300);
  });

  test("shows typing, then a draft with its Stop button, until the message is there", async () => {
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

  test("sends with Enter, breaks the line with Shift and Enter, and leaves Enter to an input method", async () => {
    await box().fill("first");
    await box().press("Shift+Enter");
    await box().pressSequentially("second");
    await box().dispatchEvent("keydown", { key: "Enter", isComposing: true });
    expect(sent()).toEqual([]);
    await box().press("Enter");
    await eventually(sent).toEqual(["first\nsecond"]);
    expect(await box().inputValue()).toBe("");
  });

  test("keeps a text that could not be sent", async () => {
    await box().fill("refuse me");
    await box().press("Enter");
    await page.getByTestId("toast").getByText("The chat does not take this.").waitFor();
    expect(await box().inputValue()).toBe("refuse me");
    expect(problems.splice(0)).toHaveLength(1);
  });

  test("sends a text that is too long for one message as several", async () => {
    await box().fill("word ".repeat(2000));
    await box().press("Enter");
    await eventually(() => sent().length).toBe(3);
    expect(sent().every((text) => text.length <= 4096)).toBe(true);
    expect(sent().join("").trim()).toBe("word ".repeat(2000).trim());
  });

  test("keeps a text that was begun with its chat", async () => {
    await box().fill("for the first chat");
    await page.getByTestId("new-chat").click();
    await page.locator("[data-key='101'][aria-current=true]").waitFor();
    expect(await box().inputValue()).toBe("");
    await page.locator("[data-key='100']").click();
    await eventually(() => box().inputValue()).toBe("for the first chat");
  });

  test("offers the commands by keyboard, and sends one that is clicked in a text", async () => {
    await box().pressSequentially("/");
    await page.getByTestId("command").first().waitFor();
    await box().press("ArrowDown");
    await box().press("Enter");
    await eventually(sent).toEqual(["/model"]);
    world.botWrites(ADA, { text: "See /help." });
    await newest().getByRole("button", { name: "/help" }).click();
    await eventually(sent).toEqual(["/model", "/help"]);
  });

  test("replies with a quote that leads to its message", async () => {
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

  test("writes as either person of a group, and keeps a topic apart from it", async () => {
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

  test("marks another chat as unread and shows nothing of it here", async () => {
    await page.getByTestId("new-chat").click();
    await page.locator("[data-testid=chat-row][data-key='101'][aria-current=true]").waitFor();
    world.botWrites(ADA, { text: "for Ada alone" });
    await page.locator("[data-key='100'] .unread").getByText("1").waitFor();
    expect(await page.getByTestId("message").count()).toBe(0);
    await page.locator("[data-key='100']").click();
    await newest().getByText("for Ada alone").waitFor();
    expect(await page.locator(".unread").count()).toBe(0);
  });

  test("logs calls with errors in red and a filter, and keeps the list short", async () => {
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

  test("switches a fault on and off", async () => {
    const fault = page.getByTestId("fault-slow-model");
    await fault.click();
    await eventually(() => fault.getAttribute("aria-checked")).toBe("true");
    await fault.click();
    await eventually(() => fault.getAttribute("aria-checked")).toBe("false");
  });

  test("shows chats and log as drawers on a phone, reachable by keyboard only when open", async () => {
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

  test("goes dark with the system, and the button's choice is kept", async () => {
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

  test("comes back by itself with everything when the connection was lost", async () => {
    world.botWrites(ADA, { text: "before" });
    await newest().getByText("before").waitFor();
    const port = Number(new URL(server.url).port);
    await server.stop();
    await page.getByRole("img", { name: "Connection lost" }).waitFor();
    world.botWrites(ADA, { text: "meanwhile" });
    server = await createPlaygroundPage({ source: world.source, log: { warn: () => {} }, modelNote: "", port });
    await newest().getByText("meanwhile").waitFor();
    expect(await page.getByTestId("message").count()).toBe(2);
    // The browser's own lines about the lost connection.
    problems.length = 0;
  });
});

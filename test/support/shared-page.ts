/** The chat page by itself in a browser: a page of its own for each test, over chats that the test writes. */
import type { Browser, Locator, Page } from "playwright-core";
import { test as base, expect } from "vitest";
import { createPlaygroundPage, type PlaygroundPage } from "../../src/playground/page/server.ts";
import { createChatsInMemory } from "./chats-in-memory.ts";
import { fakeMicrophone, openBrowser, openPage } from "./chromium.ts";
import { patienceMs } from "./patience.ts";

export const ADA = 100;

export interface OpenChat {
  readonly page: Page;
  /** What the page shows, and what its reader has done. */
  readonly world: ReturnType<typeof createChatsInMemory>;
  /** What the browser complained of. A test takes out what it expects; anything left fails it. */
  readonly problems: string[];
  /** Where one types. */
  readonly box: () => Locator;
  /** The text of the newest message. */
  readonly newest: () => Locator;
  /** Texts that were sent from the page. */
  readonly sent: () => string[];
  stopServer(): Promise<void>;
  /** On the port that it had. */
  startServer(): Promise<void>;
}

/** A loaded machine is slow; nothing here depends on how slow. */
export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: patienceMs });

/** An entity over the first place where `part` stands. */
export function entity(text: string, part: string, type: string, more: object = {}): object {
  return { type, offset: text.indexOf(part), length: part.length, ...more };
}

/** Buttons below a message. */
export function keys(...labels: string[]): { readonly reply_markup: object } {
  return { reply_markup: { inline_keyboard: labels.map((text) => [{ text, callback_data: text }]) } };
}

/** A test that gets a chat. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads from it that nothing is needed
  .extend("browser", { scope: "file" }, async ({}, { onCleanup }) => {
    const browser = await openBrowser(fakeMicrophone);
    onCleanup(() => browser.close());
    return browser;
  })
  .extend("chat", async ({ browser }, { onCleanup }) => {
    const { chat, close } = await openChat(browser);
    onCleanup(async () => {
      await close();
      expect(chat.problems).toEqual([]);
    });
    return chat;
  });

async function openChat(browser: Browser): Promise<{ chat: OpenChat; close(): Promise<void> }> {
  const world = createChatsInMemory();
  const serve = (port: number): Promise<PlaygroundPage> =>
    createPlaygroundPage({
      source: world.source,
      log: { warn: () => {} },
      models: { note: "Scripted demo model.", others: ["demo/two", "demo/three"], requests: world.requests },
      faultSwitches: [{ name: "slow-model", label: "Slow model", on: () => {}, off: () => {} }],
      port,
    });
  let server = await serve(0);
  const port = Number(new URL(server.url).port);
  const { page, problems } = await openPage(browser, {
    viewport: { width: 1280, height: 800 },
    colorScheme: "light",
  });
  await page.goto(server.url);
  await page.getByTestId("chat-row").first().waitFor();
  return {
    chat: {
      page,
      world,
      problems,
      box: () => page.getByTestId("composer-text"),
      newest: () => page.getByTestId("message-text").last(),
      sent: () => world.done.flatMap((deed) => (deed as { sent?: { text: string } }).sent?.text ?? []),
      stopServer: () => server.stop(),
      async startServer() {
        server = await serve(port);
      },
    },
    async close() {
      await page.context().close();
      await server.stop();
    },
  };
}

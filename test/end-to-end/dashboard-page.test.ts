/** The dashboard as an operator sees it, in a browser; the queue behind it is made up. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLogger } from "../../src/base/log.ts";
import type { QueueView, UpdateView } from "../../src/ports/operators.ts";
import { createDashboard } from "../../src/server/admin/dashboard.ts";
import { createHttpServer, type HttpServer } from "../../src/server/http.ts";
import { chromiumPath, openBrowser, openPage } from "../support/chromium.ts";

const adminToken = "admin-token-of-the-test";
const at = Date.now() - 60_000;
const common = { lane: "turn", receivedAt: at, since: at, attempts: 0 } as const;
const updates: readonly UpdateView[] = [
  { ...common, updateId: 501, state: "waiting", conversation: "42:7", question: 12 },
  { ...common, updateId: 502, state: "dead", conversation: "43", question: 13, reason: "gave up <i>for good</i>" },
];
const view: QueueView = {
  stats: async () => ({ waiting: 1, active: 0, delayed: 0, dead: 1, oldestWaitingMs: 60_000 }),
  list: async (state) => updates.filter((update) => update.state === state),
  find: async (updateId) => updates.find((update) => update.updateId === updateId),
  serverInfo: async () => "redis_version:7.0.0\r\n",
};

describe.skipIf(chromiumPath === undefined)("the dashboard in a browser (needs Chromium)", { timeout: 180_000 }, () => {
  let server: HttpServer;
  let browser: Browser;
  let page: Page;
  const hosts = new Set<string>();
  let problems: readonly string[];

  beforeAll(async () => {
    server = await createHttpServer({
      host: "127.0.0.1",
      port: 0,
      log: createLogger({ level: "silent", secrets: [], pretty: false }),
      health: { ready: async () => ({ ok: true, detail: {} }) },
      metrics: async () => "",
      dashboard: createDashboard({ view, adminToken }),
    });
    browser = await openBrowser();
    ({ page, problems } = await openPage(browser, { httpCredentials: { username: "anyone", password: adminToken } }));
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  }, 120_000);

  const open = (path: string) => page.goto(`http://127.0.0.1:${server.port}${path}`);

  test("opens with a slash at its end, too", async () => {
    await open("/queues/");
    await page.getByText("Updates").first().waitFor();
  });

  test("shows a question that waits, with its lane", async () => {
    await open("/queues/queue/Updates?status=waiting");
    await page.getByText("#501").waitFor();
    expect(await page.locator("body").innerText()).toMatch(/question[\s\S]*42:7/);
  });

  test("shows a dead one with its reason, as it is written", async () => {
    await open("/queues/queue/Updates?status=failed");
    await page.getByText("#502").waitFor();
    await page.getByText("gave up <i>for good</i>").first().waitFor();
  });

  test("loads nothing from elsewhere, and wants nothing that its policy forbids", () => {
    expect([...hosts]).toEqual([`127.0.0.1:${server.port}`]);
    expect(problems).toEqual([]);
  });
});

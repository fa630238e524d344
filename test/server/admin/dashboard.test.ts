import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "../../../src/base/log.ts";
import type { RedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisQueue, type RedisQueue } from "../../../src/engines/redis/queue.ts";
import { createDashboard } from "../../../src/server/admin/dashboard.ts";
import { createHttpServer, type HttpServer } from "../../../src/server/http.ts";
import { deleteKeys, findRedis, newPrefix } from "../../support/redis-server.ts";

const redis = await findRedis();
const adminToken = "admin-token-of-the-test";
const bearer = `Bearer ${adminToken}`;
const quiet = createLogger({ level: "silent", secrets: [], pretty: false });
const common = {
  host: "127.0.0.1",
  port: 0,
  log: quiet,
  health: { ready: async () => ({ ok: true, detail: {} }) },
  metrics: async () => "",
};

interface Job {
  readonly id: number;
  readonly failedReason: string;
}

interface Board {
  readonly name: string;
  readonly counts: unknown;
  readonly statuses: unknown;
  readonly jobs: readonly Job[];
}

describe.skipIf(redis.missing !== undefined)(redis.title("the dashboard"), () => {
  const prefix = newPrefix();
  let link: RedisLink;
  let queue: RedisQueue;
  let server: HttpServer;
  let open: HttpServer;
  beforeAll(async () => {
    link = await createRedisLink({ url: redis.url, prefix, log: quiet });
    queue = createRedisQueue({ link });
    server = await createHttpServer({ ...common, dashboard: createDashboard({ view: queue.view, adminToken }) });
    open = await createHttpServer(common);
  });
  afterAll(async () => {
    await server.stop();
    await open.stop();
    await queue.stop();
    await link.stop();
    await deleteKeys(redis.url, prefix);
  });
  const get = (path: string, authorization?: string, method = "GET", to = server) =>
    fetch(`http://127.0.0.1:${to.port}${path}`, {
      method,
      headers: authorization === undefined ? {} : { authorization },
    });
  const basic = (password: string) => `Basic ${Buffer.from(`anyone:${password}`).toString("base64")}`;

  it("is not there when nobody may see it", async () => {
    expect((await get("/queues", `Bearer ${adminToken}`, "GET", open)).status).toBe(404);
  });

  it.each([undefined, "Bearer wrong", basic("wrong"), `Digest ${adminToken}`, "Basic !", "Bearer"])(
    "asks for the token when it gets %s",
    async (authorization) => {
      for (const path of ["/queues", "/queues/", "/queues/api/queues", "/queues/static/nothing.js"]) {
        const answer = await get(path, authorization);
        expect(answer.status).toBe(401);
        expect(answer.headers.get("www-authenticate")).toBe('Basic realm="Parley"');
      }
    },
  );

  it.each(["/queues", "/queues/"])(
    "opens at %s, with all that the page needs, and nothing from elsewhere",
    async (path) => {
      for (const token of [bearer, basic(adminToken)]) {
        const page = await get(path, token);
        expect(page.status).toBe(200);
        expect(page.headers.get("content-type")).toMatch(/^text\/html/);
        const html = await page.text();
        const assets = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, asset]) => asset ?? "");
        expect(assets.length).toBeGreaterThan(0);
        for (const asset of assets) {
          const { pathname } = new URL(asset, `http://127.0.0.1:${server.port}/queues/`);
          expect((await get(pathname, token)).status).toBe(200);
        }
        expect(html).not.toMatch(/(?:src|href|action)\s*=\s*["']?(?:https?:)?\/\//i);
        expect(html).toContain('<base href="/queues/"');
        const policy = page.headers.get("content-security-policy") ?? "";
        expect(policy).toMatch(/^default-src 'none'; script-src 'self'; connect-src 'self';/);
        expect(policy).not.toMatch(/https?:|\*|'unsafe-eval'|script-src[^;]*unsafe/);
      }
    },
  );

  const board = async (query: string) => {
    const text = await (await get(`/queues/api/queues?activeQueue=Updates&${query}`, bearer)).text();
    expect(text).not.toContain("between us");
    const { queues } = JSON.parse(text) as { queues: Board[] };
    expect(queues.map(({ name }) => name)).toEqual(["Updates"]);
    return queues[0] as Board;
  };
  const one = async (id: number) => {
    const answer = await get(`/queues/api/queues/Updates/${id}`, bearer);
    const text = await answer.text();
    expect(text).not.toContain("between us");
    return { status: answer.status, ...(JSON.parse(text) as { job?: Job; status?: string }) };
  };

  it("shows what waits, runs, waits for another try and is dead, with its reason, and nothing that anybody wrote", async () => {
    const body = JSON.stringify({ message: { text: "between us" } });
    const enqueue = (updateId: number, conversation: string, rest: object = {}) =>
      queue.enqueue({ updateId, conversation, lane: "turn", receivedAt: Date.now() - 60_000, body, ...rest });
    await enqueue(1, "41", { question: 11 });
    await queue.drainLane("41", "turn", "drained <b>by</b> an operator");
    await enqueue(2, "42:7", { question: 12 });
    await enqueue(3, "42:7", { question: 13 });
    await enqueue(4, "43", { lane: "quick" });
    await enqueue(5, "44", { question: 15 });
    const running = Promise.withResolvers<void>();
    const begun = new Set<number>();
    const consumer = queue.consume(
      async ({ updateId }) => {
        begun.add(updateId);
        if (updateId === 5) throw new Error("fails at first");
        await running.promise;
      },
      {
        turnSlots: 9,
        quickSlots: 9,
        maxFailures: 5,
        maxCrashes: 50,
        backoffMs: () => 3_600_000,
        onDead: async () => undefined,
      },
    );
    await expect.poll(() => begun.size, { timeout: 60_000 }).toBe(3);
    await expect.poll(async () => (await queue.stats()).delayed, { timeout: 60_000 }).toBe(1);

    const { counts, statuses } = await board("status=latest");
    expect(statuses).toEqual(["latest", "waiting", "active", "delayed", "failed"]);
    expect(counts).toEqual({ waiting: 2, active: 2, delayed: 1, failed: 1 });
    expect((await board("status=waiting")).jobs).toMatchObject([
      { id: 3, name: "question", data: { lane: "42:7", message: 13 }, attempts: 0, isFailed: false },
      { id: 5, name: "question", data: { lane: "44", message: 15 }, attempts: 1 },
    ]);
    const active = (await board("status=active")).jobs;
    // Two that began in the same millisecond, or nearly.
    expect(active.toSorted((a, b) => a.id - b.id)).toMatchObject([
      { id: 2, data: { lane: "42:7", message: 12 }, processedOn: expect.any(Number) },
      { id: 4, name: "command or button", data: { lane: "43/quick" } },
    ]);
    expect((await board("status=delayed")).jobs).toMatchObject([{ id: 5 }]);
    expect((await board("status=failed")).jobs).toMatchObject([
      { id: 1, failedReason: "drained <b>by</b> an operator", isFailed: true, data: { lane: "41", message: 11 } },
    ]);
    const latest = (await board("status=latest")).jobs.map(({ id }) => id);
    expect(latest.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    expect((await board("status=waiting&jobsPerPage=1&page=2")).jobs.map(({ id }) => id)).toEqual([5]);

    expect(await one(3)).toMatchObject({ status: "waiting", job: { id: 3 } });
    expect(await one(2)).toMatchObject({ status: "active" });
    expect(await one(1)).toMatchObject({ status: "failed", job: { failedReason: "drained <b>by</b> an operator" } });
    expect((await one(99)).job).toBeUndefined();
    expect((await get("/queues/api/queues/Updates/x*", bearer)).status).toBe(404);
    running.resolve();
    await consumer.drain(5_000);
  });

  it("only shows", async () => {
    const before = await queue.stats();
    for (const [method, path] of [
      ["PUT", "/queues/api/queues/Updates/empty"],
      ["PUT", "/queues/api/queues/Updates/1/retry/failed"],
      ["POST", "/queues/api/queues/Updates/add"],
      ["PATCH", "/queues/api/queues/Updates/1/delay"],
    ] as const)
      expect((await get(path, bearer, method)).status, path).toBe(405);
    expect(await queue.stats()).toEqual({ ...before, oldestWaitingMs: expect.any(Number) });
  });

  it("takes no other path", async () => {
    for (const path of ["/queuesx", "/queue", "/"]) expect((await get(path, `Bearer ${adminToken}`)).status).toBe(404);
  });
});

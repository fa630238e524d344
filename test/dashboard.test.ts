import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "../src/log.ts";
import { createBullmqQueue } from "../src/queue/bullmq.ts";
import { createDashboard } from "../src/server/dashboard.ts";
import { createHttpServer, type HttpServer } from "../src/server/http.ts";
import { createRedisLink } from "../src/store/redis-link.ts";
import { deleteKeys, findRedis, newPrefix } from "./redis-server.ts";

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

describe.skipIf(redis.missing !== undefined)(redis.title("the dashboard"), () => {
  const prefix = newPrefix();
  let connection: Redis;
  let queue: Queue;
  let server: HttpServer;
  let open: HttpServer;
  beforeAll(async () => {
    connection = new Redis(redis.url, { maxRetriesPerRequest: null });
    queue = new Queue("lanes-turn", { connection, prefix });
    server = await createHttpServer({ ...common, dashboard: createDashboard({ queues: [queue], adminToken }) });
    open = await createHttpServer(common);
  });
  afterAll(async () => {
    await server.stop();
    await open.stop();
    await queue.close();
    connection.disconnect();
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

  it.each([`Bearer ${adminToken}`, basic(adminToken)])("opens to %s, with all that the page needs", async (token) => {
    const page = await get("/queues", token);
    expect(page.status).toBe(200);
    const html = await page.text();
    const assets = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, path]) => path ?? "");
    expect(assets.length).toBeGreaterThan(0);
    for (const asset of assets) {
      const path = new URL(asset, `http://127.0.0.1:${server.port}/queues/`).pathname;
      expect((await get(path, token)).status).toBe(200);
    }
    const queues = (await (await get("/queues/api/queues", token)).json()) as { queues: { name: string }[] };
    expect(queues.queues.map(({ name }) => name)).toEqual(["lanes-turn"]);
  });

  it("shows lanes, and nothing that anybody wrote", async () => {
    const link = await createRedisLink({ url: redis.url, prefix, log: quiet });
    const updates = createBullmqQueue({ link });
    const shown = await createHttpServer({
      ...common,
      dashboard: createDashboard({ queues: updates.dashboards, adminToken }),
    });
    const body = JSON.stringify({ message: { text: "between us" } });
    try {
      for (const [updateId, lane] of (["turn", "quick"] as const).entries())
        await updates.enqueue({ updateId, conversation: "42:7", lane, receivedAt: Date.now(), body, question: 5 });
      for (const name of ["lanes-turn", "lanes-quick"]) {
        const list = await get(`/queues/api/queues?activeQueue=${name}&status=waiting`, bearer, "GET", shown);
        const text = await list.text();
        const { queues } = JSON.parse(text) as { queues: { name: string; jobs: { id: string; data: unknown }[] }[] };
        const jobs = queues.find((one) => one.name === name)?.jobs ?? [];
        expect(jobs.map(({ data }) => data)).toEqual([{ conversation: "42:7" }]);
        const one = await (await get(`/queues/api/queues/${name}/${jobs[0]?.id}`, bearer, "GET", shown)).text();
        expect(one).toContain("42:7");
        expect(text + one).not.toContain("between us");
      }
    } finally {
      await shown.stop();
      await updates.stop();
      await link.stop();
    }
  });

  it("only shows", async () => {
    await queue.add("drain", { conversation: "1" });
    const answer = await get("/queues/api/queues/lanes-turn/empty", `Bearer ${adminToken}`, "PUT");
    expect(answer.status).toBe(405);
    expect(await queue.getWaitingCount()).toBe(1);
  });

  it("takes no other path", async () => {
    for (const path of ["/queuesx", "/queue", "/"]) expect((await get(path, `Bearer ${adminToken}`)).status).toBe(404);
  });
});

import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDashboard } from "../src/server/dashboard.ts";
import { createHttpServer, type HttpServer } from "../src/server/http.ts";
import { deleteKeys, findRedis, newPrefix } from "./redis-server.ts";

const redis = await findRedis();
const adminToken = "admin-token-of-the-test";
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe.skipIf(redis.missing !== undefined)(redis.title("the dashboard"), () => {
  const prefix = newPrefix();
  let connection: Redis;
  let queue: Queue;
  let server: HttpServer;
  let open: HttpServer;
  beforeAll(async () => {
    connection = new Redis(redis.url, { maxRetriesPerRequest: null });
    queue = new Queue("lanes-turn", { connection, prefix });
    const common = {
      host: "127.0.0.1",
      port: 0,
      log: quiet,
      health: { ready: async () => ({ ok: true, detail: {} }) },
      metrics: async () => "",
    };
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

/** BullMQ's dashboard, behind the admin token. It only shows: changes are made by `npm run queue`, which keeps lanes in order. */
import { createHash, timingSafeEqual } from "node:crypto";
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { serveStatic } from "@hono/node-server/serve-static";
import type { Queue } from "bullmq";
import { Hono } from "hono";

/** Where the dashboard is. */
export const dashboardPath = "/queues";

export interface DashboardOptions {
  readonly queues: readonly Queue[];
  readonly adminToken: string;
}

/** Creates the routes of the dashboard, which ask for the token: as a bearer, or as the password of any user. */
export function createDashboard({ queues, adminToken }: DashboardOptions): Hono {
  const board = new HonoAdapter(serveStatic);
  board.setBasePath(dashboardPath);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter: board,
    options: { uiConfig: { boardTitle: "Parley" } },
  });
  const expected = digest(adminToken);
  const app = new Hono();
  app.use(`${dashboardPath}/*`, async (c, next) => {
    const given = tokenIn(c.req.header("authorization") ?? "");
    if (given === undefined || !timingSafeEqual(digest(given), expected)) {
      return c.text("401: the ADMIN_TOKEN is the password\n", 401, { "www-authenticate": 'Basic realm="Parley"' });
    }
    if (c.req.method !== "GET" && c.req.method !== "HEAD") return c.text("405: it only shows\n", 405);
    return await next();
  });
  app.route(dashboardPath, board.registerPlugin());
  return app;
}

function tokenIn(authorization: string): string | undefined {
  const [scheme = "", value = ""] = authorization.split(" ", 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const text = Buffer.from(value, "base64").toString();
  return text.includes(":") ? text.slice(text.indexOf(":") + 1) : undefined;
}

/** Of equal length, as a comparison in constant time needs it. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** BullMQ's dashboard, behind the admin token. It only shows: changes are made by `npm run queue`, which keeps lanes in order. */
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { serveStatic } from "@hono/node-server/serve-static";
import type { Queue } from "bullmq";
import { Hono } from "hono";
import { askForToken, createTokenCheck } from "./authorization.ts";

const dashboardPath = "/queues";

export interface DashboardOptions {
  readonly queues: readonly Queue[];
  readonly adminToken: string;
}

export interface Dashboard {
  readonly path: string;
  readonly routes: Hono;
}

/** Creates the routes of the dashboard, which ask for the token: as a bearer, or as the password of any user. */
export function createDashboard({ queues, adminToken }: DashboardOptions): Dashboard {
  const board = new HonoAdapter(serveStatic);
  board.setBasePath(dashboardPath);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter: board,
    options: { uiConfig: { boardTitle: "Parley" } },
  });
  const allowed = createTokenCheck(adminToken);
  const app = new Hono();
  app.use(`${dashboardPath}/*`, async (c, next) => {
    if (!allowed(c.req.header("authorization")))
      return c.text("401: the ADMIN_TOKEN is the password\n", 401, askForToken);
    if (c.req.method !== "GET" && c.req.method !== "HEAD") return c.text("405: it only shows\n", 405);
    return await next();
  });
  app.route(dashboardPath, board.registerPlugin());
  return { path: dashboardPath, routes: app };
}

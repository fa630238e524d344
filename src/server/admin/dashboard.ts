/** The queue's dashboard, behind the admin token. It only shows: changes are made by `npm run queue`, which keeps lanes in order. */
import { createBullBoard } from "@bull-board/api";
import { HonoAdapter } from "@bull-board/hono";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import type { QueueView } from "../../ports/operators.ts";
import { askForToken, createTokenCheck } from "./authorization.ts";
import { createBoard } from "./board.ts";

const dashboardPath = "/queues";

/** The page and its data come from here, whatever the package's page would like to load from elsewhere. */
const contentPolicy = [
  "default-src 'none'",
  ...["script-src", "connect-src", "base-uri"].map((what) => `${what} 'self'`),
  "style-src 'self' 'unsafe-inline'",
  ...["img-src", "font-src"].map((what) => `${what} 'self' data:`),
  ...["form-action", "frame-ancestors"].map((what) => `${what} 'none'`),
].join("; ");
/** Fonts of another server, which the system's own do for as well. */
const linksElsewhere = /<link[^>]*\bhref="(?:https?:)?\/\/[^>]*>/g;

export interface DashboardOptions {
  readonly view: QueueView;
  readonly adminToken: string;
}

export interface Dashboard {
  readonly path: string;
  readonly routes: Hono;
}

/** Creates the routes of the dashboard, which ask for the token: as a bearer, or as the password of any user. */
export function createDashboard({ view, adminToken }: DashboardOptions): Dashboard {
  const board = new HonoAdapter(serveStatic);
  board.setBasePath(dashboardPath);
  createBullBoard({
    queues: [createBoard(view)],
    serverAdapter: board,
    options: { uiConfig: { boardTitle: "Parley", hideDocsLink: true, showWorkers: false, showMetrics: false } },
  });
  const allowed = createTokenCheck(adminToken);
  const routes = new Hono();
  routes.use(`${dashboardPath}/*`, async (c, next) => {
    if (!allowed(c.req.header("authorization")))
      return c.text("401: the ADMIN_TOKEN is the password\n", 401, askForToken);
    if (c.req.method !== "GET" && c.req.method !== "HEAD") return c.text("405: it only shows\n", 405);
    return await next();
  });
  routes.use(`${dashboardPath}/*`, async (c, next) => {
    await next();
    c.header("content-security-policy", contentPolicy);
    c.header("referrer-policy", "no-referrer");
    c.header("x-content-type-options", "nosniff");
    if (!c.res.headers.get("content-type")?.startsWith("text/html")) return;
    const page = await c.res.text();
    c.res = new Response(page.replace(linksElsewhere, ""), c.res);
  });
  const pages = board.registerPlugin();
  // The same page, for those who type a slash at its end.
  routes.get(`${dashboardPath}/`, (c) => pages.request("/", { headers: c.req.raw.headers }));
  routes.route(dashboardPath, pages);
  return { path: dashboardPath, routes };
}

/** What a process answers over HTTP: health, metrics, the dashboard, and the webhook when there is one. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { withinTime } from "../base/within-time.ts";
import { askForToken, createTokenCheck } from "./admin/authorization.ts";
import type { Dashboard } from "./admin/dashboard.ts";
import { type Listener, openListener } from "./listener.ts";

export interface Readiness {
  /** Can take and store updates, and, in a worker, handle them. */
  readonly ok: boolean;
  /** What the body of `/readyz` says besides: Telegram's state, what is wrong. No secrets. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Logger;
  readonly health: { ready(): Promise<Readiness> };
  /** Prometheus text; asked for at most once a second. */
  metrics(): Promise<string>;
  /** Metrics are there alone, instead of at `port`. 0: any free port. */
  readonly metricsPort?: number | undefined;
  /** Whoever wants the metrics must know it. */
  readonly metricsToken?: string | undefined;
  readonly dashboard?: Dashboard;
  readonly webhook?: {
    /** With their leading slashes. */
    readonly paths: readonly string[];
    handler(request: IncomingMessage, response: ServerResponse): Promise<void>;
  };
  /** Milliseconds of a clock that nobody sets. */
  now?(): number;
}

export interface HttpServer extends Listener {
  /** The port of the metrics, where they have one of their own. */
  readonly metricsPort?: number | undefined;
}

const readyWithinMs = 900;
const metricsEveryMs = 1_000;

/** Starts listening, and says where. Throws a `StartError` with one line when a port or the host cannot be had. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, log, webhook, metricsPort, dashboard } = options;
  const metrics = metricsRoute(options);
  const routes = createRoutes(log);
  routes.get("/healthz", (c) => c.json({ ok: true }));
  routes.get("/readyz", async (c) => {
    const { ok, detail } = await readyInTime(options.health);
    return c.json({ ok, ...detail }, ok ? 200 : 503);
  });
  if (metricsPort === undefined) routes.route("/", metrics);
  if (dashboard !== undefined) routes.route("/", dashboard.routes);
  const answer = getRequestListener(routes.fetch);

  async function open(variable: "PORT" | "METRICS_PORT", port: number, paths: string[], onRequest: RequestListener) {
    const listener = await openListener({ host, port, variable, log, onRequest });
    log.info({ address: `${host.includes(":") ? `[${host}]` : host}:${listener.port}`, paths }, "listening");
    return listener;
  }

  const paths = ["/healthz", "/readyz"];
  if (metricsPort === undefined) paths.push("/metrics");
  if (webhook !== undefined) paths.push(...webhook.paths);
  if (dashboard !== undefined) paths.push(dashboard.path);
  const main = await open("PORT", options.port, paths, (request, response) => {
    // The webhook passes by the router: an acknowledgement is counted in milliseconds, and its body must not be touched.
    if (webhook?.paths.includes(pathOf(request))) void webhook.handler(request, response);
    else void answer(request, response);
  });
  if (metricsPort === undefined) return main;

  const answerMetrics = getRequestListener(createRoutes(log).route("/", metrics).fetch);
  const second = await open("METRICS_PORT", metricsPort, ["/metrics"], answerMetrics).catch(async (error: unknown) => {
    await main.stop();
    throw error;
  });
  return {
    port: main.port,
    metricsPort: second.port,
    async stop() {
      await Promise.all([main.stop(), second.stop()]);
    },
  };
}

/** Routes, with the answers to what is none of them and to what failed. */
function createRoutes(log: Logger): Hono {
  const routes = new Hono();
  routes.notFound((c) => c.text("404\n", 404));
  routes.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, "a request failed");
    return c.text("500\n", 500);
  });
  return routes;
}

function metricsRoute({ metrics, metricsToken, now = () => performance.now() }: HttpServerOptions): Hono {
  const allowed = metricsToken === undefined ? () => true : createTokenCheck(metricsToken);
  let latest: { readonly at: number; readonly text: Promise<string> } | undefined;

  /** Whoever asks how often: collecting costs milliseconds, and questions to the queue. */
  function read(): Promise<string> {
    if (latest !== undefined && now() - latest.at < metricsEveryMs) return latest.text;
    const reading = { at: now(), text: metrics() };
    latest = reading;
    reading.text.catch(() => {
      if (latest === reading) latest = undefined;
    });
    return reading.text;
  }

  return new Hono().get("/metrics", async (c) => {
    if (!allowed(c.req.header("authorization"))) {
      return c.text("401: the METRICS_TOKEN is the password\n", 401, askForToken);
    }
    return c.text(await read(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "/";
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

/** An answer within a second, whatever hangs behind it. */
async function readyInTime(health: { ready(): Promise<Readiness> }): Promise<Readiness> {
  const notReady = (reason: string): Readiness => ({ ok: false, detail: { reason } });
  const asked = health.ready().catch((error: unknown) => notReady(messageOf(error)));
  return await withinTime(readyWithinMs, asked, notReady("no answer in time"));
}

import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { type Context, Hono, type Next } from "hono";
import { bodyLimit } from "hono/body-limit";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { z } from "zod";
import { messageOf, StartError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { answerWithFile } from "./downloads.ts";
import { createPageFeed, type FaultSwitch, type PageEvent, type PageFeed, type PageModels } from "./feed.ts";
import type { PageSource } from "./source.ts";
import { largestUpload, readUploads } from "./uploads.ts";

export interface PlaygroundPageOptions {
  readonly source: PageSource;
  readonly log: Pick<Logger, "warn">;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  readonly host?: string;
  readonly models: PageModels;
  readonly faultSwitches?: readonly FaultSwitch[];
}

export interface PlaygroundPage {
  readonly url: string;
  stop(): Promise<void>;
}

/** A client that does not read for so many events is cut off; it comes back by itself and gets a fresh snapshot. */
const MAX_UNSENT_EVENTS = 5000;
/** So that a connection that died without a word is noticed. */
const HEARTBEAT_MS = 15_000;
const MAX_BODY_BYTES = 64 * 1024;
const UPLOADS = "/api/uploads";
const FORM = /^multipart\/form-data\b/i;
const JSON_TYPE = /^application\/json\b/i;

const HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    // Those in `blob:` are heard for their length before they are sent.
    "media-src 'self' blob:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

const point = { latitude: z.number(), longitude: z.number() };
const shared = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("location"), ...point }),
  z.object({ kind: z.literal("venue"), ...point, title: z.string(), address: z.string() }),
  z.object({ kind: z.literal("contact"), phoneNumber: z.string(), firstName: z.string() }),
  z.object({ kind: z.literal("poll"), question: z.string(), options: z.array(z.string()) }),
  z.object({ kind: z.literal("dice"), emoji: z.string() }),
  z.object({ kind: z.literal("sticker") }),
]);
const place = { chatId: z.int(), threadId: z.int().optional() };
const deeds = {
  chats: z.object({ kind: z.enum(["private", "group"]) }),
  topics: z.object({ chatId: z.int(), name: z.string().min(1).max(128) }),
  messages: z.object({ ...place, senderId: z.int(), text: z.string().min(1).max(4096), replyTo: z.int().optional() }),
  shares: z.object({ ...place, senderId: z.int(), shared, replyTo: z.int().optional() }),
  // An empty one takes a caption away.
  edits: z.object({ ...place, senderId: z.int(), messageId: z.int(), text: z.string().max(4096) }),
  presses: z.object({ chatId: z.int(), senderId: z.int(), messageId: z.int(), data: z.string().min(1) }),
  "draft-stops": z.object({ ...place, draftId: z.int() }),
  blocks: z.object({ chatId: z.int(), blocked: z.boolean() }),
  faults: z.object({ name: z.string(), on: z.boolean() }),
};

/**
 * Serves the playground's chat page, a stream of what changes, and an endpoint for each thing a person can do.
 * Answers only to its own page: `Host` must name this listener, so that no other site reaches it under a name of
 * its own, and whatever changes something must come with its `Origin`.
 */
export async function createPlaygroundPage(options: PlaygroundPageOptions): Promise<PlaygroundPage> {
  const host = options.host ?? "127.0.0.1";
  const feed = createPageFeed(options.source, options.models, options.faultSwitches ?? []);
  let hosts: ReadonlySet<string> = new Set();
  const app = createRoutes(feed, options.log, () => hosts);
  const server = createAdaptorServer({ fetch: app.fetch });
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const inUse = error.code === "EADDRINUSE";
      const why = inUse
        ? "is in use: end the other program or set PORT to another number"
        : `cannot be opened: ${error.message}`;
      reject(new StartError([`The playground's address ${host}:${options.port ?? 0} ${why}.`]));
    });
    server.listen(options.port ?? 0, host, () => resolve((server.address() as AddressInfo).port));
  });
  const name = host.includes(":") ? `[${host}]` : host;
  hosts = new Set([name, "127.0.0.1", "localhost", "[::1]"].map((known) => `${known}:${port}`));
  const shown = name === "0.0.0.0" || name === "[::]" ? "127.0.0.1" : name;
  return {
    url: `http://${shown}:${port}/`,
    async stop() {
      feed.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed;
    },
  };
}

function createRoutes(feed: PageFeed, log: Pick<Logger, "warn">, hosts: () => ReadonlySet<string>): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
  });
  app.use(onlyOwnPage(hosts));
  app.get("/", () => asset("page.html"));
  app.get("/:file{page\\.(?:css|js)}", (context) => asset(context.req.param("file")));
  app.get("/page/:file{[a-z-]+\\.(?:css|js|svg)}", (context) => asset(`page/${context.req.param("file")}`));
  app.get("/events", (context) => streamSSE(context, (stream) => sendEvents(stream, feed)));
  app.get("/files/:id", (context) => {
    const bytes = feed.readFile(context.req.param("id"));
    if (bytes === undefined) return context.text("There is no such file.", 404);
    return answerWithFile(bytes, context.req.query("name") ?? "file", context.req.header("range"));
  });
  const refuse = (context: Context, deed: string, error: unknown) => {
    log.warn({ deed, err: error }, "the playground refused what its page asked for");
    return context.json({ error: messageOf(error) }, 400);
  };
  app.post(UPLOADS, bodyLimit({ maxSize: largestUpload + MAX_BODY_BYTES, onError: tooLarge }), async (context) => {
    const form = await context.req.formData().catch(() => undefined);
    if (form === undefined) return context.json({ error: "Send a form." }, 400);
    try {
      feed.sendFiles(await readUploads(form));
      return context.json({});
    } catch (error) {
      return refuse(context, "uploads", error);
    }
  });
  app.use("/api/*", bodyLimit({ maxSize: MAX_BODY_BYTES }));

  const deed = <Name extends keyof typeof deeds>(
    name: Name,
    carryOut: (body: z.infer<(typeof deeds)[Name]>) => unknown,
  ) => {
    app.post(`/api/${name}`, async (context) => {
      const body = deeds[name].safeParse(await context.req.json().catch(() => undefined));
      if (!body.success) return context.json({ error: z.prettifyError(body.error) }, 400);
      try {
        const result = await carryOut(body.data as z.infer<(typeof deeds)[Name]>);
        return context.json(result ?? {});
      } catch (error) {
        return refuse(context, name, error);
      }
    });
  };
  deed("chats", ({ kind }) => feed.createChat(kind));
  deed("topics", ({ chatId, name }) => feed.createTopic(chatId, name));
  deed("messages", (message) => feed.sendText(message));
  deed("shares", (message) => feed.share(message));
  deed("edits", (edit) => feed.editText(edit));
  deed("presses", (press) => feed.press(press));
  deed("draft-stops", (stop) => feed.stopDraft(stop));
  deed("blocks", ({ chatId, blocked }) => feed.setBlocked(chatId, blocked));
  deed("faults", ({ name, on }) => feed.setFault(name, on));
  return app;
}

function onlyOwnPage(hosts: () => ReadonlySet<string>) {
  return async (context: Context, next: Next): Promise<Response | undefined> => {
    const host = context.req.header("host") ?? "";
    if (!hosts().has(host)) return context.json({ error: "This page answers only under its own address." }, 403);
    if (context.req.method !== "GET" && context.req.method !== "HEAD") {
      if (context.req.header("origin") !== `http://${host}`) {
        return context.json({ error: "Only the playground's own page may do this." }, 403);
      }
      const [wanted, type] = context.req.path === UPLOADS ? ["a form", FORM] : ["JSON", JSON_TYPE];
      if (!type.test(context.req.header("content-type") ?? "")) {
        return context.json({ error: `Send ${wanted}.` }, 415);
      }
    } else if (context.req.path !== "/" && context.req.header("sec-fetch-site") === "cross-site") {
      return context.json({ error: "Only the playground's own page may read this." }, 403);
    }
    await next();
    return undefined;
  };
}

async function asset(path: string): Promise<Response> {
  try {
    const body = await readFile(new URL(`browser/${path}`, import.meta.url));
    const type = TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
    return new Response(body, { headers: { "content-type": type } });
  } catch {
    return new Response("Not found", { status: 404 });
  }
}

function tooLarge(context: Context): Response {
  return context.json({ error: "That is too much at once: 64 MB is the most that the playground takes." }, 413);
}

async function sendEvents(stream: SSEStreamingApi, feed: PageFeed): Promise<void> {
  const unsent: PageEvent[] = [{ type: "snapshot", data: feed.snapshot() }];
  let wake = () => {};
  let open = true;
  const leave = () => {
    open = false;
    unfollow();
    wake();
  };
  let unfollow = () => {};
  unfollow = feed.follow((event) => {
    unsent.push(event);
    if (unsent.length > MAX_UNSENT_EVENTS) leave();
    wake();
  }, leave);
  stream.onAbort(leave);
  const heartbeat = setInterval(() => {
    unsent.push({ type: "heartbeat", data: {} });
    wake();
  }, HEARTBEAT_MS);
  try {
    while (open) {
      const event = unsent.shift();
      if (event === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else await stream.writeSSE({ event: event.type, data: JSON.stringify(event.data) });
    }
  } finally {
    clearInterval(heartbeat);
    unfollow();
  }
}

/**
 * A connection to one server that is kept: opened when it is first needed, and again when it has ended, ever more seldom
 * while that does not help.
 */
import type { Connections } from "../../base/connections.ts";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { withinTime } from "../../base/within-time.ts";
import type { McpServer } from "../../config/mcp-servers.ts";
import type { Session } from "./session.ts";

export interface ConnectionDeps {
  readonly server: McpServer;
  readonly connections: Connections;
  readonly log: Pick<Logger, "info" | "warn">;
  /** There is a new connection, or the server says that its tools have changed. Its promise is waited for before use. */
  onList(session: Session): Promise<void>;
  /** A clock that never goes back. Milliseconds. */
  readonly now?: () => number;
}

export interface Connection {
  /** The open one, or one that opens within this time; undefined when there is none. Never rejects. */
  ready(withinMs: number): Promise<Session | undefined>;
  /** Has the list read anew, if there is a connection. */
  refresh(): void;
  /** It is of no use any more: the next one is a new one. */
  drop(session: Session): void;
  /** Within a second. */
  stop(): Promise<void>;
}

const againAfterMs = { first: 1_000, most: 300_000 };
/** Who lives so long is well: its end is the first again. */
const livesMs = 60_000;

/** Creates the connection; nothing is loaded or opened before it is asked for. */
export function createConnection(deps: ConnectionDeps): Connection {
  const { server, connections, log, now = () => performance.now() } = deps;
  const stopping = new AbortController();
  let current: { readonly session: Session; readonly since: number } | undefined;
  let opening: Promise<Session | undefined> | undefined;
  let listing = false;
  /** In a row, without a connection that has lived. */
  let failures = 0;
  let notBefore = 0;

  function failed(): void {
    notBefore = now() + Math.min(againAfterMs.first * 2 ** failures, againAfterMs.most);
    failures += 1;
  }

  function ended(): void {
    if (current === undefined) return;
    if (now() - current.since >= livesMs) failures = 0;
    current = undefined;
    failed();
    if (!stopping.signal.aborted)
      log.warn({ server: server.name }, "an MCP server has ended; it is started again when it is needed");
  }

  async function open(): Promise<Session | undefined> {
    let session: Session | undefined;
    try {
      const { openSession } = await import("./session.ts");
      const since = now();
      const hooks = { onListChanged: () => void list(), onEnd: ended };
      session = await openSession({ server, connections, ...hooks }, stopping.signal);
      await deps.onList(session);
      if (stopping.signal.aborted || !session.open) throw new Error("it ended right after its start");
      current = { session, since };
      log.info({ server: server.name, openMs: Math.round(now() - since) }, "connected to an MCP server");
      return session;
    } catch (error) {
      void session?.close();
      failed();
      if (!stopping.signal.aborted)
        log.warn(
          { server: server.name, reason: messageOf(error) },
          "an MCP server cannot be used; its tools are not offered",
        );
      return undefined;
    }
  }

  /** Reads the list anew; a connection that cannot tell it is of no use. */
  async function list(): Promise<void> {
    const session = current?.session;
    if (session === undefined || listing) return;
    listing = true;
    try {
      await deps.onList(session);
    } catch (error) {
      if (!stopping.signal.aborted)
        log.warn(
          { server: server.name, reason: messageOf(error) },
          "the tools of an MCP server could not be read again",
        );
      drop(session);
    } finally {
      listing = false;
    }
  }

  function drop(session: Session): void {
    if (current?.session !== session) return;
    current = undefined;
    void session.close();
  }

  return {
    async ready(withinMs) {
      if (current?.session.open) return current.session;
      const waitMs = opening === undefined ? Math.max(0, notBefore - now()) : 0;
      if (stopping.signal.aborted || waitMs > withinMs) return undefined;
      opening ??= (async () => {
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        return stopping.signal.aborted ? undefined : await open();
      })().finally(() => {
        opening = undefined;
      });
      return await withinTime(withinMs, opening, undefined);
    },
    refresh: () => void list(),
    drop,
    async stop() {
      stopping.abort();
      await opening;
      await current?.session.close();
    },
  };
}

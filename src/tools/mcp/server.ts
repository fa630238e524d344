/** One server with its tools, as it was last seen. */
import type { Connections } from "../../base/connections.ts";
import type { Logger } from "../../base/log.ts";
import { whenAborted } from "../../base/signals.ts";
import type { McpServer } from "../../config/mcp-servers.ts";
import type { Alerts } from "../../ports/alerts.ts";
import type { StepStore } from "../../ports/steps.ts";
import { failedWith, type ToolResult } from "../../ports/tool-results.ts";
import type { Tool, ToolCall, ToolClass } from "../../ports/tools.ts";
import { createConnection } from "./connection.ts";
import type { Definition } from "./definitions.ts";
import { type CallFailure, failedCall, ServerError, wasRefusedUnread } from "./failures.ts";
import type { Names } from "./names.ts";
import { resultOf } from "./results.ts";
import type { Session } from "./session.ts";

export interface ServerDeps {
  readonly server: McpServer;
  readonly names: Names;
  readonly store: Pick<StepStore, "knownTools" | "knowTool" | "meetTool">;
  readonly connections: Connections;
  /** Takes secrets out of what it returns: it may well tell its own settings. */
  readonly redact: (text: string) => string;
  readonly alerts: Alerts;
  readonly log: Pick<Logger, "info" | "warn">;
}

export interface Entry {
  readonly tool: Tool;
  /** It is not what it was when it was first seen. */
  readonly changed: boolean;
}

export interface Server {
  readonly name: string;
  /** Who may use it; undefined: everybody. */
  readonly users: ReadonlySet<number> | undefined;
  /** Its tools as they were last seen, whether or not it can be reached within this time. Never rejects. */
  entries(withinMs: number): Promise<{ readonly reachable: boolean; readonly known: readonly Entry[] }>;
  /** Takes a changed tool as known. False when there is none of this name. */
  confirm(name: string, withinMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

interface KnownEntry extends Entry {
  readonly definition: Definition;
  /** Under which its hash is kept: what models call it may change with the servers beside it. */
  readonly key: string;
}

/** A call that cannot be begun in this time has failed. Milliseconds. */
const reachedWithinMs = 15_000;
const mostCallMs = 60_000;
/** Not every server says when its tools change. Milliseconds. */
const readAgainAfterMs = 300_000;

/** Creates it; nothing is started before its entries are asked for. */
export function createServer(deps: ServerDeps): Server {
  const { server, names, store, connections, redact, alerts, log } = deps;
  const stopping = new AbortController();
  let known: readonly KnownEntry[] = [];
  let readAt = 0;
  let told = "";
  const connection = createConnection({ server, connections, log, onList: read });

  async function read(session: Session): Promise<void> {
    const { definitions, leftOut } = await session.list(stopping.signal);
    const allowed = server.tools === undefined ? undefined : new Set(server.tools);
    const wanted = definitions.filter(({ name }) => allowed?.has(name) !== false);
    const missing = [...(allowed ?? [])].filter((name) => definitions.every((one) => one.name !== name));
    tell(leftOut, missing);
    const called = names.of(
      server.name,
      definitions.map(({ name }) => name),
    );
    const changed = await changedOf(wanted);
    known = wanted.map((definition) => ({
      definition,
      key: keyOf(definition),
      tool: toolOf(definition, called.get(definition.name) ?? definition.name),
      changed: changed.has(definition),
    }));
    readAt = performance.now();
  }

  function keyOf({ name }: Definition): string {
    return `${server.name}/${name}`;
  }

  /** Those that are known as something else. What nobody has seen before is known from now on. */
  async function changedOf(definitions: readonly Definition[]): Promise<ReadonlySet<Definition>> {
    const before = await store.knownTools();
    const changed = new Set<Definition>();
    for (const definition of definitions) {
      const key = keyOf(definition);
      // Another process may see it first, too, and be told something else.
      const hash = before.get(key) ?? (await store.meetTool(key, definition.hash));
      if (hash !== definition.hash) changed.add(definition);
    }
    for (const { name, hash } of changed) {
      if (known.some(({ definition, ...one }) => one.changed && definition.hash === hash)) continue;
      log.warn(
        { server: server.name, tool: name },
        "a tool has changed since it was first seen; it is off until an admin confirms it",
      );
      alerts.raise({ kind: "tool-changed", server: server.name, tool: name });
    }
    return changed;
  }

  /** What cannot be used is told once. */
  function tell(leftOut: readonly string[], missing: readonly string[]): void {
    const lines = [
      ...leftOut,
      ...missing.map((name) => `it has no tool ${JSON.stringify(name)}, which MCP_SERVERS allows`),
    ];
    if (lines.length === 0 || lines.join() === told) return;
    told = lines.join();
    log.warn(
      { server: server.name, leftOut: lines.slice(0, 20), count: lines.length },
      "tools of an MCP server cannot be used",
    );
  }

  /** Another process may have been told that a change is right. */
  async function judgeAgain(): Promise<void> {
    if (!known.some(({ changed }) => changed)) return;
    const hashes = await store.knownTools();
    known = known.map((one) => ({ ...one, changed: one.changed && hashes.get(one.key) !== one.definition.hash }));
  }

  function toolOf(definition: Definition, name: string): Tool {
    const { description, parameters, hints } = definition;
    const reads = server.trust && hints.readOnly;
    const toolClass: ToolClass = reads ? "safe" : server.trust && hints.idempotent ? "keyed" : "never";
    return {
      name,
      description,
      parameters,
      server: server.name,
      ...(server.trust ? {} : { fromOutside: true }),
      class: toolClass,
      asks: !reads,
      // A search in the open carries its words there.
      carriesOut: !reads || hints.openWorld,
      ...(server.groups ? { inGroups: true } : {}),
      mostMs: mostCallMs,
      activity: () => ({ doing: "calling", name: definition.name, server: server.name }),
      run: (call, signal) => run(definition, toolClass, call, signal),
    };
  }

  async function run(
    definition: Definition,
    toolClass: ToolClass,
    { args, turn }: ToolCall,
    signal: AbortSignal,
  ): Promise<ToolResult> {
    signal.throwIfAborted();
    if (typeof args !== "object" || args === null || Array.isArray(args))
      return failedWith("Nothing was called: the arguments must be a JSON object, as the schema says.");
    for (let first = true; ; first = false) {
      const aborted = whenAborted(signal).then(() => undefined);
      const session = await Promise.race([connection.ready(reachedWithinMs), aborted]);
      signal.throwIfAborted();
      if (session === undefined) return failedCall(server.name, { kind: "not-sent" }, toolClass);
      if (!isCurrent(definition))
        return failedWith(
          `Nothing was called: the server ${server.name} has changed this tool, and the operator has not confirmed that.`,
        );
      try {
        const result = await session.call(definition, { ...args }, signal);
        const note = `called ${definition.name} of ${server.name}`;
        const found = turn.work(() => resultOf(result, redact));
        // Who is trusted, writes, and knows nothing of outside tells what was done, in nobody else's words.
        const { readOnly, closedWorld } = definition.hints;
        const isOwn = server.trust && !readOnly && closedWorld === true;
        return { ...found, untrusted: isOwn ? undefined : found.untrusted, note };
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ServerError)) throw error;
        const again = handle(session, error.failure) && first;
        if (again) continue;
        turn.log.warn(
          { server: server.name, tool: definition.name, failure: error.failure.kind },
          "a call of an MCP server failed",
        );
        return failedCall(server.name, error.failure, toolClass);
      }
    }
  }

  /** Whether the call may be made once more, over a new connection. */
  function handle(session: Session, failure: CallFailure): boolean {
    if (!wasRefusedUnread(failure)) return false;
    connection.drop(session);
    return true;
  }

  function isCurrent({ name, hash }: Definition): boolean {
    const one = known.find(({ definition }) => definition.name === name);
    return one !== undefined && !one.changed && one.definition.hash === hash;
  }

  return {
    name: server.name,
    users: server.users === undefined ? undefined : new Set(server.users),
    async entries(withinMs) {
      const session = await connection.ready(withinMs);
      if (session !== undefined && performance.now() - readAt > readAgainAfterMs) connection.refresh();
      // What cannot be compared stays as it was.
      await judgeAgain().catch(() => undefined);
      return { reachable: session !== undefined, known };
    },
    async confirm(name, withinMs) {
      await connection.ready(withinMs);
      const one = known.find(({ tool, changed }) => changed && tool.name === name);
      if (one === undefined) return false;
      await store.knowTool(one.key, one.definition.hash);
      known = known.map((other) => (other === one ? { ...one, changed: false } : other));
      return true;
    },
    async stop() {
      stopping.abort();
      await connection.stop();
    },
  };
}

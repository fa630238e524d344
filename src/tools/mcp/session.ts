/**
 * One connection to a server, from its handshake to its end. With its two transports the only file that knows the client's
 * package, which is loaded with it: 245 ms and 33 MB that only those pay who have servers.
 */
import {
  type CallToolResult,
  Client,
  type ClientOptions,
  type JsonSchemaValidator,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
} from "@modelcontextprotocol/client";
import type { Connections } from "../../base/connections.ts";
import type { McpServer } from "../../config/mcp-servers.ts";
import { createAddressTransport } from "./address.ts";
import { type Definition, readDefinitions, type ToolList } from "./definitions.ts";
import { type CallFailure, ServerError } from "./failures.ts";
import { createProgramTransport } from "./program.ts";

export interface SessionDeps {
  readonly server: McpServer;
  readonly connections: Connections;
  /** The list of its tools may be another one now. */
  onListChanged(): void;
  /** Told once, however it ends, unless we have closed it. */
  onEnd(): void;
}

export interface Session {
  /** False once nothing can be called by it any more. */
  readonly open: boolean;
  /** What the server offers, as far as it can be used. */
  list(signal: AbortSignal): Promise<ToolList>;
  /** Rejects with a `ServerError`, or with the signal's reason. */
  call(definition: Definition, args: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<CallToolResult>;
  /** Within a second. */
  close(): Promise<void>;
}

/** npx may fetch a server first. Milliseconds. */
const connectMs = 30_000;
const listMs = 15_000;
/** Without a sign of life; and in all. Milliseconds. */
const callMs = { quiet: 20_000, inAll: 60_000 };
const goodbyeMs = 300;
const mostPages = 10;

/** Takes any result: what a server says is checked by us, tool by tool, so that one bad tool costs no other. */
const anyResult = {
  "~standard": { version: 1, vendor: "parley", validate: (value: unknown) => ({ value }) },
} as const;

/** A tool's own schema for what it returns is not compiled, nor compared: a pattern in it could keep us busy for ever. */
const nothingIsValidated: NonNullable<ClientOptions["jsonSchemaValidator"]> = {
  getValidator<T>(): JsonSchemaValidator<T> {
    return (input) => ({ valid: true, data: input as T, errorMessage: undefined });
  },
};

const startFailures: Readonly<Record<string, string>> = {
  ENOENT: "its command was not found (ENOENT)",
  EACCES: "its command may not be run (EACCES)",
};

/** Connects. Rejects with a `ServerError` that says in its message, for operators, why that could not be done. */
export async function openSession(deps: SessionDeps, signal: AbortSignal): Promise<Session> {
  const { server, connections } = deps;
  let flood: Error | undefined;
  const onFlood = (error: Error): void => {
    flood ??= error;
    void close();
  };
  const program = "command" in server.at ? createProgramTransport(server.at, onFlood) : undefined;
  const address = "url" in server.at ? createAddressTransport(server.at, connections, onFlood) : undefined;
  const client = new Client(
    { name: "parley", version: "1" },
    {
      capabilities: {},
      // Over stdio, asking which is spoken would start a second process.
      versionNegotiation: { mode: address === undefined ? "legacy" : "auto" },
      inputRequired: { autoFulfill: false },
      jsonSchemaValidator: nothingIsValidated,
      listChanged: { tools: { autoRefresh: false, debounceMs: 300, onChanged: () => deps.onListChanged() } },
    },
  );
  let open = false;
  let closing: Promise<void> | undefined;

  function close(): Promise<void> {
    open = false;
    closing ??= (async () => {
      const leaving = address?.terminateSession().catch(() => undefined);
      if (leaving !== undefined)
        await Promise.race([leaving, new Promise((resolve) => setTimeout(resolve, goodbyeMs).unref())]);
      await client.close().catch(() => undefined);
    })();
    return closing;
  }

  /** What a failure means; it tells nothing that the server has said, but for its own errors. */
  function failureOf(error: unknown): CallFailure {
    if (flood !== undefined) return { kind: "flood", reason: flood.message };
    if (error instanceof ProtocolError) return { kind: "refused", reason: error.message };
    if (error instanceof SdkHttpError) return { kind: "status", status: error.status ?? 0 };
    if (error instanceof SdkError) {
      if (error.code === SdkErrorCode.RequestTimeout) return { kind: "timeout" };
      if (error.code === SdkErrorCode.ConnectionClosed) return { kind: "died" };
      if (error.code === SdkErrorCode.NotConnected) return { kind: "not-sent" };
      if (error.code === SdkErrorCode.UnsupportedResultType) return { kind: "wants-input" };
      if (error.code === SdkErrorCode.InvalidResult) return { kind: "broken" };
      if (error.cause instanceof Error) return failureOf(error.cause);
    }
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (message === "Not connected" || code === "ECONNREFUSED" || code === "ENOTFOUND") return { kind: "not-sent" };
    if (typeof code === "string") return { kind: "other", reason: startFailures[code] ?? code };
    return { kind: "other", reason: String(message ?? error) };
  }

  async function within<T>(milliseconds: number, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>) {
    const own = new AbortController();
    const abort = () => own.abort(outer.reason);
    outer.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(() => own.abort(), milliseconds);
    try {
      outer.throwIfAborted();
      return await work(own.signal);
    } catch (error) {
      outer.throwIfAborted();
      throw new ServerError(own.signal.aborted ? { kind: "timeout" } : failureOf(error), program?.lastWords());
    } finally {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
    }
  }

  client.onclose = () => {
    const was = open;
    open = false;
    if (was) deps.onEnd();
  };
  try {
    await within(connectMs, signal, (own) =>
      client.connect(address ?? program ?? unreachable(), { timeout: connectMs, signal: own }),
    );
  } catch (error) {
    await close();
    throw error;
  }
  open = true;

  return {
    get open() {
      return open;
    },
    list: (outer) =>
      within(listMs, outer, async (own) => {
        if (client.getServerCapabilities()?.tools === undefined) return readDefinitions(server.name, []);
        const tools: unknown[] = [];
        let cursor: string | undefined;
        for (let page = 0; page < mostPages; page += 1) {
          const params = cursor === undefined ? {} : { params: { cursor } };
          const result = await client.request({ method: "tools/list", ...params }, anyResult, { signal: own });
          const { tools: some, nextCursor } = result as { tools?: unknown; nextCursor?: unknown };
          if (Array.isArray(some)) tools.push(...some.slice(0, 1_000));
          if (typeof nextCursor !== "string" || nextCursor === cursor) break;
          cursor = nextCursor;
        }
        return readDefinitions(server.name, tools);
      }),
    call: ({ name, parameters }, args, outer) =>
      within(callMs.inAll, outer, (own) =>
        client.callTool(
          { name, arguments: { ...args } },
          {
            signal: own,
            timeout: callMs.quiet,
            resetTimeoutOnProgress: true,
            // Asks for them.
            onprogress: () => undefined,
            toolDefinition: { name, inputSchema: { ...parameters, type: "object" } },
          },
        ),
      ),
    close,
  };
}

function unreachable(): never {
  throw new Error("a server is a program or has an address");
}

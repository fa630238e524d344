/**
 * A server that is a program of ours, spoken to over its input and output. Not by the client's own transport: that one waits
 * four seconds for a program that does not end, knows nothing of those that it has started, and takes up to 10 MB a message.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  deserializeMessage,
  type JSONRPCMessage,
  serializeMessage,
  type Transport,
} from "@modelcontextprotocol/client";
import { getDefaultEnvironment } from "@modelcontextprotocol/client/stdio";
import type { McpProgram } from "../../config/mcp-fields.ts";
import { seenLine } from "../framing.ts";
import { createFlow, createPieces } from "./flow.ts";

export interface ProgramTransport extends Transport {
  /** The last line that it wrote to its error output; empty when there is none. */
  lastWords(): string;
}

/** Before it is told to end, before it is made to, and until it is given up. Milliseconds. */
const endsByItselfMs = 300;
const endsWhenToldMs = 300;
const givenUpMs = 200;
/** What waits for a program that does not read. */
const mostUnreadBytes = 4 * 2 ** 20;
/** What is read of error output in a second, and kept of it. */
const mostErrorBytes = 2 ** 16;
const keptErrorCharacters = 2_000;
const longestWords = 200;
const newLine = 0x0a;

/** Creates the transport; the program starts with `start`. `onFlood` is told why its output is not read any more. */
export function createProgramTransport(program: McpProgram, onFlood: (error: Error) => void): ProgramTransport {
  const flow = createFlow();
  const pieces = createPieces();
  const ended = Promise.withResolvers<void>();
  let child: ChildProcess | undefined;
  let closed = false;
  let words = "";

  function end(): void {
    if (closed) return;
    closed = true;
    for (const stream of [child?.stdin, child?.stdout, child?.stderr]) stream?.destroy();
    ended.resolve();
    transport.onclose?.();
  }

  /** With all that it has started. */
  function kill(signal: NodeJS.Signals): void {
    try {
      if (child?.pid === undefined) return;
      if (process.platform === "win32") child.kill(signal);
      else process.kill(-child.pid, signal);
    } catch {
      // Nobody is left.
    }
  }

  function read(chunk: Buffer): void {
    try {
      let from = 0;
      for (let at = chunk.indexOf(newLine); at !== -1; at = chunk.indexOf(newLine, from)) {
        pieces.add(chunk.subarray(from, at));
        from = at + 1;
        flow.count(0, 1);
        take(pieces.take().toString("utf8"));
      }
      pieces.add(chunk.subarray(from));
      flow.count(chunk.length, 0);
    } catch (error) {
      onFlood(error instanceof Error ? error : new Error(String(error)));
      void transport.close();
    }
  }

  function take(line: string): void {
    let message: JSONRPCMessage;
    try {
      message = deserializeMessage(line);
    } catch {
      // Programs print other things, too.
      return;
    }
    transport.onmessage?.(message);
  }

  const transport: ProgramTransport = {
    start() {
      const { command, args, env, cwd } = program;
      return new Promise<void>((resolve, reject) => {
        // A group of its own: npx and its like start the server as another process.
        child = spawn(command, args, {
          cwd,
          env: { ...getDefaultEnvironment(), ...env },
          detached: process.platform !== "win32",
          windowsHide: true,
          stdio: ["pipe", "pipe", "pipe"],
        });
        child.once("spawn", resolve);
        child.on("error", (error) => {
          reject(error);
          if (child?.pid === undefined) end();
        });
        child.once("exit", () => {
          kill("SIGKILL");
          setTimeout(end, givenUpMs).unref();
        });
        child.once("close", end);
        child.stdin?.on("error", (error) => transport.onerror?.(error));
        child.stdout?.on("data", read).on("error", (error) => transport.onerror?.(error));
        let read64k = 0;
        child.stderr?.on("data", (chunk: Buffer) => {
          words = (words + chunk.toString("utf8")).slice(-keptErrorCharacters);
          read64k += chunk.length;
          if (read64k < mostErrorBytes) return;
          read64k = 0;
          child?.stderr?.pause();
          setTimeout(() => child?.stderr?.resume(), 1_000).unref();
        });
      });
    },
    async send(message) {
      const input = child?.stdin;
      if (closed || input == null || !input.writable) throw new Error("Not connected");
      if (input.writableLength > mostUnreadBytes) throw new Error("it does not read what it is sent");
      input.write(serializeMessage(message));
    },
    async close() {
      if (child === undefined) return end();
      child.stdout?.removeAllListeners("data").resume();
      child.stdin?.end();
      const timers = [
        setTimeout(() => kill("SIGTERM"), endsByItselfMs),
        setTimeout(() => kill("SIGKILL"), endsByItselfMs + endsWhenToldMs),
        setTimeout(end, endsByItselfMs + endsWhenToldMs + givenUpMs),
      ];
      await ended.promise;
      for (const timer of timers) clearTimeout(timer);
    },
    lastWords: () => seenLine(words.trimEnd().split("\n").at(-1) ?? "", longestWords),
  };
  return transport;
}

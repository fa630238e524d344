/**
 * How an operator's command reaches a bot that runs: a Unix socket beside the database, which the bot alone may open (a named
 * pipe on Windows). One line of JSON goes in, one comes out.
 */
import { lstatSync, statSync, unlinkSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, StartError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { OperatorAnswer } from "../../ports/operators.ts";
import { operatorAddress } from "./address.ts";

export interface OperatorSocketOptions {
  /** The folder of the database, whose lock this process holds. */
  readonly dataDir: string;
  /** Carries a command out. Never rejects. */
  answer(args: readonly string[]): Promise<OperatorAnswer>;
  readonly log: Pick<Logger, "info" | "warn">;
}

export interface OperatorSocket {
  stop(): Promise<void>;
}

const longestRequestBytes = 4 * 1024;
const longestAnswerBytes = 4 * 1024 * 1024;
const answerWithinMs = 10_000;
const mostOperators = 8;

/** Serves operators. Where there can be no socket, the log says so and the bot goes on without. */
export async function createOperatorSocket({ dataDir, answer, log }: OperatorSocketOptions): Promise<OperatorSocket> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(answerWithinMs, () => socket.destroy());
    void serve(socket, answer);
  });
  server.maxConnections = mostOperators;
  try {
    const address = operatorAddress(dataDir);
    removeStale(address);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // The file is made before `listen` returns, so that it never had another mode.
      const mask = process.umask(0o177);
      try {
        server.listen(address, resolve);
      } finally {
        process.umask(mask);
      }
    });
    log.info({ address }, "listening for npm run queue");
  } catch (error) {
    log.warn(
      { reason: messageOf(error) },
      "DATA_DIR can hold no socket: npm run queue works only while the bot is stopped",
    );
  }
  server.on("error", (error) => log.warn({ reason: messageOf(error) }, "the operator's socket failed"));
  return {
    async stop() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/**
 * Has a command carried out by the bot over this folder. Undefined when none listens. Throws a `StartError` of one line when
 * this user may not ask it, or it does not answer.
 */
export async function askOperatorSocket(dataDir: string, args: readonly string[]): Promise<OperatorAnswer | undefined> {
  const address = operatorAddress(dataDir);
  if (!isTrusted(address, dataDir)) return undefined;
  const socket = connect(address);
  try {
    const line = readLine(socket, longestAnswerBytes);
    socket.setTimeout(answerWithinMs, () => socket.destroy(new Error(`no answer within ${answerWithinMs / 1000} s`)));
    socket.write(`${JSON.stringify({ args })}\n`);
    const text = await line;
    return text === undefined ? undefined : (JSON.parse(text) as OperatorAnswer);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EACCES" || code === "EPERM") {
      throw new StartError([`DATA_DIR: the bot over ${dataDir} runs as another user; run this command as that user.`]);
    }
    // Nobody is there, or left behind after a crash what is no socket any more.
    if (code !== undefined) return undefined;
    throw new StartError([`The bot over ${dataDir} runs, but did not answer: ${messageOf(error)}`], {
      retryable: true,
    });
  } finally {
    socket.destroy();
  }
}

/** Whoever holds the lock of the database owns this address: what is there is left from a crash. */
function removeStale(address: string): void {
  if (process.platform === "win32") return;
  try {
    if (lstatSync(address).isSocket()) unlinkSync(address);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

/** In the common folder for temporary files anybody could wait for operators. */
function isTrusted(address: string, dataDir: string): boolean {
  if (!address.startsWith(join(tmpdir(), "parley-"))) return true;
  const owner = statSync(address, { throwIfNoEntry: false })?.uid;
  return owner === 0 || owner === statSync(dataDir).uid;
}

async function serve(socket: Socket, answer: OperatorSocketOptions["answer"]): Promise<void> {
  const refuse = (reason: string): OperatorAnswer => ({ exitCode: 1, lines: [reason] });
  let result: OperatorAnswer;
  try {
    const args = argsOf(await readLine(socket, longestRequestBytes));
    result = args === undefined ? refuse("not understood; is this command of another version?") : await answer(args);
  } catch (error) {
    result = refuse(messageOf(error));
  }
  socket.end(`${JSON.stringify(result)}\n`);
}

function argsOf(line: string | undefined): readonly string[] | undefined {
  try {
    const { args } = JSON.parse(line ?? "") as { args: unknown };
    return Array.isArray(args) && args.every((one) => typeof one === "string") ? args : undefined;
  } catch {
    return undefined;
  }
}

/** The first line that arrives; undefined when the other side ends before. Rejects when it is longer than `mostBytes`. */
function readLine(socket: Socket, mostBytes: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    socket.on("error", reject);
    socket.on("close", () => resolve(undefined));
    socket.on("end", () => resolve(undefined));
    socket.on("data", (chunk: Buffer) => {
      const end = chunk.indexOf("\n");
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      size += chunk.length;
      if (size > mostBytes) reject(new Error(`a line longer than ${mostBytes} bytes`));
      else if (end >= 0) resolve(Buffer.concat(chunks).toString());
      else return;
      socket.removeAllListeners("data").resume();
    });
  });
}

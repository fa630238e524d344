/**
 * How an operator's command reaches a bot that runs: a Unix socket beside the database, which the bot alone may open (a named
 * pipe on Windows). One line of JSON goes in, one comes out, and behind it, where there is more to say, one for each part of it and one at its end.
 */
import { once } from "node:events";
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
/** So long somebody may keep what they are told unread. */
const unreadWithinMs = 600_000;
/** The last line of what came in parts: whoever does not see it was told only a half. */
const theEnd = "null";
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
  let goesOn = false;
  try {
    const lines = readLines(socket, longestAnswerBytes);
    socket.setTimeout(answerWithinMs, () => socket.destroy(new Error(`no answer within ${answerWithinMs / 1000} s`)));
    socket.write(`${JSON.stringify({ args })}\n`);
    const { value: text } = await lines.next();
    if (typeof text !== "string") return undefined;
    const { parts, ...answer } = JSON.parse(text) as OperatorAnswer & { readonly parts?: boolean };
    goesOn = parts === true;
    return goesOn ? { ...answer, more: partsIn(lines, socket, dataDir) } : answer;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EACCES" || code === "EPERM") {
      throw new StartError([`DATA_DIR: the bot over ${dataDir} runs as another user; run this command as that user.`]);
    }
    // Nobody listens, or what a crash left behind is no socket any more.
    if (code !== undefined) return undefined;
    throw new StartError([`The bot over ${dataDir} runs, but did not answer: ${messageOf(error)}`], {
      retryable: true,
    });
  } finally {
    if (!goesOn) socket.destroy();
  }
}

/** What comes behind the first line; throws a `StartError` when it ends before its end. */
async function* partsIn(
  lines: AsyncIterable<string>,
  socket: Socket,
  dataDir: string,
): AsyncGenerator<readonly string[], void> {
  try {
    for await (const line of lines) {
      if (line === theEnd) return;
      yield JSON.parse(line) as readonly string[];
    }
    throw new StartError([`The bot over ${dataDir} ended before it had told everything; ask it again.`], {
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
    const { value } = await readLines(socket, longestRequestBytes).next();
    const args = argsOf(value ?? undefined);
    result = args === undefined ? refuse("not understood; is this command of another version?") : await answer(args);
  } catch (error) {
    result = refuse(messageOf(error));
  }
  const { more, ...first } = result;
  if (more === undefined) return void socket.end(`${JSON.stringify(first)}\n`);
  socket.setTimeout(unreadWithinMs);
  await written(socket, JSON.stringify({ ...first, parts: true }));
  try {
    for await (const lines of more) {
      if (!(await written(socket, JSON.stringify(lines)))) return;
    }
    socket.end(`${theEnd}\n`);
  } catch {
    // The other side knows by the missing last line.
    socket.destroy();
  }
}

/** Writes a line, and waits until it is on its way: what is read from the database waits for whom it is for. */
async function written(socket: Socket, line: string): Promise<boolean> {
  if (socket.destroyed) return false;
  if (!socket.write(`${line}\n`)) await Promise.race([once(socket, "drain"), once(socket, "close")]);
  return !socket.destroyed;
}

function argsOf(line: string | undefined): readonly string[] | undefined {
  try {
    const { args } = JSON.parse(line ?? "") as { args: unknown };
    return Array.isArray(args) && args.every((one) => typeof one === "string") ? args : undefined;
  } catch {
    return undefined;
  }
}

/** The lines that arrive, until the other side ends. Throws when one is longer than `mostBytes`. */
async function* readLines(socket: Socket, mostBytes: number): AsyncGenerator<string, void> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Whoever is refused is told so, by the same socket.
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let rest = chunk;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield Buffer.concat([...chunks.splice(0), rest.subarray(0, end)]).toString();
      size = 0;
      rest = rest.subarray(end + 1);
    }
    chunks.push(rest);
    size += rest.length;
    if (size > mostBytes) throw new Error(`a line longer than ${mostBytes} bytes`);
  }
}

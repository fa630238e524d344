import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { operatorAddress } from "../../../src/app/operator/address.ts";
import { askOperatorSocket, createOperatorSocket, type OperatorSocket } from "../../../src/app/operator/socket.ts";
import { StartError } from "../../../src/base/errors.ts";

let folder: string;
let warnings: string[];
const open: OperatorSocket[] = [];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "operator-test-")));
  warnings = [];
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((socket) => socket.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function serve(dataDir = folder): Promise<OperatorSocket> {
  const socket = await createOperatorSocket({
    dataDir,
    answer: async (args) => ({ exitCode: 3, lines: [args.join("+"), "ü".repeat(300_000)] }),
    log: { info() {}, warn: (fields, message) => warnings.push(`${message} ${JSON.stringify(fields)}`) },
  });
  open.push(socket);
  return socket;
}

/** A folder whose path is longer than a socket's may be. */
function longFolder(): string {
  const path = join(folder, "a".repeat(60), "b".repeat(60));
  mkdirSync(path, { recursive: true });
  return path;
}

/** Sends bytes as they are; resolves with what comes back. */
async function send(bytes: string): Promise<string> {
  const socket = connect(operatorAddress(folder));
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  await once(socket, "close");
  return text;
}

describe("the operator's socket", () => {
  it("carries a command to the process that serves it, and its answer back", async () => {
    await serve();
    const answer = await askOperatorSocket(folder, ["requeue", "7"]);
    expect(answer).toEqual({ exitCode: 3, lines: ["requeue+7", "ü".repeat(300_000)] });
    expect(warnings).toEqual([]);
  });

  it("lies beside the database, is its owner's alone from its first moment, and is gone afterwards", async () => {
    const socket = await serve();
    expect(operatorAddress(folder)).toBe(join(folder, "parley.sock"));
    expect(statSync(join(folder, "parley.sock")).mode & 0o777).toBe(0o600);
    await socket.stop();
    expect(readdirSync(folder)).toEqual([]);
    expect(await askOperatorSocket(folder, ["stats"])).toBeUndefined();
  });

  it("takes the place of one that a killed process has left", async () => {
    const script = `require("node:net").createServer().listen(${JSON.stringify(join(folder, "parley.sock"))}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
    expect(statSync(join(folder, "parley.sock")).isSocket()).toBe(true);
    expect(await askOperatorSocket(folder, ["stats"])).toBeUndefined();
    await serve();
    expect(await askOperatorSocket(folder, ["stats"])).toMatchObject({ exitCode: 3 });
  });

  it("has a path that a socket can have, however long that of the folder is", async () => {
    const long = longFolder();
    expect(operatorAddress(long, join(long, ".."))).toBe(join("b".repeat(60), "parley.sock"));
    const elsewhere = operatorAddress(long, "/");
    expect(elsewhere).toMatch(/^\/.*\/parley-[0-9a-f]{16}\.sock$/);
    expect(operatorAddress(longFolder(), "/")).toBe(elsewhere);
    await serve(long);
    expect(await askOperatorSocket(long, ["dead"])).toMatchObject({ exitCode: 3 });
    expect(warnings).toEqual([]);
  });

  it("is the same by whatever way the folder is named", () => {
    expect(operatorAddress(`${folder}/../${folder.split("/").at(-1)}/`)).toBe(operatorAddress(folder));
  });

  it("asks nobody in the common folder but the owner of the database", async () => {
    const long = longFolder();
    await serve(long);
    expect(operatorAddress(long)).toContain(tmpdir());
    expect(await askOperatorSocket(long, ["stats"])).toMatchObject({ exitCode: 3 });
    // Only root can make what another user would have left there.
    if (process.getuid?.() !== 0) return;
    chownSync(operatorAddress(long), 12_345, 12_345);
    expect(await askOperatorSocket(long, ["stats"])).toBeUndefined();
  });

  it("is done without, with a warning, where there can be none", async () => {
    writeFileSync(join(folder, "parley.sock"), "no socket");
    const socket = await serve();
    expect(warnings).toEqual([
      expect.stringMatching(/^DATA_DIR can hold no socket: npm run queue works only while .*EADDRINUSE/),
    ]);
    expect(await askOperatorSocket(folder, ["stats"])).toBeUndefined();
    await socket.stop();
    expect(readdirSync(folder)).toEqual(["parley.sock"]);
  });

  it("answers nonsense with a line, and ends what is too long", async () => {
    await serve();
    for (const nonsense of ["hello\n", "{}\n", '{"args":"stats"}\n', '{"args":[1]}\n', "null\n", "\n"])
      expect(JSON.parse(await send(nonsense)), nonsense).toEqual({
        exitCode: 1,
        lines: [expect.stringContaining("not understood")],
      });
    expect(JSON.parse(await send("x".repeat(5_000)))).toEqual({
      exitCode: 1,
      lines: [expect.stringContaining("longer than")],
    });
    expect(JSON.parse(await send('{"args":["a"]}\n{"args":["b"]}\n'))).toMatchObject({
      lines: ["a", expect.anything()],
    });
  });

  it("takes a bot that ends in the middle for none", async () => {
    const server = createServer((socket) => socket.destroy()).listen(operatorAddress(folder));
    await once(server, "listening");
    expect(await askOperatorSocket(folder, ["stats"])).toBeUndefined();
    server.close();
  });

  it("says in one line that the bot answers with what nobody can read", async () => {
    const server = createServer((socket) => socket.end("no json\n")).listen(operatorAddress(folder));
    await once(server, "listening");
    const error = await askOperatorSocket(folder, ["stats"]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartError);
    expect((error as StartError).lines).toEqual([expect.stringMatching(/runs, but did not answer/)]);
    server.close();
  });

  it("says in one line that it is another user's", async () => {
    await serve();
    // Root may do everything: it asks as nobody. Anybody else is kept out of a file without rights.
    const root = process.getuid?.() === 0;
    chmodSync(folder, 0o755);
    if (root) process.seteuid?.(65_534);
    else chmodSync(join(folder, "parley.sock"), 0);
    try {
      await expect(askOperatorSocket(folder, ["stats"])).rejects.toThrow(/runs as another user; run this command as/);
    } finally {
      if (root) process.seteuid?.(0);
    }
  });
});

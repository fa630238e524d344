/** Messages between the bot and its child, and a child that says whatever it likes. */
import { Duplex, PassThrough } from "node:stream";
import { serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { startChild } from "../../../src/media/child/child.ts";
import { sendFrame, takeFrames } from "../../../src/media/child/frames.ts";
import { memoryOf } from "../../support/file-reading.ts";

function taking(mostBytes = 1_000_000) {
  const pipe = new PassThrough();
  const messages: unknown[] = [];
  let broken = 0;
  takeFrames(
    pipe,
    mostBytes,
    (message) => messages.push(message),
    () => broken++,
  );
  return { pipe, messages, broken: () => broken };
}

function bytesOf(...messages: readonly unknown[]): Buffer {
  const written: Buffer[] = [];
  const pipe = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _, done) {
      written.push(chunk);
      done();
    },
  });
  for (const message of messages) sendFrame(pipe, message);
  return Buffer.concat(written);
}

describe("messages over a pipe", () => {
  it("bring the bytes of a file with them, of which no copy is made", () => {
    const written: Uint8Array[] = [];
    const pipe = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _, done) {
        written.push(chunk);
        done();
      },
    });
    const file = Buffer.from("a file, and all that it holds");
    sendFrame(pipe, { id: 1 }, file);
    sendFrame(pipe, { id: 2 });
    expect(written.some(({ buffer, byteOffset }) => buffer === file.buffer && byteOffset === file.byteOffset)).toBe(
      true,
    );
    const bytes = Buffer.concat(written);
    for (const size of [1, 5, bytes.length]) {
      const taken: unknown[] = [];
      const taking = new PassThrough();
      takeFrames(
        taking,
        1_000,
        (message, more) => taken.push([message, Buffer.from(more).toString()]),
        () => taken.push("broken"),
      );
      for (let at = 0; at < bytes.length; at += size) taking.emit("data", bytes.subarray(at, at + size));
      expect(taken).toEqual([
        [{ id: 1 }, file.toString()],
        [{ id: 2 }, ""],
      ]);
    }
  });

  it("are not waited for when the bytes with them are more than they may be", () => {
    const { pipe, messages, broken } = taking();
    const head = Buffer.alloc(8);
    head.writeUInt32BE(10);
    head.writeUInt32BE(1_000_000, 4);
    pipe.emit("data", head);
    expect([messages, broken()]).toEqual([[], 1]);
  });

  it("come as they were sent, wherever the pipe cuts them", () => {
    const sent = [{ a: new Uint8Array([1, 2]) }, "", undefined, "x".repeat(3_000)];
    const bytes = bytesOf(...sent);
    for (const size of [1, 3, 700, bytes.length]) {
      const { pipe, messages, broken } = taking();
      for (let at = 0; at < bytes.length; at += size) pipe.emit("data", bytes.subarray(at, at + size));
      expect([messages, broken()]).toEqual([sent, 0]);
    }
  });

  it("are not waited for when they are longer than they may be, nor taken behind something else", () => {
    const long = taking(serialize("words").length);
    long.pipe.emit("data", bytesOf("words", "words and more", "words"));
    expect([long.messages, long.broken()]).toEqual([["words"], 1]);
    const other = taking();
    other.pipe.emit("data", Buffer.concat([Buffer.from([0, 0, 0, 3, 0, 0, 0, 0, 1, 2, 3]), bytesOf("words")]));
    other.pipe.emit("data", bytesOf("words"));
    expect([other.messages, other.broken()]).toEqual([[], 1]);
  });
});

describe.skipIf(process.platform !== "linux")("a child that a file has taken over", () => {
  const limits = { startMs: 60_000, jobMs: 60_000, residentBytes: 2 ** 40, lookEveryMs: 1_000 };
  const program = (answer: string) => `
    const pipe = new (require("net").Socket)({ fd: 3 });
    const { serialize } = require("v8");
    const head = (length) => { const bytes = Buffer.alloc(8); bytes.writeUInt32BE(length); return bytes; };
    const say = (message) => { const body = serialize(message); pipe.write(head(body.length)); pipe.write(body); };
    say({ type: "ready" });
    pipe.once("data", () => { ${answer} });`;

  it.each([
    ["never comes to an end", "const more = () => pipe.write(Buffer.alloc(2 ** 20, 255), more); more();"],
    ["says that it is ready again and again", 'say({ type: "ready" });'],
    ["answers what nobody has asked", 'say({ type: "read", id: 2, reading: {} });'],
    ["says nothing", "say(null);"],
    ["speaks to the machinery of Node", 'say({ cmd: "NODE_HANDLE", type: "nonsense", msg: {} });'],
    ["leaves its pipe and stays", "pipe.destroy(); setInterval(() => undefined, 1_000);"],
  ])("is killed when it %s, and costs the bot no memory", async (_, answer) => {
    const child = startChild(limits, { run: ["--eval", program(answer)] });
    expect(await child.ready).toBe(true);
    const before = memoryOf(process.pid).now;
    const end = await child.read({ bytes: Buffer.from("a file") }, new AbortController().signal);
    expect(end).toMatchObject({ type: "died", of: "crash" });
    expect([child.alive, memoryOf(process.pid).now - before < 100]).toEqual([false, true]);
  });
});

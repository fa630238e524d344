/** The child that reads files: what it may do, how it ends, and that a file costs nobody but its sender anything. */
import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { boundedNode, startChild } from "../../../src/media/child/child.ts";
import type { FileReaderOptions } from "../../../src/media/child/reader.ts";
import { createReadingScene, memoryOf, type ReadingScene } from "../../support/file-reading.ts";
import { deflatedTwice, lines, pdfOf, pngOf } from "../../support/files.ts";

const note = Buffer.from("a note");
const large = pngOf(7_000, 7_000);
/** Whether this system lets anybody have a network of their own. */
const hasNamespaces = spawnSync("unshare", ["-U", "-n", "--", "true"]).status === 0;
let scene: ReadingScene | undefined;

function open(options: Omit<FileReaderOptions, "log"> = {}): ReadingScene {
  const opened = createReadingScene(options);
  scene = opened;
  return opened;
}

afterEach(() => scene?.stop());

describe.skipIf(process.platform !== "linux")("the child that reads files", () => {
  it("begins with the first file, and serves the next ones", async () => {
    const { read, children } = open();
    expect(children()).toEqual([]);
    expect(await read(note)).toMatchObject({ kind: "text", parts: [{ text: "a note" }] });
    const [first] = children();
    expect(first).toBeDefined();
    expect(await read(Buffer.from("another"))).toMatchObject({ parts: [{ text: "another" }] });
    expect(children()).toEqual([first]);
  });

  it("reads one file at a time, in the order in which they came", async () => {
    const { read, children } = open();
    const order: number[] = [];
    const many = Array.from({ length: 20 }, async (_, index) => {
      await read(Buffer.from(`note ${index}`));
      order.push(index);
      expect(children()).toHaveLength(1);
    });
    await Promise.all(many);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it("is gone when nobody has sent a file for a while, and is back with the next one", async () => {
    const { read, children } = open({ idleMs: 50 });
    await read(note);
    await vi.waitUntil(() => children().length === 0, { timeout: 60_000 });
    expect(await read(note)).toMatchObject({ kind: "text" });
  });

  it("is another one after so many files", async () => {
    const { read, children } = open({ filesPerChild: 2 });
    await read(note);
    const [first] = children();
    await read(note);
    await read(note);
    await vi.waitUntil(() => !children().includes(first ?? 0), { timeout: 60_000 });
    expect(children()).toHaveLength(1);
  });

  it("is killed when a file takes too long, and the next file is read", async () => {
    const { read } = open({ limits: { jobMs: 5 } });
    expect(await read(large)).toEqual({ kind: "refused", reason: "limits" });
    await scene?.stop();
    expect(await open().read(large)).toMatchObject({ kind: "pictures" });
  });

  it("is killed when a file takes too much memory", async () => {
    const { read, children } = open({ limits: { residentBytes: 1024 * 1024, lookEveryMs: 1 } });
    expect(await read(large)).toEqual({ kind: "refused", reason: "limits" });
    await vi.waitUntil(() => children().length === 0, { timeout: 60_000 });
  });

  it("is killed when nobody waits for the file any more, and those behind it are served", async () => {
    const { read } = open();
    await read(note);
    const leaving = new AbortController();
    const left = read(large, {}, leaving.signal);
    const next = read(note);
    const never = new AbortController();
    const waiting = read(note, {}, never.signal);
    never.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: "aborted" });
    expect(await next).toMatchObject({ kind: "text" });
  });

  it("reads the files of one question alone", async () => {
    const { read, children } = open();
    const [one, other] = [new AbortController(), new AbortController()];
    await read(note, {}, one.signal);
    const [first = 0] = children();
    await read(note, {}, one.signal);
    expect(children()).toEqual([first]);
    expect(await read(note, {}, other.signal)).toMatchObject({ kind: "text" });
    await vi.waitUntil(() => !children().includes(first), { timeout: 60_000 });
    expect(children()).toHaveLength(1);
    await read(note, {}, one.signal);
    expect(children()).not.toContain(first);
  });

  it("waits for the next question before it comes, and goes when none comes", async () => {
    const { read, children } = open({ startsAhead: true, idleMs: 2_000 });
    await read(note, {}, new AbortController().signal);
    const [first = 0, spare = 0] = children();
    expect(spare).toBeGreaterThan(0);
    const questions = Array.from({ length: 5 }, () => read(note, {}, new AbortController().signal));
    await questions[0];
    expect(children()).toContain(spare);
    expect(children()).not.toContain(first);
    for (const { kind } of await Promise.all(questions)) expect(kind).toBe("text");
    expect(children().length).toBeLessThanOrEqual(2);
    await vi.waitUntil(() => children().length === 0, { timeout: 60_000 });
    expect(await read(note)).toMatchObject({ kind: "text" });
  });

  it("tells those after it its program as plain JavaScript, so that Node's compiler of types is loaded once", async () => {
    const limits = { startMs: 60_000, jobMs: 60_000, residentBytes: 2 ** 40, lookEveryMs: 1_000 };
    const first = startChild(limits);
    expect(await first.ready).toBe(true);
    const { program = "[]" } = first;
    const sources = new Map(JSON.parse(program) as [string, string][]);
    expect([...sources.keys()]).toContain(new URL("../../../src/media/child/serving.ts", import.meta.url).href);
    const next = startChild(limits, { program });
    expect([await next.ready, next.program]).toEqual([true, program]);
    // It is what it begins with that a child does.
    const changed = [...sources].map(([url, source]) => [url, source.replace('case "perhaps-text"', 'case "nothing"')]);
    const other = startChild(limits, { program: JSON.stringify(changed) });
    const read = async (child: typeof first) => await child.read({ bytes: note }, new AbortController().signal);
    expect(await read(next)).toMatchObject({ reading: { kind: "text" } });
    expect([await other.ready, await read(other)]).toMatchObject([true, { reading: { reason: "unknown" } }]);
    expect(memoryOf(first.pid ?? 0).peak - memoryOf(next.pid ?? 0).peak).toBeGreaterThan(10);
    for (const child of [first, next, other]) child.kill();
  });

  it("may be killed while it waits for the next question", async () => {
    const { read, children } = open({ startsAhead: true });
    await read(note, {}, new AbortController().signal);
    for (const pid of children()) process.kill(pid, "SIGKILL");
    expect(await read(note, {}, new AbortController().signal)).toMatchObject({ kind: "text" });
  });

  it("may be killed by anybody at any time: what it was reading is read by another one", async () => {
    const { read, children } = open();
    await read(note);
    const [pid = 0] = children();
    const cut = read(large);
    process.kill(pid, "SIGKILL");
    expect(await cut).toMatchObject({ kind: "pictures" });
    expect(children()).not.toContain(pid);
  });

  it("keeps nothing of a file that was refused", async () => {
    const { read, children } = open();
    await read(note);
    const before = children();
    // All of them together are more than the program that reads them may have.
    const length = 19 * 2 ** 20;
    const objects = [`<< /Length ${length} >>\nstream\n${" ".repeat(length)}\nendstream`];
    const none = pdfOf([], { objects });
    for (let file = 0; file < 18; file++) expect(await read(none)).toEqual({ kind: "refused", reason: "damaged" });
    expect(await read(pdfOf([{ content: lines("A page with quite a lot of words") }]))).toMatchObject({ kind: "text" });
    expect(children()).toEqual(before);
  });

  it("does not end with a signal that a terminal sends to all", async () => {
    const { read, children } = open();
    await read(note);
    const [pid = 0] = children();
    process.kill(pid, "SIGINT");
    process.kill(pid, "SIGTERM");
    await read(note);
    expect(children()).toEqual([pid]);
  });

  it("tells when it cannot be started", async () => {
    const { read } = open({ limits: { startMs: 1 } });
    expect(await read(note)).toEqual({ kind: "refused", reason: "unavailable" });
  });

  it("ends with its reader, and whoever waits is told so", async () => {
    const { read, children, stop } = open();
    await read(note);
    const cut = read(large);
    const waiting = read(note);
    const both = Promise.allSettled([cut, waiting]);
    await stop();
    expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await vi.waitUntil(() => children().length === 0, { timeout: 60_000 });
  });

  it("is the first to go when memory runs out", async () => {
    const { readFile } = await import("node:fs/promises");
    const { read, children } = open();
    await read(note);
    expect(Number(await readFile(`/proc/${children()[0]}/oom_score_adj`, "utf8"))).toBe(1000);
    expect(await readFile(`/proc/${children()[0]}/limits`, "utf8")).toMatch(/Max cpu time\s+180\s/);
  });
});

describe("what the child may do", () => {
  function attempt(code: string): string {
    const [program = "", ...args] = boundedNode("--eval", `try { ${code} } catch (error) { console.log(error.code) }`);
    return spawnSync(program, args, { env: {}, encoding: "utf8" }).stdout.trim();
  }

  it("is to read the program and its packages", () => {
    const source = JSON.stringify(new URL("../../../src/main.ts", import.meta.url).pathname);
    expect(attempt(`console.log(require("fs").readFileSync(${source}).length > 0)`)).toBe("true");
  });

  it("is not to read anything else, to write, or to start anything", () => {
    const settings = JSON.stringify(new URL("../../../.env", import.meta.url).pathname);
    const denied = "ERR_ACCESS_DENIED";
    expect(attempt(`require("fs").readFileSync(${settings})`)).toBe(denied);
    expect(attempt('require("fs").readFileSync("/etc/passwd")')).toBe(denied);
    expect(attempt(`require("fs").readdirSync(${JSON.stringify(process.cwd())})`)).toBe(denied);
    expect(attempt('require("fs").writeFileSync("/tmp/parley-of-a-child", "")')).toBe(denied);
    expect(attempt('require("child_process").spawnSync("true")')).toBe(denied);
    expect(attempt('new (require("worker_threads").Worker)("", { eval: true })')).toBe(denied);
  });

  it("is not to reach anybody by any module of Node", () => {
    const offline = JSON.stringify(new URL("../../../src/media/child/offline.ts", import.meta.url).pathname);
    const tries = [
      'require("net").connect(1, "127.0.0.1")',
      'require("net").connect("/run/somebody.sock")',
      'require("net").createServer().listen(0)',
      'require("tls").connect(1, "127.0.0.1")',
      'await new Promise((_, no) => require("http").get("http://127.0.0.1:1").on("error", no))',
      'await fetch("http://127.0.0.1:44444").catch((error) => { throw error.cause ?? error; })',
      'require("dgram").createSocket("udp4").send("words", 1, "127.0.0.1")',
      'require("dns").lookup("localhost", () => {})',
      'await require("dns").promises.resolve("localhost")',
      'new (require("dns").Resolver)().resolve4("localhost", () => {})',
      'process.binding("tcp_wrap")',
    ];
    const each = tries.map(
      (code) => `try { ${code}; console.log("done"); } catch (error) { console.log(error.code); }`,
    );
    const program = `require(${offline}).goOffline(); (async () => { ${each.join("\n")} })().finally(() => process.exit())`;
    expect(attempt(program).split("\n")).toEqual(tries.map(() => "ERR_ACCESS_DENIED"));
  });

  it.runIf(hasNamespaces)("is not to reach anybody in any other way either: it has a network of its own", async () => {
    const { read, children } = open();
    await read(note);
    const network = (pid: number | string) => readlinkSync(`/proc/${pid}/ns/net`);
    expect(network(children()[0] ?? 0)).not.toBe(network("self"));
    const lines = readFileSync(`/proc/${children()[0]}/net/dev`, "utf8").split("\n");
    expect(lines.filter((line) => /:\s/.test(line)).map((line) => line.split(":")[0]?.trim())).toEqual(["lo"]);
    expect(/CapEff:\s+0+$/m.test(readFileSync(`/proc/${children()[0]}/status`, "utf8"))).toBe(true);
  });

  it("is not to know any setting", () => {
    expect(
      attempt("console.log(Object.keys(process.env).filter((name) => !/^(PWD|_|SHLVL|OLDPWD)$/.test(name)))"),
    ).toBe("[]");
  });
});

describe.skipIf(process.platform !== "linux")("a hostile file", () => {
  it.each([
    [
      "a stream that inflates twice",
      () => pdfOf([{ content: deflatedTwice(400), filter: "[/FlateDecode /FlateDecode]" }]),
    ],
    [
      "forms that double thirty times",
      () => {
        const form = (index: number) => {
          const content = index === 30 ? lines("again and again") : "/F Do /F Do";
          const inner = index === 30 ? "/Font << /F1 3 0 R >>" : `/XObject << /F ${5 + index} 0 R >>`;
          return `<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << ${inner} >> /Length ${content.length} >>\nstream\n${content}\nendstream`;
        };
        const objects = Array.from({ length: 31 }, (_, index) => form(index));
        return pdfOf([{ content: "/F Do" }], { objects, resources: "/XObject << /F 4 0 R >>" });
      },
    ],
  ])("costs the bot no memory: %s", async (_, make) => {
    const { read, children } = open();
    await read(note);
    const bytes = make();
    const peaks: number[] = [];
    const [pid = 0] = children();
    const before = memoryOf(process.pid).now;
    const looking = setInterval(() => peaks.push(memoryOf(pid).peak), 10);
    const reading = await read(bytes);
    clearInterval(looking);
    expect(reading).toEqual({ kind: "refused", reason: "limits" });
    // What it takes between two looks comes on top of the 600 MB at which it is killed.
    expect(Math.max(...peaks)).toBeLessThan(800);
    expect(memoryOf(process.pid).now - before).toBeLessThan(40);
    expect(await read(note)).toMatchObject({ kind: "text" });
  });
});

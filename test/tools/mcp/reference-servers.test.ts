import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "../../support/free-port.ts";
import { asker, createMcpScene, referenceServer, type SceneServer } from "../../support/mcp-scene.ts";

const cleaners: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaners.splice(0).reverse()) await clean();
});

function scene(servers: Record<string, SceneServer>) {
  const created = createMcpScene(servers);
  cleaners.push(() => created.tools.stop());
  return created;
}

/** server-everything over Streamable HTTP; resolves when it listens. */
async function everythingOverHttp(port: number) {
  const file = fileURLToPath(
    new URL("../../../node_modules/@modelcontextprotocol/server-everything/dist/index.js", import.meta.url),
  );
  const child = spawn(process.execPath, [file, "streamableHttp"], {
    env: { PATH: process.env["PATH"], PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve) => {
    const look = (chunk: Buffer) => void (chunk.toString().includes("listening") && resolve());
    child.stdout.on("data", look);
    child.stderr.on("data", look);
  });
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  cleaners.push(stop);
  return { stop };
}

describe("server-everything over stdio", () => {
  it("is used as far as its operator trusts it", async () => {
    const { tools } = scene({
      plain: { at: referenceServer("everything") },
      trusted: {
        at: referenceServer("everything"),
        trust: true,
        tools: ["get-sum", "gzip-file-as-resource", "toggle-simulated-logging"],
      },
    });
    const offered = await tools.offered(asker);
    const plain = offered.filter(({ server }) => server === "plain");
    expect(plain).toHaveLength(13);
    expect(new Set(plain.map(({ class: one, asks, carriesOut }) => `${one} ${asks} ${carriesOut}`))).toEqual(
      new Set(["never true true"]),
    );
    const trusted = offered.filter(({ server }) => server === "trusted");
    expect(trusted.map(({ name, class: one, asks, carriesOut }) => [name, one, asks, carriesOut])).toEqual([
      ["trusted_get-sum", "safe", false, false],
      ["trusted_gzip-file-as-resource", "keyed", true, true],
      ["trusted_toggle-simulated-logging", "never", true, true],
    ]);
    expect(trusted[0]?.parameters).toMatchObject({ type: "object", required: ["a", "b"] });
    expect(trusted[0]?.parameters).not.toHaveProperty("$schema");
    expect(trusted[0]?.activity({})).toEqual({ doing: "calling", name: "get-sum", server: "trusted" });
  });

  it("returns text, pictures, links and structured content once", async () => {
    const { call } = scene({ all: { at: referenceServer("everything") } });
    expect(await call("all_get-sum", { a: 2, b: 40 })).toEqual({
      text: "The sum of 2 and 40 is 42.",
      untrusted: true,
      note: "called get-sum of all",
    });
    const picture = await call("all_get-tiny-image");
    expect(picture.pictures).toEqual([{ mime: "image/png", base64: expect.stringMatching(/^iVBORw0KGgo/) }]);
    expect(picture.text).toContain("[picture 1]");
    const structured = await call("all_get-structured-content", { location: "New York" });
    expect(structured.text.match(/temperature/g)).toHaveLength(1);
    expect((await call("all_get-resource-links", { count: 2 })).text).toMatch(/\[.*: demo:\/\/resource/);
  });

  it("refuses arguments that do not fit its schema, and tells the model so", async () => {
    const { call } = scene({ all: { at: referenceServer("everything") } });
    const refused = await call("all_get-sum", { a: "two" });
    expect(refused).toMatchObject({ failed: true, untrusted: true });
    expect(refused.text).toMatch(/expected number/i);
    expect(await call("all_get-sum", "two")).toEqual({
      text: "Nothing was called: the arguments must be a JSON object, as the schema says.",
      failed: true,
    });
  });

  it("is told that a call was given up, within a second", async () => {
    const { call } = scene({ all: { at: referenceServer("everything") } });
    await call("all_get-sum", { a: 1, b: 1 });
    const stop = new AbortController();
    const long = call("all_trigger-long-running-operation", { duration: 50, steps: 100 }, stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const at = performance.now();
    stop.abort();
    await expect(long).rejects.toThrow(/abort/i);
    expect(performance.now() - at).toBeLessThan(1_000);
    expect((await call("all_get-sum", { a: 1, b: 2 })).text).toContain("3");
  });

  it("gets its own environment and nothing of ours, and never tells a secret of it", async () => {
    process.env["PARLEY_TEST_KEY"] = "key-of-the-bot-0123";
    cleaners.push(() => delete process.env["PARLEY_TEST_KEY"]);
    const servers = { all: { at: referenceServer("everything", [], { ITS_KEY: "key-of-its-own-0123" }) } };
    const created = createMcpScene(servers, { secrets: ["key-of-its-own-0123"] });
    cleaners.push(() => created.tools.stop());
    const { text } = await created.call("all_get-env");
    expect(text).toContain('"ITS_KEY": "[redacted]"');
    expect(text).not.toContain("PARLEY_TEST_KEY");
    expect(text).not.toContain("0123");
  });
});

describe("server-filesystem and server-memory", () => {
  it("read and write what they are there for", async () => {
    const folder = mkdtempSync(join(tmpdir(), "parley-mcp-files-"));
    writeFileSync(join(folder, "a.txt"), "what stands in a");
    const { call, tools } = scene({
      files: { at: referenceServer("filesystem", [folder]), trust: true },
      graph: { at: referenceServer("memory", [], { MEMORY_FILE_PATH: join(folder, "graph.json") }) },
    });
    expect((await tools.offered(asker)).filter(({ asks }) => !asks).map(({ name }) => name)).toContain(
      "files_read_text_file",
    );
    expect((await call("files_read_text_file", { path: join(folder, "a.txt") })).text).toBe("what stands in a");
    await call("files_write_file", { path: join(folder, "b.txt"), content: "new" });
    expect(readFileSync(join(folder, "b.txt"), "utf8")).toBe("new");
    const outside = await call("files_read_text_file", { path: "/etc/hostname" });
    expect(outside).toMatchObject({ failed: true, untrusted: true, text: expect.stringMatching(/denied/i) });
    await call("graph_create_entities", {
      entities: [{ name: "Ada", entityType: "person", observations: ["likes tea"] }],
    });
    expect((await call("graph_search_nodes", { query: "tea" })).text).toContain("Ada");
  });
});

describe("server-everything over Streamable HTTP", () => {
  it("is used, and again after it was restarted, which costs it all sessions", async () => {
    const port = await freePort();
    const first = await everythingOverHttp(port);
    const { call, names, tools, said } = scene({ far: { at: { url: `http://127.0.0.1:${port}/mcp`, headers: {} } } });
    expect(await names()).toHaveLength(13);
    expect((await call("far_get-sum", { a: 20, b: 22 })).text).toContain("42");
    const held = (await tools.offered(asker)).find(({ name }) => name === "far_echo");
    await first.stop();
    const second = await everythingOverHttp(port);
    // The same tool, offered before: the server knows nothing of its session any more.
    expect(held).toBeDefined();
    expect((await call("far_echo", { message: "again" })).text).toContain("again");
    expect(said.filter((line) => line.startsWith("connected"))).toHaveLength(2);
    await second.stop();
    const gone = await call("far_echo", { message: "gone" }).catch((error: Error) => error.message);
    expect(gone).toMatchObject({ failed: true, text: expect.stringMatching(/cannot be reached|has failed/) });
    expect(await names()).toEqual([]);
    expect(await tools.listed(asker)).toHaveLength(13);
    expect((await tools.listed(asker)).every(({ disabled }) => disabled === "unreachable")).toBe(true);
  });

  it("is told at once that a call was given up", async () => {
    const port = await freePort();
    await everythingOverHttp(port);
    const { call } = scene({ far: { at: { url: `http://127.0.0.1:${port}/mcp`, headers: {} } } });
    await call("far_echo", { message: "x" });
    const stop = new AbortController();
    const long = call("far_trigger-long-running-operation", { duration: 50, steps: 100 }, stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const at = performance.now();
    stop.abort();
    await expect(long).rejects.toThrow(/abort/i);
    expect(performance.now() - at).toBeLessThan(1_000);
  });
});

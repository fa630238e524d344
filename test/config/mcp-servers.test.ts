import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRedactor } from "../../src/base/redaction.ts";
import { readConfig } from "../../src/config/config.ts";
import { good, mistakes } from "../support/environments.ts";

const folder = mkdtempSync(join(tmpdir(), "parley-mcp-"));

/** A reference to the environment. */
const of = (name: string) => `\${${name}}`;

function fileOf(content: unknown): string {
  const path = join(folder, "mcp.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function serversOf(mcpServers: unknown, env: Record<string, string> = {}) {
  const config = readConfig("start", { ...good, ...env, MCP_SERVERS: fileOf({ mcpServers }) });
  return { servers: config.tools?.mcp?.servers ?? [], config };
}

function mistakesIn(mcpServers: unknown, env: Record<string, string> = {}): readonly string[] {
  return mistakes({ ...good, ...env, MCP_SERVERS: fileOf({ mcpServers }) });
}

describe("MCP_SERVERS", () => {
  it("names a file in the form of other hosts, whose values may refer to the environment", () => {
    const { servers } = serversOf(
      {
        files: {
          type: "stdio",
          command: "npx",
          args: ["-y", "a-server", `${of("ROOT")}/x`],
          env: { KEY: `k-${of("KEY")}` },
          cwd: folder,
        },
        far: {
          url: `https://${of("HOST_OF_IT")}/mcp?x=1`,
          headers: { Authorization: `Bearer ${of("KEY")}` },
          tools: ["search", "search"],
          users: [7],
          trust: true,
          groups: true,
          autoApprove: ["search"],
        },
        resting: { command: "never", disabled: true },
      },
      { ROOT: "/srv", KEY: "of-mine-1", HOST_OF_IT: "mcp.example" },
    );
    expect(servers).toEqual([
      {
        name: "files",
        at: { command: "npx", args: ["-y", "a-server", "/srv/x"], env: { KEY: "k-of-mine-1" }, cwd: folder },
        tools: undefined,
        users: undefined,
        trust: false,
        groups: false,
      },
      {
        name: "far",
        at: { url: "https://mcp.example/mcp?x=1", headers: { Authorization: "Bearer of-mine-1" } },
        tools: ["search"],
        users: [7],
        trust: true,
        groups: true,
      },
    ]);
  });

  it("has secrets in headers, in env, and in whatever is referred to", () => {
    const { config } = serversOf(
      {
        one: { command: "a", args: [`--token=${of("ARGUMENT")}`], env: { PLAIN: "env-value-1", FLAG: "true" } },
        two: {
          url: `https://a.example/${of("PART")}`,
          headers: { "x-key": "header-value-1", authorization: "Bearer bearer-value-1" },
        },
      },
      { ARGUMENT: "argument-1", PART: "path-part-1" },
    );
    const hidden = ["env-value-1", "header-value-1", "bearer-value-1", "argument-1", "path-part-1"];
    const redact = createRedactor(config.secrets);
    expect(redact(hidden.join(" "))).toBe(hidden.map(() => "[redacted]").join(" "));
    expect(config.secrets).not.toContain("true");
  });

  it("is not read where nobody answers, and offers nothing when tools are off", () => {
    const broken = fileOf("{");
    expect(mistakes({ REDIS_URL: "redis://127.0.0.1", MCP_SERVERS: broken }, "queue")).toEqual([]);
    const config = readConfig("start", { ...good, TOOLS: "off", MCP_SERVERS: fileOf({ mcpServers: {} }) });
    expect(config.tools).toBeUndefined();
  });

  it("tells all mistakes of all servers at once, each with file, server and field", () => {
    const lines = mistakesIn({
      a: { command: 7, args: "x", env: { K: 1 }, tols: ["x"] },
      b: { url: "ftp://x", headers: { host: "x", "x-k": "ä" }, trust: "yes" },
      c: { command: "a", url: "https://x" },
      d: {},
    });
    expect(lines).toEqual([
      'MCP_SERVERS (mcp.json), server "a", "tols": is not known; did you mean tools?',
      'MCP_SERVERS (mcp.json), server "a", command: must be a text in quotes',
      'MCP_SERVERS (mcp.json), server "a", args: must be a list of texts, like ["-y", "a-server"]',
      'MCP_SERVERS (mcp.json), server "a", env.K: must be a text in quotes',
      'MCP_SERVERS (mcp.json), server "b", trust: must be true or false, without quotes',
      'MCP_SERVERS (mcp.json), server "b", headers.host: is no name that can be set here; take another one',
      'MCP_SERVERS (mcp.json), server "b", headers.x-k: has no value that a header can have; copy it again',
      'MCP_SERVERS (mcp.json), server "b", url: is not the address of a server; write it like https://example.com/mcp',
      'MCP_SERVERS (mcp.json), server "c", url: belongs to a server without a command',
      'MCP_SERVERS (mcp.json), server "d", command: is missing; a server has a command, or a url',
    ]);
  });

  it.each<[unknown, RegExp]>([
    [{ "my server": { command: "a" } }, /server "my server": its name must be 1 to 40 of/],
    [{ off: { command: "a" } }, /server "off": its name must be/],
    [{ a: "npx" }, /server "a": must be an object with a command or a url/],
    [{ a: { command: "npx -y thing" } }, /command: holds more than a program; put its words into args/],
    [{ a: { command: " " } }, /command: is empty/],
    [{ a: { command: "a", cwd: "/none/at/all" } }, /cwd: names a folder that is not there/],
    [
      { a: { command: "a", args: [`${of("NOT_SET")}`] } },
      /args\[0\]: refers to \$\{NOT_SET\}, which is not set; set NOT_SET/,
    ],
    [{ a: { command: "a", args: [`${of("env:X")}`] } }, /args\[0\]: may refer to the environment only like \$\{NAME\}/],
    [{ a: { command: "a", headers: {} } }, /headers: belongs to a server without a command/],
    [{ a: { url: "https://a.example", env: {} } }, /env: belongs to a command, not to a url/],
    [{ a: { url: "https://u:hunter22@a.example" } }, /url: holds a name or password; put them into headers/],
    [{ a: { url: "https://a.example", type: "sse" } }, /type: sse is the old way over HTTP/],
    [{ a: { command: "a", tools: [] } }, /tools: is empty, so that nothing could be used/],
    [{ a: { command: "a", tools: "all" } }, /tools: must be a list of names of its tools/],
    [{ a: { command: "a", users: ["7"] } }, /users: must be a list of user ids, like \[123456789\]/],
    [{ a: { command: "a", users: [-1] } }, /users: must be a list of user ids/],
    [[], /has no object mcpServers/],
  ])("with %j is one line that says what is right", (mcpServers, line) => {
    const lines = mistakesIn(mcpServers);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^MCP_SERVERS \(mcp\.json\)/);
    expect(lines[0]).toMatch(line);
    expect(lines[0]).not.toContain("hunter22");
  });

  it("that is no JSON, or not there, or the servers themselves, is one line", () => {
    expect(mistakes({ ...good, MCP_SERVERS: fileOf('{"mcpServers": {]') })).toEqual([
      expect.stringMatching(
        /^MCP_SERVERS names a file that is not JSON in line 1, column 17; write it like \{"mcpServers"/,
      ),
    ]);
    expect(mistakes({ ...good, MCP_SERVERS: join(folder, "none.json") })).toEqual([
      "MCP_SERVERS names a file that cannot be read (ENOENT); check its path and who may read it",
    ]);
    expect(mistakes({ ...good, MCP_SERVERS: '{"mcpServers": {"a": {"headers": {"k": "s3cret-s3cret"}}}}' })).toEqual([
      "MCP_SERVERS holds JSON itself; put that into a file and name the file here, like ./mcp.json",
    ]);
  });

  it("may have many mistakes, and says how many", () => {
    const lines = mistakesIn(Object.fromEntries(Array.from({ length: 29 }, (_, n) => [`m${n}`, 1])));
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe("MCP_SERVERS (mcp.json) has 9 more mistakes");
    expect(mistakesIn(Object.fromEntries(Array.from({ length: 31 }, (_, n) => [`m${n}`, { command: "a" }])))).toEqual([
      "MCP_SERVERS (mcp.json) has 31 servers; 30 are the most",
    ]);
  });
});

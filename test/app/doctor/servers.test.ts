import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { examineServers } from "../../../src/app/doctor/servers.ts";
import { doctorConfig, short } from "../../support/doctor-scene.ts";
import { hostileServer, referenceServer } from "../../support/mcp-scene.ts";

const folder = mkdtempSync(join(tmpdir(), "parley-doctor-mcp-"));
const { signal } = new AbortController();

function configOf(mcpServers: object) {
  const path = join(folder, "mcp.json");
  writeFileSync(path, JSON.stringify({ mcpServers }));
  return doctorConfig({ MCP_SERVERS: path });
}

it("lists servers and their tools, each in a line, and says what of them cannot be used", async () => {
  const config = configOf({
    files: { ...referenceServer("filesystem", [folder]), tools: ["read_text_file", "write_file", "read_mind"] },
    bad: hostileServer(),
    gone: { command: "/none/such-server" },
    far: { url: "http://127.0.0.1:9/mcp" },
    dies: { command: process.execPath, args: ["-e", "console.error('no key is set'); process.exit(1)"] },
  });
  const found = short(await examineServers(config, false, signal));
  expect(found).toEqual([
    expect.stringMatching(/^ok MCP files: 2 tools over stdio \(\d+ ms\): read_text_file, write_file$/),
    "warn MCP files: has no tool read_mind → mend its tools in MCP_SERVERS",
    expect.stringMatching(/^ok MCP bad: 22 tools over stdio \(\d+ ms\): hang, flood, /),
    expect.stringMatching(/^warn MCP bad: a tool cannot be used: "hang" of bad stands there twice$/),
    expect.stringMatching(/^warn MCP bad: a tool cannot be used: "no-schema" of bad has no schema$/),
    expect.stringMatching(/^warn MCP bad: a tool cannot be used: "array-schema" of bad/),
    "bad MCP gone: cannot be used: its command was not found (ENOENT) → run its command by hand, and mend it in MCP_SERVERS",
    "bad MCP far: cannot be used: it cannot be reached → is its url right, does it run, and are its headers valid?",
    "bad MCP dies: cannot be used: it has ended (its last words: no key is set) → run its command by hand, and mend it in MCP_SERVERS",
  ]);
});

it("starts none where the bot runs already, and finds nothing where none is configured", async () => {
  const config = configOf({ one: { command: "/none" }, two: { url: "https://two.example/mcp" } });
  expect(short(await examineServers(config, true, signal))).toEqual([
    "ok MCP: one, two: npm run doctor starts each of them and looks",
  ]);
  expect(await examineServers(doctorConfig({}), false, signal)).toEqual([]);
});

it("gives up in time with what does not answer", async () => {
  const config = configOf({ silent: { command: process.execPath, args: ["-e", "setInterval(() => {}, 1000)"] } });
  const late = AbortSignal.timeout(500);
  expect(short(await examineServers(config, false, late))).toEqual([
    "bad MCP silent: cannot be used: no answer in time → run its command by hand, and mend it in MCP_SERVERS",
  ]);
});

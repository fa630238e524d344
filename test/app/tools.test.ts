import { describe, expect, it } from "vitest";
import { openTools } from "../../src/app/tools.ts";
import { createLogger } from "../../src/base/log.ts";
import { readConfig } from "../../src/config/config.ts";
import { good } from "../support/environments.ts";

async function namesWith(env: Record<string, string>): Promise<readonly string[] | undefined> {
  const config = readConfig("start", { ...good, ...env });
  const log = createLogger({ level: "silent", secrets: [], pretty: false });
  const tools = openTools({ config, log, alerts: { raise: () => {} } });
  const offered = await tools?.offered({ conversation: "-1:0", userId: 1, isPrivate: false });
  await tools?.stop();
  return offered?.map(({ name }) => name);
}

describe("the tools of a process", () => {
  it("are those that are configured, also in groups", async () => {
    expect(await namesWith({})).toEqual(["read_page"]);
    expect(await namesWith({ TAVILY_API_KEY: "tvly-0123456789" })).toEqual(["web_search", "read_page"]);
  });

  it("are those that TOOLS names, or none", async () => {
    expect(await namesWith({ TAVILY_API_KEY: "tvly-0123456789", TOOLS: "web_search" })).toEqual(["web_search"]);
    expect(await namesWith({ TOOLS: "off" })).toBeUndefined();
  });
});

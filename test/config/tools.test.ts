import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { good, mistakes } from "../support/environments.ts";

const tools = (env: Record<string, string>) => readConfig("start", { ...good, ...env }).tools;

describe("TOOLS", () => {
  it("is auto when it is left out: everything that is configured", () => {
    expect(tools({})).toEqual({ search: undefined });
    expect(tools({ TOOLS: "auto" })).toEqual(tools({}));
  });

  it("is off, or a list of tools and servers", () => {
    expect(tools({ TOOLS: "off", TAVILY_API_KEY: "tvly-0123456789" })).toBeUndefined();
    const key = { TAVILY_API_KEY: "tvly-0123456789" };
    expect(tools({ TOOLS: "read_page", ...key })?.search).toBeUndefined();
    expect(tools({ TOOLS: "web_search", ...key })?.search).toBeDefined();
    expect(tools({ TOOLS: "read_page, my-server read_page" })?.only).toEqual(["read_page", "my-server"]);
  });

  it("that is neither is one clear line", () => {
    const line =
      "TOOLS must be auto, off, or names of tools and servers separated by commas, like web_search,read_page; there is none in place 2; left out, it is auto";
    expect(mistakes({ ...good, TOOLS: "web_search,off" })).toEqual([line]);
    expect(mistakes({ ...good, TOOLS: "web_search;a,auto" })).toEqual([line.replace("place 2", "place 1, 2")]);
    expect(mistakes({ ...good, TOOLS: "," })).toHaveLength(1);
  });

  it("with a slip in one of our own names, or without what it needs, is a warning", () => {
    const { warnings } = readConfig("start", { ...good, TOOLS: "web-search,server" });
    expect(warnings).toEqual([expect.stringContaining("web-search, which is none of the bot's own")]);
    expect(readConfig("start", { ...good, TOOLS: "web_search" }).warnings).toEqual([
      expect.stringContaining("TAVILY_API_KEY"),
    ]);
  });

  it("is read only where questions are answered", () => {
    const web = { BOT_TOKEN: good.BOT_TOKEN, REDIS_URL: "redis://127.0.0.1", WEBHOOK_URL: "https://bot.example" };
    expect(readConfig("web", { ...web, TOOLS: "&", SEARCH_PROVIDER: "nobody" }).tools).toBeUndefined();
  });
});

describe("who searches", () => {
  it("is the first that has its key, or its address", () => {
    expect(tools({ EXA_API_KEY: "exa-0123456789", BRAVE_API_KEY: "brave-0123456789" })?.search).toEqual({
      provider: "brave",
      apiKey: "brave-0123456789",
    });
    expect(tools({ SEARXNG_URL: "http://127.0.0.1:8888/" })?.search).toEqual({
      provider: "searxng",
      url: "http://127.0.0.1:8888",
    });
  });

  it("is the one that is named, which then needs its key", () => {
    const keys = { BRAVE_API_KEY: "brave-0123456789", SERPER_API_KEY: "serper-0123456789" };
    expect(tools({ ...keys, SEARCH_PROVIDER: "serper" })?.search?.provider).toBe("serper");
    expect(mistakes({ ...good, ...keys, SEARCH_PROVIDER: "exa" })).toEqual([
      "EXA_API_KEY is missing; SEARCH_PROVIDER=exa needs it",
    ]);
    expect(mistakes({ ...good, SEARCH_PROVIDER: "google" })).toEqual([
      "SEARCH_PROVIDER must be one of tavily, brave, exa, serper, searxng",
    ]);
    expect(mistakes({ ...good, SEARCH_PROVIDER: "exa", EXA_API_KEY: "a b" })).toEqual([
      expect.stringMatching(/^EXA_API_KEY holds spaces/),
    ]);
  });

  it("keeps its key and its password out of sight", () => {
    const { secrets } = readConfig("start", { ...good, TAVILY_API_KEY: "tvly-0123456789" });
    expect(secrets).toContain("tvly-0123456789");
    const own = readConfig("start", { ...good, SEARXNG_URL: "https://me:a-password@search.example" });
    expect(own.secrets).toContain("a-password");
  });
});

import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { proxiesWithoutCredentials, readProxies } from "../../src/config/proxies.ts";
import { good, mistakes } from "../support/environments.ts";

const read = (env: Record<string, string>, direct = "") => {
  const wrong: string[] = [];
  return { proxies: readProxies(env, wrong, direct), wrong };
};

describe("proxies", () => {
  it("are read in both ways of writing, the lower case first", () => {
    expect(read({ HTTPS_PROXY: "http://a:1", HTTP_PROXY: "http://b:2", NO_PROXY: "c" }).proxies).toEqual({
      HTTPS_PROXY: "http://a:1/",
      HTTP_PROXY: "http://b:2/",
      NO_PROXY: "c",
    });
    const both = { HTTPS_PROXY: "http://a:1", https_proxy: "http://b:2", NO_PROXY: "c", no_proxy: "d" };
    expect(read(both).proxies).toEqual({ HTTPS_PROXY: "http://b:2/", NO_PROXY: "d" });
  });

  it("may be written without a scheme, over https, and with a password", () => {
    expect(read({ HTTPS_PROXY: "proxy.local:3128" }).proxies).toEqual({ HTTPS_PROXY: "http://proxy.local:3128/" });
    expect(read({ HTTPS_PROXY: "https://u:p%40ss@proxy.local" }).wrong).toEqual([]);
  });

  it.each(["socks5://p:1", "ftp://p", "http://", "http://p:99999", "http://p/path", "a b", "http://u:50%@p", "://p"])(
    "%j is none: one line that does not repeat it",
    (value) => {
      const found = mistakes({ ...good, https_proxy: value });
      expect(found).toEqual([expect.stringMatching(/^https_proxy is not a proxy; write it like/)]);
      expect(found[0]?.replace(/write it like.*/, "")).not.toContain(value);
    },
  );

  it("are none when empty, and NO_PROXY alone is nothing", () => {
    expect(readConfig("start", { ...good, HTTPS_PROXY: " ", NO_PROXY: "x" }).proxies).toBeUndefined();
  });

  it("spare the playground's own servers, and are not read by the queue's commands", () => {
    const env = { HTTP_PROXY: "http://p:1", NO_PROXY: "x" };
    expect(readConfig("playground", env).proxies?.NO_PROXY).toBe("x,127.0.0.1,localhost");
    expect(readConfig("queue", { HTTP_PROXY: "nonsense://" }).proxies).toBeUndefined();
  });

  it("keep their passwords out of every log", () => {
    const { secrets, proxies } = readConfig("start", { ...good, HTTPS_PROXY: "http://me:pass-word@p:1" });
    expect(secrets).toContain("pass-word");
    expect(proxiesWithoutCredentials(proxies ?? {})).toEqual({ https: "http://p:1" });
  });

  it("take a name without a password for a secret: tokens are written so", () => {
    const { secrets } = readConfig("start", {
      ...good,
      HTTPS_PROXY: "http://to%2Fken@p:1",
      REDIS_URL: "redis://all@r",
    });
    expect(secrets).toEqual(expect.arrayContaining(["to%2Fken", "to/ken"]));
    expect(secrets).not.toContain("all");
    expect(readConfig("start", { ...good, HTTPS_PROXY: "http://me:pass-word@p:1" }).secrets).not.toContain("me");
  });
});

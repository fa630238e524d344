import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { good, mistakes, token } from "../support/environments.ts";

const relay = { BOT_TOKEN: token, MODELS: "my.gate/m", MY_GATE_BASE_URL: "http://10.0.0.1/v1" };
const read = (headers: string, more: Record<string, string> = {}) =>
  readConfig("start", { ...relay, MY_GATE_HEADERS: headers, ...more });

describe("<PROVIDER>_HEADERS", () => {
  it("is read header by header; a value may hold colons and blanks, and the last semicolon nothing", () => {
    const { models } = read(" X-Team: chat of ann;x-route: http://a:1/b ; ;authorization:Basic YWJj;");
    expect(models.providers[0]?.headers).toEqual({
      "x-team": "chat of ann",
      "x-route": "http://a:1/b",
      authorization: "Basic YWJj",
    });
    expect(read("").models.providers[0]?.headers).toBeUndefined();
  });

  it("has one line for each mistake, which names the place and never the value", () => {
    const lines = mistakes({
      ...relay,
      MY_GATE_HEADERS: "top-secret-1; x y: top-secret-2; x-a:; Host: top-secret-3; x-b: töp-secret; x-c: 1; X-C: 2",
    });
    expect(lines).toEqual([
      expect.stringMatching(/^MY_GATE_HEADERS has no header with a name and a colon in place 1; write it like /),
      expect.stringMatching(/^MY_GATE_HEADERS has no header with a name and a colon in place 2; /),
      expect.stringMatching(/^MY_GATE_HEADERS has a header without a value in place 3; /),
      expect.stringMatching(/^MY_GATE_HEADERS has a header that Parley sets itself in place 4; /),
      expect.stringMatching(/^MY_GATE_HEADERS has characters that no header can have in place 5; /),
      expect.stringMatching(/^MY_GATE_HEADERS has a header for the second time in place 7; /),
    ]);
    expect(lines.join("\n")).not.toMatch(/secret/);
  });

  it("holds secrets, also behind a scheme; names of providers and shorter words are none", () => {
    const { secrets } = read(
      "x-key: a-long-value; authorization: Basic YWJjZGVmZ2g=; x-portkey-provider: openai; x-on: true",
    );
    expect(secrets).toEqual(expect.arrayContaining(["a-long-value", "Basic YWJjZGVmZ2g=", "YWJjZGVmZ2g="]));
    expect(secrets).not.toContain("openai");
    expect(secrets).not.toContain("true");
  });

  it("may carry the key of a hosted provider", () => {
    const env = { BOT_TOKEN: token, MODELS: "openai/m", OPENAI_BASE_URL: "http://10.0.0.1/v1" };
    expect(mistakes(env)).toEqual([expect.stringMatching(/^OPENAI_API_KEY is missing/)]);
    expect(mistakes({ ...env, OPENAI_HEADERS: "x-team: chat" })).toHaveLength(1);
    expect(mistakes({ ...env, OPENAI_HEADERS: "Authorization: Basic YWJj" })).toEqual([]);
  });

  it("is looked for under a slightly wrong name", () => {
    expect(readConfig("start", { ...good, OPENAI_HEADER: "x-a: b" }).warnings).toEqual([
      "OPENAI_HEADER is not read by Parley; did you mean OPENAI_HEADERS?",
    ]);
  });
});

describe("Azure OpenAI", () => {
  const env = { BOT_TOKEN: token, MODELS: "azure/my-deployment", AZURE_API_KEY: "k-azure-0123456789" };
  const base = (url: string) => readConfig("start", { ...env, AZURE_BASE_URL: url });

  it("needs the address of its account, and sends its key in a header of its own", () => {
    expect(mistakes(env)).toEqual([
      expect.stringMatching(/^AZURE_BASE_URL is missing; MODELS names azure, .*openai\/v1$/),
    ]);
    const { models, warnings, secrets } = base("https://ours.openai.azure.com/openai/v1/");
    expect(models.providers).toEqual([
      {
        name: "azure",
        baseUrl: "https://ours.openai.azure.com/openai/v1",
        apiKey: env.AZURE_API_KEY,
        keyHeader: "api-key",
      },
    ]);
    expect(warnings).toEqual([]);
    expect(secrets).toContain(env.AZURE_API_KEY);
  });

  it.each([
    "https://ours.openai.azure.com",
    "https://ours.openai.azure.com/openai/deployments/my-deployment/chat/completions",
  ])("is asked at its v1 where %s is given", (url) => {
    const { models, warnings } = base(url);
    expect(models.providers[0]?.baseUrl).toBe("https://ours.openai.azure.com/openai/v1");
    expect(warnings).toHaveLength(1);
  });

  it("stands behind any other address as it is given", () => {
    expect(base("https://gateway.example.com/azure").models.providers[0]?.baseUrl).toBe(
      "https://gateway.example.com/azure",
    );
  });

  it("is chosen by nobody who has only its key: deployments have names of their own", () => {
    expect(mistakes({ BOT_TOKEN: token, AZURE_API_KEY: "k" })).toEqual([expect.stringMatching(/^MODELS is missing/)]);
  });
});

it("knows the public addresses of the hosted providers", () => {
  const names = ["holysheep", "moonshot", "qwen", "zai", "perplexity", "cerebras"];
  const keys = Object.fromEntries(names.map((name) => [`${name.toUpperCase()}_API_KEY`, "k-0123456789"]));
  const { models } = readConfig("start", { BOT_TOKEN: token, ...keys });
  expect(models.names.map((name) => name.split("/")[0])).toEqual(names);
  expect(models.providers.map(({ baseUrl }) => baseUrl)).toEqual([
    "https://api.holysheep.ai/v1",
    "https://api.moonshot.ai/v1",
    "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "https://api.z.ai/api/paas/v4",
    "https://api.perplexity.ai",
    "https://api.cerebras.ai/v1",
  ]);
});

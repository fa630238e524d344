import { readFileSync } from "node:fs";
import { parse } from "dotenv";
import { describe, expect, it } from "vitest";
import { type RunMode, readConfig } from "../../src/config/config.ts";
import { defaults, environmentFields } from "../../src/config/environment.ts";
import { modelsAsked } from "../../src/config/models-asked.ts";
import { providerPresets } from "../../src/config/providers.ts";
import { good, mistakes, token } from "../support/environments.ts";

describe("a configuration", () => {
  it("needs a token and one key, and takes defaults for everything else", () => {
    const config = readConfig("start", good);
    expect(config).toMatchObject({
      mode: "start",
      telegram: { token, apiRoot: "https://api.telegram.org" },
      http: { host: "127.0.0.1", port: 8080 },
      dataDir: "./data",
      models: {
        names: ["openai/gpt-6-luna"],
        fallbacks: [],
        providers: [{ name: "openai", baseUrl: "https://api.openai.com/v1", apiKey: good.OPENAI_API_KEY }],
      },
      rateLimit: { messages: 10, windowSeconds: 60, burst: 5 },
      streamMode: "edit",
      logLevel: "info",
    });
    expect(config.telegram.webhook).toBeUndefined();
    expect(config.concurrency).toBeGreaterThanOrEqual(3000);
  });

  it("is frozen to its depth", () => {
    const config = readConfig("start", good);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.models.providers[0])).toBe(true);
  });

  it("takes an empty or blank variable for one that is left out", () => {
    expect(readConfig("start", { ...good, PORT: "", WEBHOOK_URL: "  ", MODELS: "" })).toEqual(
      readConfig("start", good),
    );
  });

  it("rounds the burst up from half the limit, and keeps one that is given", () => {
    expect(readConfig("start", { ...good, RATE_LIMIT_MESSAGES: "7" }).rateLimit.burst).toBe(4);
    expect(readConfig("start", { ...good, RATE_LIMIT_BURST: "2" }).rateLimit.burst).toBe(2);
  });

  it("reads ids separated by commas and spaces", () => {
    const { access } = readConfig("start", { ...good, ALLOWED_USER_IDS: "1, 22 333,", ADMIN_USER_IDS: "7" });
    const web = { BOT_TOKEN: token, REDIS_URL: "redis://127.0.0.1", WEBHOOK_URL: "https://bot.example" };
    // Who hears that the webhook fails.
    expect(readConfig("web", { ...web, ADMIN_USER_IDS: "7" }).access.admins).toEqual(access.admins);
    expect([...access.allowed]).toEqual([1, 22, 333]);
    expect([...access.admins]).toEqual([7]);
  });
});

describe("Redis", () => {
  const url = "rediss://user:pass%2Fword@[::1]:6380/2";

  it("is read with its prefix, and its password is a secret in both its forms", () => {
    const config = readConfig("start", { ...good, REDIS_URL: url, ADMIN_TOKEN: "an-admin-token-of-24-chars" });
    expect(config.redis).toEqual({ url, prefix: "parley" });
    expect(config.secrets).toEqual(expect.arrayContaining(["pass%2Fword", "pass/word", "an-admin-token-of-24-chars"]));
    expect(readConfig("start", { ...good, REDIS_URL: url, REDIS_PREFIX: "two" }).redis?.prefix).toBe("two");
    expect(readConfig("start", good).redis).toBeUndefined();
  });

  it("keeps its password out of sight also as it was written, where a URL would write it anew", () => {
    const { secrets } = readConfig("start", { ...good, REDIS_URL: "redis://:pass|word%25@localhost" });
    expect(secrets).toEqual(expect.arrayContaining(["pass|word%25", "pass%7Cword%25", "pass|word%"]));
  });

  it.each(["redis://localhost", "redis://:secret@127.0.0.1:6379", "rediss://user:se%40cret@[2001:db8::1]:6380/15"])(
    "may stand at %s, for one process as for many",
    (address) => {
      for (const mode of ["start", "dev", "worker"] as const)
        expect(readConfig(mode, { ...good, REDIS_URL: address }).redis?.url).toBe(address);
    },
  );

  it("lets a web process do without models, and nobody else", () => {
    const env = { BOT_TOKEN: good.BOT_TOKEN, REDIS_URL: url, WEBHOOK_URL: "https://example.com" };
    expect(readConfig("web", { ...env, MODELS: "nobody/knows" }).models).toMatchObject({ names: [], providers: [] });
    expect(mistakes(env, "worker")).toEqual([expect.stringContaining("MODELS")]);
  });

  it("lets a web process and an operator's command start whatever is wrong with what they have no use for", () => {
    const lists = { MODELS: "nonsense", FALLBACK_MODELS: "nonsense", SUMMARY_MODEL: "nonsense" };
    const models = { ...lists, MODEL_MAX_TOKENS: "x", MODEL_TEMPERATURE: "hot" };
    const webhook = { WEBHOOK_URL: "http://example.com:1", WEBHOOK_SECRET: "white space" };
    const env = { BOT_TOKEN: token, REDIS_URL: url, OPENAI_API_KEY: "two words" };
    expect(mistakes({ ...env, ...models, WEBHOOK_URL: "https://example.com" }, "web")).toEqual([]);
    const config = readConfig("queue", { ...env, ...models, ...webhook });
    expect(config.models).toMatchObject({ names: [], fallbacks: [], providers: [] });
    expect(config.telegram.webhook).toBeUndefined();
    expect(readConfig("queue", {}).redis).toBeUndefined();
    expect(
      mistakes({ BOT_TOKEN: "nonsense", HOST: "a b", PORT: "x", ADMIN_TOKEN: "x", CONCURRENCY: "x" }, "queue"),
    ).toEqual([]);
    expect(mistakes({ REDIS_URL: "x", REDIS_PREFIX: "a:b", LOG_LEVEL: "loud" }, "queue")).toHaveLength(3);
  });
});

describe("models", () => {
  it("default to the default model of every provider with a key, in the order of the table", () => {
    const config = readConfig("start", { ...good, DEEPSEEK_API_KEY: "k-deepseek", ANTHROPIC_API_KEY: "k-anthropic" });
    expect(config.models.names).toEqual([
      "openai/gpt-6-luna",
      "anthropic/claude-haiku-4-5",
      "deepseek/deepseek-v4-flash",
    ]);
    expect(config.models.providers.map(({ name }) => name)).toEqual(["openai", "anthropic", "deepseek"]);
  });

  it("keep what follows the first slash, and stand in the list once", () => {
    const { models } = readConfig("start", {
      BOT_TOKEN: token,
      MODELS: "groq/openai/gpt-oss-120b, ollama/llama3.2:3b,groq/openai/gpt-oss-120b",
      GROQ_API_KEY: "k-groq",
    });
    expect(models.names).toEqual(["groq/openai/gpt-oss-120b", "ollama/llama3.2:3b"]);
    expect(models.providers).toEqual([
      { name: "groq", baseUrl: "https://api.groq.com/openai/v1", apiKey: "k-groq" },
      { name: "ollama", baseUrl: "http://127.0.0.1:11434/v1", concurrency: 4 },
    ]);
  });

  it("may have others behind them, which need their settings too", () => {
    const { models } = readConfig("start", {
      BOT_TOKEN: token,
      MODELS: "groq/x>mine/y, mine/z,groq/x > mine/y  groq/w> groq/w>ollama/v",
      FALLBACK_MODELS: "mine/y,ollama/v,mine/y",
      GROQ_API_KEY: "k-groq",
      MINE_BASE_URL: "http://127.0.0.1:9/v1",
    });
    expect(models.names).toEqual(["groq/x", "mine/z", "groq/w"]);
    expect(models.chains).toEqual({
      "groq/x": [{ model: "groq/x" }, { model: "mine/y" }],
      "mine/z": [{ model: "mine/z" }],
      "groq/w": [{ model: "groq/w" }, { model: "ollama/v" }],
    });
    expect(models.fallbacks).toEqual([{ model: "mine/y" }, { model: "ollama/v" }]);
    expect(models.providers.map(({ name }) => name)).toEqual(["groq", "mine", "ollama"]);
    expect(mistakes({ BOT_TOKEN: token, MODELS: "ollama/x>groq/y" })).toEqual([
      expect.stringMatching(/^GROQ_API_KEY is missing; MODELS names groq/),
    ]);
  });

  it("may leave the choice to auto, which has two chains of its own", () => {
    const env = {
      ...good,
      MODELS: "auto,openai/x",
      AUTO_CHEAP: "openai/x@low>groq/y",
      AUTO_STRONG: "mine/z@high",
      GROQ_API_KEY: "k-groq",
      MINE_BASE_URL: "http://127.0.0.1:9/v1",
    };
    const config = readConfig("start", env);
    expect(config.models).toMatchObject({
      names: ["auto", "openai/x"],
      chains: { "openai/x": [{ model: "openai/x" }] },
      auto: {
        cheap: [{ model: "openai/x", effort: "low" }, { model: "groq/y" }],
        strong: [{ model: "mine/z", effort: "high" }],
      },
    });
    expect(config.models.providers.map(({ name }) => name)).toEqual(["openai", "groq", "mine"]);
    expect(modelsAsked(config)).toEqual(["openai/x", "groq/y", "mine/z"]);
    expect(readConfig("start", { ...env, MODELS: "auto" }).models.names).toEqual(["auto"]);
    expect(mistakes({ ...env, GROQ_API_KEY: "" })).toEqual([
      expect.stringMatching(/^GROQ_API_KEY is missing; AUTO_CHEAP names groq/),
    ]);
    expect(readConfig("start", { ...env, MODELS: "openai/x" })).toMatchObject({
      models: { auto: undefined },
      warnings: ["CHEAP", "STRONG"].map((tier) => `AUTO_${tier} does nothing: MODELS does not name auto`),
    });
  });

  it.each([
    ["", "", /^AUTO_CHEAP and AUTO_STRONG are missing; MODELS names auto, which needs /],
    ["openai/x", "", /^AUTO_STRONG is missing; MODELS names auto, which needs a model for hard questions/],
    ["", "openai/x", /^AUTO_CHEAP is missing; /],
    ["openai/x,openai/y", "openai/x", /^AUTO_CHEAP must be one provider\/model/],
    ["openai/x", "auto", /^AUTO_STRONG must be one provider\/model/],
    ["openai/x", "strong", /^AUTO_STRONG has no provider\/model in place 1/],
  ])("of auto between %j and %j: the mistake is one line that names the variable", (cheap, strong, line) => {
    const env = { ...good, MODELS: "auto,openai/x", AUTO_CHEAP: cheap, AUTO_STRONG: strong };
    expect(mistakes(env)).toEqual([expect.stringMatching(line)]);
  });

  it("have auto neither behind another model nor before one, nor with an effort", () => {
    const env = { ...good, AUTO_CHEAP: "openai/x", AUTO_STRONG: "openai/y" };
    const [line] = mistakes({ ...env, MODELS: "auto>openai/x,openai/x>auto,auto@low" });
    expect(line).toMatch(/^MODELS has auto with another word in place 1, 2, 3; it stands alone/);
    expect(mistakes({ ...env, MODELS: "auto", FALLBACK_MODELS: "auto" })).toEqual([
      expect.stringMatching(/^FALLBACK_MODELS has no provider\/model in place 1/),
    ]);
  });

  it.each([
    [
      "MODELS",
      "ollama/x,ollama/y>,>ollama/z",
      /^MODELS has no provider\/model in place 2 \(behind its >\), 3; write it/,
    ],
    ["MODELS", "ollama/x>llama,ollama/y", /^MODELS has no provider\/model in place 1 \(behind its >\); write it/],
    [
      "MODELS",
      "ollama/x,ollama/y,ollama/x>ollama/y",
      /^MODELS has the same model in places 1 and 3, but not the same behind it; write it once$/,
    ],
    ["FALLBACK_MODELS", "ollama/y,ollama/x>ollama/z", /^FALLBACK_MODELS has a > in place 2, where .*; write a comma/],
    ["SUMMARY_MODEL", "nonsense", /^SUMMARY_MODEL must be one model, like .*, or off$/],
    ["SUMMARY_MODEL", "ollama/x,ollama/y", /^SUMMARY_MODEL must be one model/],
    [
      "NEW_TOPIC_AFTER_MINUTES",
      "soon",
      /^NEW_TOPIC_AFTER_MINUTES must be a whole number from 0 to 525600 \(minutes\); left/,
    ],
    ["FALLBACK_MODELS", "nonsense", /^FALLBACK_MODELS has no provider\/model in place 1; write it/],
    ["ANSWER_CACHE", "on", /^ANSWER_CACHE must be off, chat or shared; left out, it is off$/],
    [
      "ANSWER_CACHE_HOURS",
      "0",
      /^ANSWER_CACHE_HOURS must be a whole number from 1 to 8760 \(hours\); left out, it is 24$/,
    ],
  ])("of a %s that is %s: the mistake names its place", (name, value, line) => {
    expect(mistakes({ BOT_TOKEN: token, MODELS: "ollama/x", [name]: value })).toEqual([expect.stringMatching(line)]);
  });

  it("give answers again only where that was asked for", () => {
    const cache = (env: object) => readConfig("start", { ...good, ...env }).answerCache;
    expect([cache({}), cache({ ANSWER_CACHE: "off", ANSWER_CACHE_HOURS: "1" })]).toEqual([undefined, undefined]);
    expect(cache({ ANSWER_CACHE: "chat" })).toEqual({ shared: false, keepMs: 24 * 3_600_000 });
    expect(cache({ ANSWER_CACHE: "shared", ANSWER_CACHE_HOURS: "2" })).toEqual({ shared: true, keepMs: 7_200_000 });
  });

  it("need the key of a hosted provider behind another address too, and when it is only a fallback", () => {
    const env = { ...good, MODELS: "openai/x", FALLBACK_MODELS: "groq/y", GROQ_BASE_URL: "http://127.0.0.1:9/v1" };
    expect(mistakes(env)).toEqual([expect.stringMatching(/^GROQ_API_KEY is missing; FALLBACK_MODELS/)]);
    const summary = { ...good, MODELS: "openai/x", SUMMARY_MODEL: "groq/y" };
    expect(mistakes(summary)).toEqual([expect.stringMatching(/^GROQ_API_KEY is missing; SUMMARY_MODEL/)]);
    expect(readConfig("start", { ...good, SUMMARY_MODEL: "ollama/y" })).toMatchObject({
      summaryModel: "ollama/y",
      newTopicAfterMs: 240 * 60_000,
    });
    expect(readConfig("start", { ...good, SUMMARY_MODEL: "off" }).summaryModel).toBe("off");
    expect(mistakes({ ...env, GROQ_API_KEY: "k" })).toEqual([]);
  });

  it("that hear, speak and draw are chains of their own, and need their keys", () => {
    const env = { ...good, TRANSCRIBE_MODEL: "mine/a>groq/b", SPEAK_MODEL: "mine/c", IMAGE_MODEL: "mine/d" };
    expect(mistakes({ ...env, MINE_BASE_URL: "http://h/v1" })).toEqual([
      expect.stringMatching(/^GROQ_API_KEY is missing; TRANSCRIBE_MODEL/),
    ]);
    const { models } = readConfig("start", {
      ...env,
      MINE_BASE_URL: "http://h/v1",
      GROQ_API_KEY: "k",
      SPEAK_VOICE: "Ada",
    });
    expect(models.media).toEqual({ hears: ["mine/a", "groq/b"], speaks: ["mine/c"], draws: ["mine/d"], voice: "Ada" });
    expect(models.providers.map(({ name }) => name)).toEqual(["openai", "groq", "mine"]);
    const line = (name: string) =>
      mistakes({ ...good, [name]: "openai/x@low" }).concat(mistakes({ ...good, [name]: "openai/x,openai/y" }));
    for (const name of ["TRANSCRIBE_MODEL", "SPEAK_MODEL", "IMAGE_MODEL"]) {
      const expected = expect.stringMatching(
        new RegExp(`^${name} must be one provider/model, like openai/.*; or off$`),
      );
      expect(line(name)).toEqual([expected, expected]);
    }
  });

  it.each([
    ["the first that has a key", { GROQ_API_KEY: "k", MISTRAL_API_KEY: "k" }, "groq/whisper-large-v3-turbo"],
    [
      "one whose address is its own",
      { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "http://h/v1", MISTRAL_API_KEY: "k" },
      "mistral/voxtral-mini-latest",
    ],
    ["OpenAI's before all others", { OPENAI_API_KEY: "k", GROQ_API_KEY: "k" }, "openai/gpt-4o-mini-transcribe"],
    ["nobody where nobody can", { DEEPSEEK_API_KEY: "k" }, undefined],
    ["nobody where that is wanted", { OPENAI_API_KEY: "k", TRANSCRIBE_MODEL: "off" }, undefined],
  ])("hear by %s, where nobody was named", (_, env, model) => {
    const { media, providers } = readConfig("start", { BOT_TOKEN: token, MODELS: "ollama/x", ...env }).models;
    expect(media?.hears[0]).toBe(model);
    const named = model === undefined ? [] : [model.slice(0, model.indexOf("/"))];
    expect(providers.map(({ name }) => name)).toEqual(["ollama", ...named]);
  });

  it("of an unknown provider need its base URL and no key", () => {
    const env = { BOT_TOKEN: token, MODELS: "my.own-box/m" };
    expect(mistakes(env)).toEqual([expect.stringMatching(/^MY_OWN_BOX_BASE_URL is missing/)]);
    expect(readConfig("start", { ...env, MY_OWN_BOX_BASE_URL: "http://10.0.0.1/v1/" }).models.providers).toEqual([
      { name: "my.own-box", baseUrl: "http://10.0.0.1/v1" },
    ]);
  });

  it("take address, key and cap from the provider's own variables", () => {
    const { models } = readConfig("start", {
      BOT_TOKEN: token,
      MODELS: "llama.cpp/any",
      LLAMA_CPP_BASE_URL: "http://gpu:8080/v1",
      LLAMA_CPP_API_KEY: "key-of-my-box",
      LLAMA_CPP_CONCURRENCY: "9",
    });
    expect(models.providers).toEqual([
      { name: "llama.cpp", baseUrl: "http://gpu:8080/v1", apiKey: "key-of-my-box", concurrency: 9 },
    ]);
  });

  it("may be missing in the playground alone, where nothing about Telegram or Redis is read", () => {
    const telegram = { BOT_TOKEN: "x", TELEGRAM_API_ROOT: "x", WEBHOOK_URL: "x", WEBHOOK_SECRET: "x x" };
    const redis = { REDIS_URL: "x", REDIS_PREFIX: "a:b", ADMIN_TOKEN: "x" };
    const config = readConfig("playground", { ...telegram, ...redis });
    expect(config.models).toEqual({ names: [], chains: {}, fallbacks: [], providers: [] });
    expect(config.telegram.token).toBe("");
    expect(config.redis).toBeUndefined();
    expect(config.adminToken).toBeUndefined();
    expect(mistakes({ MODELS: "openai/x" }, "playground")).toEqual([expect.stringContaining("OPENAI_API_KEY")]);
  });
});

describe("the HTTP listener", () => {
  const webhook = { WEBHOOK_URL: "https://example.com" };
  const redis = { REDIS_URL: "redis://localhost" };
  const http = (env: Record<string, string>, mode: RunMode = "start") => readConfig(mode, { ...good, ...env }).http;

  it("is reached from this machine only, unless a webhook, a HOST or a PORT asks for more", () => {
    expect(http({})).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(http(webhook).host).toBe("0.0.0.0");
    expect(http({ ...webhook, ...redis }, "web").host).toBe("0.0.0.0");
    // These do not take the deliveries of the webhook.
    expect(http(webhook, "dev").host).toBe("127.0.0.1");
    expect(http({ ...webhook, ...redis }, "worker").host).toBe("127.0.0.1");
    expect(http({ PORT: "8080" })).toEqual({ host: "0.0.0.0", port: 8080 });
    expect(http({ PORT: "", METRICS_PORT: "9090" }).host).toBe("127.0.0.1");
    expect(http({ HOST: "10.0.0.7", PORT: "1" }).host).toBe("10.0.0.7");
    expect(http({ HOST: "127.0.0.1", ...webhook }).host).toBe("127.0.0.1");
  });

  it("has the metrics at a port and behind a token of their own when they are set", () => {
    const metricsToken = "a-metrics-token-of-28-chars";
    const config = readConfig("start", { ...good, METRICS_PORT: "9090", METRICS_TOKEN: metricsToken });
    expect(config.http).toMatchObject({ metricsPort: 9090, metricsToken });
    expect(config.secrets).toContain(metricsToken);
    expect(mistakes({ ...good, METRICS_PORT: "70000", METRICS_TOKEN: "short" })).toEqual([
      expect.stringMatching(/^METRICS_PORT must be a whole number/),
      expect.stringMatching(/^METRICS_TOKEN must be 16 to 256 characters.*\/metrics is open/),
    ]);
    expect(mistakes({ ...good, METRICS_PORT: "8080" })).toEqual([
      expect.stringMatching(/^METRICS_PORT is that of PORT/),
    ]);
    expect(mistakes({ ...good, METRICS_PORT: "0", PORT: "0" })).toEqual([]);
  });
});

describe("the webhook", () => {
  const webhook = (env: Record<string, string>) => readConfig("start", { ...good, ...env }).telegram.webhook;

  it("keeps its path, and derives a secret that the token decides", () => {
    const first = webhook({ WEBHOOK_URL: "https://example.com/bots/one/" });
    expect(first?.url).toBe("https://example.com/bots/one");
    expect(first?.secret).toMatch(/^[A-Za-z0-9_-]{32,256}$/);
    expect(webhook({ WEBHOOK_URL: "https://example.com" })?.secret).toBe(first?.secret);
    expect(webhook({ WEBHOOK_URL: "https://example.com", BOT_TOKEN: `${token}x` })?.secret).not.toBe(first?.secret);
  });

  it("may be plain http only beside a Bot API of one's own", () => {
    expect(mistakes({ ...good, WEBHOOK_URL: "http://example.com" })).toEqual([
      expect.stringMatching(/^WEBHOOK_URL .*https/),
    ]);
    const own = { WEBHOOK_URL: "http://127.0.0.1:8080", TELEGRAM_API_ROOT: "http://127.0.0.1:8081/" };
    expect(webhook(own)?.url).toBe("http://127.0.0.1:8080");
    expect(readConfig("start", { ...good, ...own }).telegram.apiRoot).toBe("http://127.0.0.1:8081");
  });

  it("may use only ports that Telegram delivers to", () => {
    expect(mistakes({ ...good, WEBHOOK_URL: "https://example.com:8443" })).toEqual([]);
    expect(mistakes({ ...good, WEBHOOK_URL: "https://example.com:3000" })).toEqual([expect.stringContaining("8443")]);
  });
});

describe("SYSTEM_PROMPT", () => {
  it("set and empty means no persona, left out the usual one: the one exception to empty counts as left out", () => {
    expect(readConfig("start", { ...good, SYSTEM_PROMPT: "" }).systemPrompt).toBe("");
    expect(readConfig("start", { ...good, SYSTEM_PROMPT: "  " }).systemPrompt).toBe("");
    expect(readConfig("start", good).systemPrompt).toBe(defaults.SYSTEM_PROMPT);
    const example = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
    expect(example.match(/^.*SYSTEM_PROMPT.*$/gm)).toEqual([
      expect.stringMatching(/counts as left out, except SYSTEM_PROMPT\.$/),
      expect.stringContaining("Set and empty (SYSTEM_PROMPT=), there is none"),
      expect.stringMatching(/^# SYSTEM_PROMPT="You are/),
    ]);
    expect(
      readConfig("start", parse(`BOT_TOKEN=${good.BOT_TOKEN}\nOPENAI_API_KEY=x\nSYSTEM_PROMPT=\n`)).systemPrompt,
    ).toBe("");
  });
});

describe("a base URL", () => {
  const read = (name: string, url: string) => {
    const env = { BOT_TOKEN: good.BOT_TOKEN, MODELS: `${name}/m`, [`${name.toUpperCase()}_BASE_URL`]: url };
    const { models, warnings } = readConfig("start", env);
    return { url: models.providers[0]?.baseUrl, warnings };
  };

  it.each([
    ["mine", "http://h/v1/chat/completions", "http://h/v1"],
    ["mine", "http://h/v1/chat/completions/", "http://h/v1"],
    ["mine", "http://h/v1/completions", "http://h/v1"],
    ["mine", "http://h/api/Chat/Completions", "http://h/api"],
    ["mine", "https://h/chat/completions", "https://h"],
    ["mine", "http://h/v1/chat", "http://h/v1"],
    ["mine", "http://h/v1/models", "http://h/v1"],
    ["mine", "http://h/v1/v1", "http://h/v1"],
    ["mine", "http://h/v1/v1/chat/completions", "http://h/v1"],
    ["ollama", "http://h:11434", "http://h:11434/v1"],
    ["vllm", "http://h:8000/", "http://h:8000/v1"],
  ])("%s at %s is mended to %s, with a warning that names the variable and not the value", (name, given, mended) => {
    const { url, warnings } = read(name, given);
    expect(url).toBe(mended);
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`^${name.toUpperCase()}_BASE_URL `))]);
    expect(warnings[0]).not.toContain("http:");
  });

  it.each([
    ["mine", "http://h"],
    ["mine", "http://h/v1"],
    ["mine", "http://h/openai/deployments/completions-x"],
    ["ollama", "http://h:11434/v1"],
    ["ollama", "http://h/ollama"],
  ])("%s at %s is left as it is", (name, given) => {
    expect(read(name, given)).toEqual({ url: given, warnings: [] });
  });
});

describe(".env.example", () => {
  const text = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
  const shown = parse(text.replaceAll(/^# ?([A-Z][A-Z_]*=)/gm, "$1"));
  const capitals = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
  const ofPresets = providerPresets.flatMap(({ name, local, baseUrl }) => [
    // An address where it is one of your own.
    ...(local || baseUrl === undefined ? [[`${capitals(name)}_BASE_URL`, baseUrl ?? ""]] : []),
    ...(local ? [] : [[`${capitals(name)}_API_KEY`, ""]]),
  ]);

  it("shows every variable with its default, and no other", () => {
    const ofSchema = [...Object.keys(environmentFields), "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"].map((name) => [
      name,
      "",
    ]);
    expect(shown).toEqual(Object.fromEntries([...ofSchema, ...Object.entries(defaults), ...ofPresets]));
  });

  it("explains each variable above it", () => {
    for (const block of text.split("\n\n").filter((one) => /^(# )?[A-Z][A-Z_]*=/m.test(one))) {
      expect(block).toMatch(/^# [A-Za-z<].*[a-z]/);
    }
    for (const suffix of ["API_KEY", "BASE_URL", "CONCURRENCY"]) expect(text).toContain(`<PROVIDER>_${suffix}`);
  });

  it("is, with a token and a key filled in, a configuration that works", () => {
    expect(readConfig("start", { ...parse(text), ...good })).toEqual(readConfig("start", good));
    // A port that is set is one to be reached at.
    const { http, ...rest } = readConfig("start", { ...shown, ...good });
    expect({ http: { ...http, host: "127.0.0.1" }, ...rest }).toEqual(readConfig("start", good));
  });
});

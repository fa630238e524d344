import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { environmentFields } from "../../src/config/environment.ts";
import { good, mistakes, token } from "../support/environments.ts";

describe("mistakes", () => {
  it("are reported all at once, one line each, by the variable's name", () => {
    const lines = mistakes({
      BOT_TOKEN: "nonsense",
      TELEGRAM_API_ROOT: "ftp://example.com",
      WEBHOOK_SECRET: "white space",
      PORT: "65536",
      HOST: "http://x",
      REDIS_URL: "localhost",
      MODELS: "openai,foo/bar,Groq/x",
      FALLBACK_MODELS: "mistral/small",
      MODEL_MAX_TOKENS: "0",
      MODEL_TEMPERATURE: "2.5",
      HISTORY_MAX_TOKENS: "many",
      HISTORY_MAX_MESSAGES: "-1",
      HISTORY_TTL_SECONDS: "0",
      RATE_LIMIT_MESSAGES: "0",
      RATE_LIMIT_WINDOW_SECONDS: "1.5",
      RATE_LIMIT_BURST: "0",
      ALLOWED_USER_IDS: "1,@ann",
      ADMIN_USER_IDS: "-100123",
      STREAM_MODE: "stream",
      CONCURRENCY: "1e3",
      LOG_LEVEL: "loud",
      LOG_FORMAT: "fancy",
      METRICS_PORT: "-1",
      METRICS_TOKEN: "white space and more",
      FOO_API_KEY: "two words",
      FOO_CONCURRENCY: "0",
    });
    for (const line of lines) expect(line).not.toContain("\n");
    const named = lines.map((line) => line.split(" ")[0]);
    expect(named.toSorted()).toEqual(
      [
        ...["BOT_TOKEN", "TELEGRAM_API_ROOT", "WEBHOOK_SECRET", "PORT", "HOST", "REDIS_URL", "MODELS", "MODELS"],
        ...[
          "MODEL_MAX_TOKENS",
          "MODEL_TEMPERATURE",
          "HISTORY_MAX_TOKENS",
          "HISTORY_MAX_MESSAGES",
          "HISTORY_TTL_SECONDS",
        ],
        ...[
          "RATE_LIMIT_MESSAGES",
          "RATE_LIMIT_WINDOW_SECONDS",
          "RATE_LIMIT_BURST",
          "ALLOWED_USER_IDS",
          "ADMIN_USER_IDS",
        ],
        ...[
          "STREAM_MODE",
          "CONCURRENCY",
          "LOG_LEVEL",
          "LOG_FORMAT",
          "METRICS_PORT",
          "METRICS_TOKEN",
          "FOO_API_KEY",
          "FOO_CONCURRENCY",
          "FOO_BASE_URL",
          "MISTRAL_API_KEY",
        ],
      ].toSorted(),
    );
  });

  it("never repeat a value, which may be a secret in the wrong place", () => {
    const secret = "sk-do-not-show-0123456789";
    const shape = Object.keys(environmentFields).filter(
      (name) => !["SYSTEM_PROMPT", "DATA_DIR", "HOST"].includes(name),
    );
    const env = Object.fromEntries(shape.map((name) => [name, `${secret} ${secret}`]));
    const lines = mistakes({
      ...env,
      OPENAI_API_KEY: `${secret} ${secret}`,
      OPENAI_BASE_URL: secret,
      MODELS: "openai/x",
    });
    expect(lines.length).toBeGreaterThan(15);
    expect(lines.join("\n")).not.toContain("sk-do-not");
  });

  it("name the choices when no provider has a key", () => {
    const [line, ...others] = mistakes({ BOT_TOKEN: token });
    expect(others).toEqual([]);
    for (const name of ["MODELS", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ollama/"]) expect(line).toContain(name);
  });

  it("include a missing token, except in the playground", () => {
    expect(mistakes({ OPENAI_API_KEY: "k-123456789" })).toEqual([
      expect.stringMatching(/^BOT_TOKEN is missing; .*@BotFather/),
    ]);
    expect(mistakes({ OPENAI_API_KEY: "k-123456789" }, "playground")).toEqual([]);
  });

  it("include what the split modes need", () => {
    expect(mistakes(good, "worker")).toEqual([expect.stringContaining("needs REDIS_URL")]);
    expect(mistakes(good, "web")).toEqual([
      expect.stringContaining("needs REDIS_URL"),
      expect.stringContaining("needs WEBHOOK_URL"),
    ]);
  });

  it("include a Redis URL that is none, and a prefix or an admin token that cannot be", () => {
    for (const url of [
      ...["localhost", "http://localhost", "redis://host/0?family=6", "redis://a b", "redis://", "redis://:secret@"],
      ...["redis://host:99999", "redis://[:::]:1", "redis://host/main", "redis://h:1/0\nredis://h:2/0"],
      // A password that ends the address: its beginning would be taken for a port, and shown.
      ...["redis://user:12?secret@host", "redis://user:12#secret@host", "redis://user:12/secret@host"],
      ...["redis://:se?cret@host:6379", "redis://:se@cret@host:6379", "redis://:100%@host", "redis://u%zz:x@host"],
    ]) {
      expect(mistakes({ ...good, REDIS_URL: url }), url).toEqual([
        expect.stringMatching(/^REDIS_URL is not a Redis URL; write it like redis:\/\/user:password@host[^\n]*$/),
      ]);
    }
    expect(mistakes({ ...good, REDIS_PREFIX: "a:b", ADMIN_TOKEN: "short" })).toEqual([
      expect.stringMatching(/^REDIS_PREFIX may hold only/),
      expect.stringMatching(/^ADMIN_TOKEN must be 16/),
    ]);
  });
});

describe("secrets", () => {
  it("are the token, its private half, keys, the webhook's secret and passwords in addresses", () => {
    const config = readConfig("start", {
      ...good,
      MODELS: "openai/x,ollama/y",
      OPENAI_BASE_URL: "http://user:p%40ss-word@127.0.0.1:1/v1",
      OLLAMA_API_KEY: "ollama",
      WEBHOOK_URL: "https://example.com",
    });
    const secret = config.telegram.webhook?.secret;
    expect(config.secrets.toSorted()).toEqual(
      [token, token.slice(7), good.OPENAI_API_KEY, secret, "p%40ss-word", "p@ss-word"].toSorted(),
    );
  });
});

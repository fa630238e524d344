import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { good, mistakes, token } from "../support/environments.ts";

const stated = (text: string) => readConfig("start", { ...good, MODEL_CAPABILITIES: text }).models.capabilities;

describe("MODEL_CAPABILITIES", () => {
  it("says of each model what it can do, also of one with colons in its name", () => {
    expect(
      stated(
        "ollama/qwen3:8b: context=40960 answer=8192 sees=no tools=yes efforts=off,on;\n mine/x@y: sees=yes efforts=no;",
      ),
    ).toEqual({
      "ollama/qwen3:8b": { context: 40_960, answer: 8_192, sees: false, tools: true, efforts: "off on" },
      "mine/x@y": { sees: true, efforts: "" },
    });
  });

  it("of a model that nothing asks does nothing, and that is said", () => {
    const env = { BOT_TOKEN: token, MODELS: "ollama/a@low", FALLBACK_MODELS: "ollama/b", SUMMARY_MODEL: "ollama/c" };
    const warnings = (text: string) => readConfig("start", { ...env, MODEL_CAPABILITIES: text }).warnings;
    expect(warnings("ollama/a: sees=no; ollama/b: sees=no; ollama/c: sees=no")).toEqual([]);
    expect(warnings("ollama/a@low: sees=no; ollama/b: sees=no; ollama/x: sees=no")).toEqual([
      "MODEL_CAPABILITIES does nothing in place 1, 3: no variable names that model (without @low and the like)",
    ]);
  });

  it("names what is wrong in one line, and where", () => {
    const line = (text: string) => mistakes({ ...good, MODEL_CAPABILITIES: text });
    expect(line("ollama/x context=1")).toEqual([
      expect.stringMatching(/^MODEL_CAPABILITIES has no model with a colon and a blank in place 1; write it like /),
    ]);
    for (const wrong of [
      "context=0",
      "context=x",
      "answer=1e3",
      "sees=maybe",
      "efforts=budget",
      "reads=3",
      "context",
    ]) {
      expect(line(`a/b: context=5; ollama/x: ${wrong}`)).toEqual([
        expect.stringMatching(
          /^MODEL_CAPABILITIES has a word in place 2 that it does not know; it knows context=32768, /,
        ),
      ]);
    }
    expect(line("; x; a/b: sees=1")[0]).toMatch(/in place 2; .* in place 3 /s);
    expect(
      mistakes({ BOT_TOKEN: token, REDIS_URL: "redis://h", WEBHOOK_URL: "https://h", MODEL_CAPABILITIES: "x" }, "web"),
    ).toEqual([]);
  });
});

describe("an effort behind the name of a model", () => {
  const models = (MODELS: string, more = {}) =>
    readConfig("start", { BOT_TOKEN: token, MODELS, MINE_BASE_URL: "http://h/v1", ...more }).models;

  it("is no part of the name; any other @ is", () => {
    expect(models("mine/a@low, mine/b>mine/c@off, mine/d@v2,mine/@cf/meta/llama")).toMatchObject({
      names: ["mine/a", "mine/b", "mine/d@v2", "mine/@cf/meta/llama"],
      chains: {
        "mine/a": [{ model: "mine/a", effort: "low" }],
        "mine/b": [{ model: "mine/b" }, { model: "mine/c", effort: "off" }],
        "mine/d@v2": [{ model: "mine/d@v2" }],
      },
    });
    expect(models("mine/a", { FALLBACK_MODELS: "mine/b@high" }).fallbacks).toEqual([
      { model: "mine/b", effort: "high" },
    ]);
  });

  it.each(["mine/a@20250514", "mine/a@q4_k_m", "mine/a@8bit", "mine/a@latest", "mine/a@default", "mine/a@preset/b"])(
    "is none in %s, which is a name",
    (name) => {
      expect(models(name).names).toEqual([name]);
      expect(models(`${name}@low`).chains).toEqual({ [name]: [{ model: name, effort: "low" }] });
    },
  );

  const wrong = "that is no effort; write one of @off, @low, @high, or leave it out";
  it.each([
    ["MODELS", "mine/a@medium", `MODELS has a word behind an @ in place 1 ${wrong}`],
    ["MODELS", "mine/a,mine/b@LOW>mine/c@hihg", `MODELS has a word behind an @ in place 2, 2 (behind its >) ${wrong}`],
    ["FALLBACK_MODELS", "mine/a,mine/b@none", `FALLBACK_MODELS has a word behind an @ in place 2 ${wrong}`],
    ["SUMMARY_MODEL", "mine/a@max", `SUMMARY_MODEL has a word behind an @ in place 1 ${wrong}`],
  ])("in %s is a mistake where it is another word: %s", (name, value, line) => {
    const env = { BOT_TOKEN: token, MODELS: "mine/a", MINE_BASE_URL: "http://h/v1", [name]: value };
    expect(mistakes(env)).toEqual([line]);
  });

  it("is the first one's where a model stands twice in a chain", () => {
    const { chains, fallbacks } = models("mine/a@low>mine/b>mine/a@high", {
      FALLBACK_MODELS: "mine/c@off,mine/c@high",
    });
    expect(chains["mine/a"]).toEqual([{ model: "mine/a", effort: "low" }, { model: "mine/b" }]);
    expect(fallbacks).toEqual([{ model: "mine/c", effort: "off" }]);
  });

  it("cannot differ for the same choice", () => {
    expect(mistakes({ BOT_TOKEN: token, MINE_BASE_URL: "http://h/v1", MODELS: "mine/a@low,mine/a@high" })).toEqual([
      "MODELS has the same model in places 1 and 2, but not the same behind it; write it once",
    ]);
    expect(mistakes({ BOT_TOKEN: token, MODELS: "@low" })).toEqual([
      expect.stringMatching(/^MODELS has no provider\/model/),
    ]);
  });
});

import { describe, expect, it } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import { readConfig } from "../../src/config/config.ts";

const token = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

function wiresOf(env: Record<string, string>): Record<string, string | undefined> {
  const { models } = readConfig("start", { BOT_TOKEN: token, ...env });
  return Object.fromEntries(models.providers.map(({ name, wire }) => [name, wire]));
}

describe("the wire of a provider", () => {
  const presets = {
    MODELS: "openai/a,anthropic/b,xai/c,gemini/d,ollama/e",
    OPENAI_API_KEY: "k-openai",
    ANTHROPIC_API_KEY: "k-anthropic",
    XAI_API_KEY: "k-xai",
    GEMINI_API_KEY: "k-gemini",
  };

  it("is its own at its preset address", () => {
    const own = { openai: "responses", anthropic: "messages", xai: "responses", gemini: undefined, ollama: undefined };
    expect(wiresOf(presets)).toEqual(own);
    expect(wiresOf({ ...presets, OPENAI_BASE_URL: "https://api.openai.com/v1/" })).toEqual(own);
  });

  it("is Chat Completions behind another address, unless it is named", () => {
    const elsewhere = {
      OPENAI_BASE_URL: "http://127.0.0.1:9/v1",
      ANTHROPIC_BASE_URL: "https://gateway.example/v1/chat/completions",
      XAI_BASE_URL: "http://127.0.0.1:9/v1",
    };
    expect(Object.values(wiresOf({ ...presets, ...elsewhere })).filter((wire) => wire !== undefined)).toEqual([]);
    expect(wiresOf({ ...presets, ...elsewhere, OPENAI_WIRE: "responses", ANTHROPIC_WIRE: "messages" })).toMatchObject({
      openai: "responses",
      anthropic: "messages",
      xai: undefined,
    });
  });

  it("can be named for any provider, at a preset address too", () => {
    const own = { MODELS: "llama.cpp/a,mine/b", MINE_BASE_URL: "http://127.0.0.1:9/v1/messages" };
    expect(wiresOf({ ...own, LLAMA_CPP_WIRE: "responses", MINE_WIRE: "messages" })).toEqual({
      "llama.cpp": "responses",
      mine: "messages",
    });
    expect(wiresOf({ ...presets, OPENAI_WIRE: "chat" })).toMatchObject({ openai: "chat", xai: "responses" });
  });

  it("is a mistake when it is none, in one line that names the variable", () => {
    const wrong = { BOT_TOKEN: token, MODELS: "openai/a", OPENAI_API_KEY: "k-openai", OPENAI_WIRE: "grpc-of-mine" };
    expect(() => readConfig("start", wrong)).toThrow(StartError);
    expect(() => readConfig("start", wrong)).toThrow(/^OPENAI_WIRE must be one of chat, responses, messages$/);
  });

  it("is said to be misspelled when its name is", () => {
    const { warnings } = readConfig("start", { BOT_TOKEN: token, ...presets, OPENAI_WIRES: "chat" });
    expect(warnings).toEqual(["OPENAI_WIRES is not read by Parley; did you mean OPENAI_WIRE?"]);
  });
});

/** Voices for words, and pictures of words. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BudgetError, type ModelError } from "../../src/base/errors.ts";
import type { CallEnd, PayableCall, Payer } from "../../src/ports/models.ts";
import { answerJson, createMediaServer, type MediaServer, mediaOver } from "../support/media-server.ts";

let server: MediaServer;
let made: ReturnType<typeof mediaOver>;
const signal = new AbortController().signal;

beforeEach(async () => {
  server = await createMediaServer();
  made = mediaOver({ origins: [server.origin], timers: { failedMs: 0, refusedMs: 0, silentMs: 2_000 } });
});
afterEach(async () => {
  await made.stop();
  await server.stop();
});

/** Two pages; the last one says how long it is. */
function oggOf(seconds: number): Buffer {
  const page = (samples: bigint) => {
    const head = Buffer.alloc(27);
    head.write("OggS", "latin1");
    head.writeBigInt64LE(samples, 6);
    return head;
  };
  return Buffer.concat([page(0n), page(BigInt(seconds * 48_000))]);
}

function payer() {
  const calls: PayableCall[] = [];
  const ends: CallEnd[] = [];
  const who: Payer = {
    async open(call) {
      calls.push(call);
      return { wrote: () => true, close: (end) => void ends.push(end) };
    },
  };
  return { who, calls, ends };
}

const failureOf = async (call: Promise<unknown>) => (await call.catch((error: unknown) => error)) as ModelError;

describe("a voice", () => {
  it("is asked for as Opus, and costs what its length says", async () => {
    const ogg = oggOf(3);
    server.answer = (_, response) => void response.writeHead(200, { "content-type": "audio/ogg" }).end(ogg);
    const { who, calls, ends } = payer();
    const words = "x".repeat(150);
    expect(await made.media.speak(words, { payer: who }, signal)).toEqual({ bytes: ogg, seconds: 3, model: "one/m" });
    const asked = { model: "m", input: words, voice: "alloy", response_format: "opus" };
    expect(server.heard[0]).toMatchObject({ path: "/v1/audio/speech", fields: asked });
    const expected = { inputTokens: 38, cachedTokens: 0, outputTokens: 200, seconds: 10 };
    expect(calls).toEqual([{ model: "one/m", media: "speak", expected }]);
    expect(ends[0]?.usage).toEqual({ ...expected, outputTokens: 60, seconds: 3 });
  });

  it.each([
    ["mp3, whatever was asked for", "audio/mpeg", "ID3 and so on"],
    ["a page", "text/html", "<html>"],
    ["nothing", "audio/ogg", ""],
  ])("that is %s is none", async (_, type, body) => {
    server.answer = (_heard, response) => void response.writeHead(200, { "content-type": type }).end(body);
    expect(await failureOf(made.media.speak("Hi", {}, signal))).toMatchObject({ kind: "not-a-stream" });
  });

  it("whose words the provider repeats in its refusal is logged without them", async () => {
    const words = "the secret words of somebody";
    server.answer = (asked, response) => answerJson(response, { error: `bad input: ${asked.fields["input"]}` }, 400);
    const error = await failureOf(made.media.speak(words, {}, signal));
    expect(error).toMatchObject({ kind: "bad-request" });
    expect(JSON.stringify([made.lines, error.message])).not.toContain("secret words");
  });
});

describe("a picture", () => {
  const png = Buffer.from("\x89PNG\r\n\x1a\n and so on", "latin1");
  const data = [{ b64_json: png.toString("base64") }];

  it("is asked for itself, not for a link to it", async () => {
    server.answer = (_, response) => answerJson(response, { data });
    const { who, calls, ends } = payer();
    const drawn = await made.media.draw({ prompt: "a fox" }, { payer: who }, signal);
    expect(drawn).toEqual({ bytes: png, mime: "image/png", model: "one/m" });
    const asked = { model: "m", prompt: "a fox", n: 1, response_format: "b64_json" };
    expect(server.heard[0]).toMatchObject({ path: "/v1/images/generations", fields: asked });
    const expected = { inputTokens: 2, cachedTokens: 0, outputTokens: 4_160, pictures: 1 };
    expect(calls).toEqual([{ model: "one/m", media: "draw", expected }]);
    expect(ends[0]?.usage).toBeUndefined();
  });

  it("of which the provider tells the tokens costs these", async () => {
    const usage = { input_tokens: 9, output_tokens: 272, total_tokens: 281 };
    server.answer = (_, response) => answerJson(response, { data, usage });
    const { who, ends } = payer();
    await made.media.draw({ prompt: "a fox" }, { payer: who }, signal);
    expect(ends[0]?.usage).toEqual({ inputTokens: 9, cachedTokens: 0, outputTokens: 272, pictures: 1 });
  });

  it.each([
    ["less than nothing", { input_tokens: 9, output_tokens: -272 }],
    ["nothing", { input_tokens: 0, output_tokens: 0 }],
  ])("of which the provider tells that it costs %s costs what was expected", async (_, usage) => {
    server.answer = (_asked, response) => answerJson(response, { data, usage });
    const { who, ends } = payer();
    await made.media.draw({ prompt: "a fox" }, { payer: who }, signal);
    expect(ends[0]).toMatchObject({ outcome: "complete", usage: undefined });
  });

  it("is asked for in another way where the provider does not know this one", async () => {
    server.answer = (asked, response) =>
      "response_format" in asked.fields
        ? answerJson(response, { error: { message: "Unknown parameter: 'response_format'." } }, 400)
        : answerJson(response, { data });
    expect(await made.media.draw({ prompt: "a fox" }, {}, signal)).toMatchObject({ mime: "image/png" });
    expect(server.heard).toHaveLength(2);
  });

  it("is changed where there is one to change", async () => {
    server.answer = (_, response) => answerJson(response, { data });
    const former = Buffer.from("\xff\xd8\xff former", "latin1");
    const from = { bytes: async () => former };
    await made.media.draw({ prompt: "at night", from }, {}, signal);
    expect(server.heard[0]).toMatchObject({
      path: "/v1/images/edits",
      fields: { model: "m", prompt: "at night" },
      file: { name: "picture.jpeg", type: "image/jpeg", bytes: former },
    });
  });

  it.each([
    ["only a link", { data: [{ url: "https://elsewhere.example/a.png" }] }, "not-a-stream"],
    ["nothing", { data: [] }, "not-a-stream"],
    ["something else", { data: [{ b64_json: Buffer.from("<svg/>").toString("base64") }] }, "not-a-stream"],
    ["an error at 200", { error: { message: "no" } }, "not-a-stream"],
  ])("of which %s comes is none", async (_, body, kind) => {
    server.answer = (_heard, response) => answerJson(response, body);
    expect(await failureOf(made.media.draw({ prompt: "a fox" }, {}, signal))).toMatchObject({ kind });
  });

  it("that the provider declines is told apart from all other failures", async () => {
    const error = { message: "Your request was rejected by the safety system.", code: "moderation_blocked" };
    server.answer = (_, response) => answerJson(response, { error }, 400);
    expect(await failureOf(made.media.draw({ prompt: "a fox" }, {}, signal))).toMatchObject({ kind: "content-filter" });
  });
});

describe("a picture that another model draws than the one that is asked first", () => {
  const png = Buffer.from("\x89PNG\r\n\x1a\n and so on", "latin1");
  const data = [{ b64_json: png.toString("base64") }];
  const drawnBy = async (who?: Payer) => {
    const both = mediaOver({ origins: [server.origin, server.origin], timers: { failedMs: 0, refusedMs: 0 } });
    try {
      return await both.media.draw({ prompt: "a fox" }, { payer: who }, signal);
    } finally {
      await both.stop();
    }
  };

  it("tells whom it stands in for, and that the budget did not pay", async () => {
    server.answer = (_, response) => answerJson(response, { data });
    const { who } = payer();
    const cheap: Payer = {
      open: (call, ...more) =>
        call.model === "one/m" ? Promise.reject(new BudgetError("user-day", 0)) : who.open(call, ...more),
    };
    expect(await drawnBy(cheap)).toMatchObject({ model: "two/m", instead: "one/m", unpaid: true });
    expect(server.heard).toHaveLength(1);
  });

  it("tells no more than whom where that one has failed", async () => {
    server.answer = (_, response) =>
      server.heard.length === 1 ? answerJson(response, { error: "no such key" }, 401) : answerJson(response, { data });
    const drawn = await drawnBy();
    expect(drawn).toMatchObject({ model: "two/m", instead: "one/m" });
    expect(drawn?.unpaid).toBeUndefined();
  });
});

/** Words of recordings: by a provider that answers well, and by ones that fail in every way. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BudgetError, ModelError } from "../../src/base/errors.ts";
import type { ConvertSound, Heard, MediaRequest, Recording } from "../../src/ports/media-models.ts";
import type { CallEnd, PayableCall, Payer } from "../../src/ports/models.ts";
import {
  answerJson,
  createMediaServer,
  type MediaAnswer,
  type MediaServer,
  mediaOver,
  relayKey,
  sayHello,
} from "../support/media-server.ts";

const ogg: Recording = { bytes: Buffer.from("OggS and what follows"), mime: "audio/ogg", seconds: 12 };
const open: { stop(): Promise<void> }[] = [];
let one: MediaServer;
let two: MediaServer;

beforeEach(async () => {
  [one, two] = await Promise.all([
    createMediaServer(),
    createMediaServer((_, response) => answerJson(response, { text: "Two." })),
  ]);
});
afterEach(async () => {
  for (const { stop } of [...open.splice(0), one, two]) await stop();
});

interface Options {
  readonly both?: boolean;
  readonly timers?: Parameters<typeof mediaOver>[0]["timers"];
  readonly convert?: ConvertSound;
  readonly base?: string;
}

function scene({ both = false, ...more }: Options = {}) {
  const made = mediaOver({ origins: both ? [one.origin, two.origin] : [one.origin], ...more });
  open.push(made);
  return made;
}

const asked = (recording: Recording) => ({ ...recording, bytes: async () => recording.bytes });

async function hear(options: Options = {}, recording = ogg, request: MediaRequest = {}) {
  const { media, lines } = scene(options);
  const result = await media
    .hear(asked(recording), request, new AbortController().signal)
    .catch((error: unknown) => error);
  return { heard: result as Heard, error: result as ModelError, lines };
}

describe("a recording", () => {
  it("goes out as a file named voice.ogg, without a language, and comes back as words", async () => {
    const { heard } = await hear();
    expect(heard).toEqual({ text: "Hello there.", model: "one/m" });
    const [asked] = one.heard;
    expect(asked).toMatchObject({ path: "/v1/audio/transcriptions", fields: { model: "m", response_format: "json" } });
    expect(asked?.fields).not.toHaveProperty("language");
    expect(asked?.file).toEqual({ name: "voice.ogg", type: "audio/ogg", bytes: ogg.bytes });
    expect(asked?.headers["authorization"]).toBe(`Bearer ${relayKey}`);
  });

  it.each([
    ["voice.ogg", "OggS....", "audio/mpeg"],
    ["voice.mp3", "ID3.....", "audio/ogg"],
    ["voice.mp3", "\xff\xfb\x90\x64....", undefined],
    ["voice.m4a", "\0\0\0\x20ftypM4A ", undefined],
    ["voice.mp4", "\0\0\0\x20ftypisom", "audio/ogg"],
    ["voice.wav", "RIFF\0\0\0\0WAVE", undefined],
    ["voice.flac", "fLaC????", "audio/mp4"],
    ["voice.amr", "#!AMR\n??", "audio/ogg"],
    ["voice.aac", "\xff\xf1\x50\x80????", "audio/mpeg"],
    ["voice.webm", "\x1aE\xdf\xa3????", "audio/mp4"],
    ["voice.ogg", "????????", "audio/mp4"],
  ])("is called %s by what it is, whatever its sender says", async (name, content, mime) => {
    await hear({}, { bytes: Buffer.from(content, "latin1"), mime, seconds: 1 });
    expect(one.heard[0]?.file?.name).toBe(name);
  });

  it("in which there are no words is no failure", async () => {
    one.answer = (_, response) => answerJson(response, { text: " \n" });
    expect((await hear()).heard).toEqual({ text: "", model: "one/m" });
    expect(one.heard).toHaveLength(1);
  });
});

const refuse =
  (status: number, message: string, headers: object = {}): MediaAnswer =>
  (_, response) =>
    answerJson(response, { error: { message } }, status, headers);

describe("a provider that fails", () => {
  const failures: readonly [string, MediaAnswer, object][] = [
    ["refuses the key", refuse(401, "Incorrect API key provided"), { kind: "auth", status: 401 }],
    ["has no credit left", refuse(429, "insufficient_quota"), { kind: "quota" }],
    [
      "is at its rate limit",
      refuse(429, "slow down", { "retry-after": "3600" }),
      { kind: "rate-limit", retryAfterMs: 3_600_000 },
    ],
    ["knows no such model", refuse(404, "The model `m` does not exist"), { kind: "not-found" }],
    ["knows no such path", refuse(404, "Not Found"), { kind: "no-endpoint" }],
    ["refuses the format", refuse(400, "Unsupported file format ogg"), { kind: "bad-request", status: 400 }],
    ["is out of order", refuse(503, "overloaded"), { kind: "upstream" }],
    ["answers with a page", (_, response) => page(response), { kind: "not-a-stream" }],
    ["answers with a list", (_, response) => answerJson(response, []), { kind: "not-a-stream" }],
    ["answers without words", (_, response) => answerJson(response, { transcript: "x" }), { kind: "not-a-stream" }],
    ["answers with words that are none", (_, response) => answerJson(response, { text: 7 }), { kind: "not-a-stream" }],
    ["answers an error at 200", (_, response) => answerJson(response, { error: "no GPU" }), { kind: "not-a-stream" }],
    ["answers half of its JSON", (_, response) => response.end('{"text": "Hel'), { kind: "not-a-stream" }],
    ["answers without end", endless, { kind: "not-a-stream" }],
    ["hangs up", (_, response) => response.destroy(), { kind: "connection" }],
    ["hangs up in the middle", (_, response) => cut(response), { kind: "connection" }],
    ["says nothing", () => {}, { kind: "timeout" }],
    ["falls silent in the middle", (_, response) => void response.write('{"text": '), { kind: "timeout" }],
  ];
  const timers = { silentMs: 1_500, firstTokenMs: 1_500, silenceMs: 1_500, failedMs: 0, refusedMs: 0 };

  it.each(failures)("that %s ends in a failure of its kind, told once in the log", async (_, answer, expected) => {
    one.answer = answer;
    const { error, lines } = await hear({ timers });
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ model: "one/m", ...expected });
    const told = lines.filter(({ message }) => message === "a model call failed");
    expect(told.at(-1)?.details).toMatchObject({ model: "one/m", kind: error.kind });
    expect(JSON.stringify(lines)).not.toContain(relayKey);
  });

  it.each(failures)("that %s is left for the next", async (_, answer) => {
    one.answer = answer;
    const { heard } = await hear({ both: true, timers: { ...timers, silentMs: 5_000 } });
    expect(heard).toEqual({ text: "Two.", model: "two/m", instead: "one/m" });
  });

  it("without anything of what was said in the log, whatever it answers", async () => {
    one.answer = (_, response) => response.end("the secret words of somebody");
    const { error, lines } = await hear({ timers });
    expect(error.kind).toBe("not-a-stream");
    expect(JSON.stringify([lines, error.message])).not.toContain("secret words");
  });

  it("for a moment is asked again", async () => {
    one.answer = (_, response) =>
      one.heard.length === 1 ? answerJson(response, {}, 503) : sayHello(one.heard[0]!, response);
    expect((await hear()).heard.text).toBe("Hello there.");
    expect(one.heard).toHaveLength(2);
  });

  it("again and again is asked after the other", async () => {
    one.answer = refuse(401, "no");
    const { media } = scene({ both: true });
    const ask = async () => await media.hear(asked(ogg), {}, new AbortController().signal);
    await ask();
    await ask();
    expect([one.heard.length, two.heard.length]).toEqual([1, 2]);
  });

  it("at an address without its version is asked behind /v1", async () => {
    one.answer = (asked, response) =>
      asked.path.startsWith("/v1/") ? sayHello(asked, response) : answerJson(response, {}, 404);
    expect((await hear({ base: "" })).heard.text).toBe("Hello there.");
  });
});

describe("a provider that does not take the format", () => {
  const takesM4a: MediaAnswer = (asked, response) =>
    asked.file?.name === "voice.m4a"
      ? sayHello(asked, response)
      : answerJson(response, { error: { message: "could not decode the audio" } }, 400);
  const converted: Recording = { bytes: Buffer.from("\0\0\0\x20ftypM4A "), mime: "audio/mp4", seconds: 12 };

  it("gets another one where there is something to make it with", async () => {
    one.answer = takesM4a;
    const { heard, lines } = await hear({ both: true, convert: async () => converted });
    expect(heard).toEqual({ text: "Hello there.", model: "one/m" });
    expect(one.heard.map(({ file }) => file?.name)).toEqual(["voice.ogg", "voice.m4a"]);
    expect(lines).toEqual([]);
  });

  it("is left for the next where there is nothing, and asked no second time when that does not help", async () => {
    one.answer = refuse(400, "could not decode the audio");
    expect((await hear({ both: true, convert: async () => undefined })).heard.model).toBe("two/m");
    expect((await hear({ both: true, convert: async () => converted })).heard.model).toBe("two/m");
    expect(one.heard.map(({ file }) => file?.name)).toEqual(["voice.ogg", "voice.ogg", "voice.m4a"]);
  });

  it("is not sent another one when it complains of something else", async () => {
    one.answer = refuse(400, "too many people");
    let made = 0;
    const convert = async () => {
      made += 1;
      return converted;
    };
    expect((await hear({ both: true, convert })).heard.model).toBe("two/m");
    expect([made, one.heard.length]).toEqual([0, 1]);
  });
});

describe("who pays", () => {
  function payer(refuses?: string) {
    const calls: PayableCall[] = [];
    const ends: CallEnd[] = [];
    const who: Payer = {
      async open(call) {
        calls.push(call);
        if (call.model === refuses) throw new BudgetError("user-day", 0);
        let open = true;
        return {
          wrote: () => true,
          close(end) {
            if (open) ends.push(end);
            open = false;
          },
        };
      },
    };
    return { who, calls, ends };
  }

  it("is told what a recording of this length may cost, and what the provider has counted", async () => {
    const usage = { type: "tokens", input_tokens: 118, output_tokens: 9, total_tokens: 127 };
    one.answer = (_, response) => answerJson(response, { text: "Hello.", usage });
    const { who, calls, ends } = payer();
    await hear({}, ogg, { payer: who });
    const expected = { inputTokens: 120, cachedTokens: 0, outputTokens: 60, seconds: 12 };
    expect(calls).toEqual([{ model: "one/m", media: "hear", expected }]);
    expect(ends[0]).toMatchObject({
      outcome: "complete",
      usage: { inputTokens: 118, cachedTokens: 0, outputTokens: 9, seconds: 12 },
      firstTokenMs: expect.any(Number),
    });
  });

  it.each([
    [
      { type: "duration", seconds: 13 },
      { inputTokens: 130, outputTokens: 65, seconds: 13 },
    ],
    [
      { prompt_audio_seconds: 14, prompt_tokens: 4, completion_tokens: 5 },
      { inputTokens: 4, outputTokens: 5, seconds: 14 },
    ],
  ])("hears it from whoever tells %o", async (usage, expected) => {
    one.answer = (_, response) => answerJson(response, { text: "Hello.", usage });
    const { who, ends } = payer();
    await hear({}, ogg, { payer: who });
    expect(ends[0]?.usage).toEqual({ cachedTokens: 0, ...expected });
  });

  it.each([
    ["fewer than none", '{ "input_tokens": -5, "output_tokens": 9 }'],
    ["more than there can be", '{ "input_tokens": 1e999, "output_tokens": 9 }'],
    ["an endless length", '{ "type": "duration", "seconds": 1e999 }'],
    ["nothing at all", '{ "input_tokens": 0, "output_tokens": 0 }'],
  ])("does not believe a provider that has counted %s", async (_, usage) => {
    one.answer = (_, response) => void response.end(`{ "text": "Hello.", "usage": ${usage} }`);
    const { who, ends } = payer();
    expect((await hear({}, ogg, { payer: who })).heard.text).toBe("Hello.");
    expect(ends[0]).toMatchObject({ outcome: "complete", usage: undefined });
  });

  it("pays for each call, and for none that is refused", async () => {
    one.answer = refuse(401, "no");
    const { who, ends } = payer();
    await hear({ both: true }, ogg, { payer: who });
    expect(ends.map(({ outcome }) => outcome)).toEqual(["auth", "complete"]);
    const broke = payer("one/m");
    const { heard } = await hear({ both: true }, ogg, { payer: broke.who });
    expect(heard.model).toBe("two/m");
    const { error } = await hear({}, ogg, { payer: broke.who });
    expect(error).toBeInstanceOf(BudgetError);
    expect(one.heard).toHaveLength(1);
  });
});

describe("whoever stops it", () => {
  it("gets nothing, and the provider is left at once", async () => {
    const stop = new AbortController();
    const left = Promise.withResolvers<void>();
    one.answer = (_, response) => {
      response.on("close", () => left.resolve());
      stop.abort();
    };
    const { media, lines } = scene();
    expect(await media.hear(asked(ogg), {}, stop.signal)).toBeUndefined();
    await left.promise;
    expect(lines).toEqual([]);
  });
});

function page(response: Parameters<MediaAnswer>[1]): void {
  response.writeHead(200, { "content-type": "text/html" });
  response.end("<html><title>Sign in</title></html>");
}

function endless(_: unknown, response: Parameters<MediaAnswer>[1]): void {
  const piece = Buffer.alloc(256 * 1024, " ");
  const more = (): void => {
    while (response.write(piece));
  };
  response.on("drain", more);
  response.writeHead(200, { "content-type": "application/json" });
  more();
}

function cut(response: Parameters<MediaAnswer>[1]): void {
  response.writeHead(200, { "content-type": "application/json", "content-length": "500" });
  response.write('{"text": ', () => response.destroy());
}

/** What holds for every provider by every wire, whatever its server does. */
import type { ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WireName } from "../../src/config/providers.ts";
import { type ImagePart, textParts } from "../../src/ports/content.ts";
import type { ModelRequest } from "../../src/ports/models.ts";
import { type Answering, createLlmServer, type LlmServer, refuse } from "../support/llm-server.ts";
import { asMessages } from "../support/messages.ts";
import { speeches } from "../support/wire-streams.ts";
import { search } from "../support/wire-tools.ts";
import { speaking, type Told, told, wireKey } from "../support/wires.ts";

/** Nothing that is expected to come is late, however busy the machine. */
const patient = { firstTokenMs: 20_000, silenceMs: 20_000 };
/** What is expected not to come is not waited for. */
const shortMs = 60;

const counted = { input: 40, cached: 1_024, cacheWrite: 100, output: 30, reasoning: 20 };

/** Tests one provider by one wire. */
export function wireContract(provider: string, wire: WireName): void {
  const speech = speeches[wire];
  const { opening, closing } = speech;
  const answered = (...pieces: string[]): string => opening + pieces.map(speech.text).join("");
  const paris = answered("Par", "is.") + speech.ending("stop", counted) + closing;
  const model = `${provider}/m`;
  let server: LlmServer;
  let stop: (() => Promise<void>) | undefined;

  function open(timers: Parameters<typeof speaking>[3] = {}, more: Parameters<typeof speaking>[4] = {}) {
    const { models, lines } = speaking(provider, wire, `${server.origin}/v1`, { ...patient, ...timers }, more);
    stop = models.stop;
    return { models, lines };
  }

  /** Asks once of a server that answers so. */
  async function ask(
    answer: string | Answering,
    timers: Parameters<typeof speaking>[3] = {},
    request: Partial<ModelRequest> = {},
  ): Promise<Told> {
    server.answer = typeof answer === "string" ? (_, response) => void response.end(answer) : answer;
    return await told(open(timers).models, { model, ...request });
  }

  describe(`${provider} by the ${wire} wire`, () => {
    beforeAll(async () => {
      server = await createLlmServer((_, response) => void response.end(paris));
    });
    afterEach(async () => {
      await stop?.();
      server.forget();
    });
    afterAll(() => server.stop());

    test("is sent the conversation at its path, with its key, and nothing else before", async () => {
      const conversation = [
        { role: "system", content: "Be brief." },
        { role: "user", content: "One?" },
        { role: "assistant", content: "One." },
        { role: "user", content: "Two? 🌍" },
      ] as const;
      const { text, failed } = await ask(paris, {}, { messages: asMessages(conversation) });
      expect([text, failed]).toEqual(["Paris.", undefined]);
      expect(server.heard.map(({ path, method }) => [method, path])).toEqual([["POST", `/v1${speech.path}`]]);
      const [heard] = server.heard;
      expect(speech.asked(heard?.body)).toEqual(conversation.map(({ role, content }) => [role, content]));
      expect(heard?.body).toMatchObject({ model: "m", stream: true });
      const { authorization, "x-api-key": key, "anthropic-version": version } = heard?.headers ?? {};
      if (provider === "anthropic" && wire === "messages") expect(authorization).toBeUndefined();
      else expect(authorization).toBe(`Bearer ${wireKey}`);
      expect([key, version]).toEqual(wire === "messages" ? [wireKey, "2023-06-01"] : [undefined, undefined]);
    });

    test("answers with text, the reason of its end, and every count", async () => {
      const { end } = await ask(paris);
      expect(end).toEqual({
        type: "answer-end",
        model,
        finish: "stop",
        usage: {
          inputTokens: 1_164,
          cachedTokens: 1_024,
          cacheWriteTokens: 100,
          outputTokens: 30,
          ...(wire === "messages" ? {} : { reasoningTokens: 20 }),
        },
      });
    });

    test("is understood without the roles, the openings and the closings of its stream", async () => {
      const bare = speech.text("Par") + speech.text("is.") + speech.ending("stop", counted);
      const { text, end, failed } = await ask(bare, { usageMs: shortMs });
      expect([text, end?.finish, failed]).toEqual(["Paris.", "stop", undefined]);
    });

    test("is understood with a [DONE] at its end, on a connection that stays open", async () => {
      const { text, end } = await ask((_, response) => void response.write(`${paris}data: [DONE]\n\n`));
      expect([text, end?.finish]).toEqual(["Paris.", "stop"]);
    });

    test("is understood byte by byte", async () => {
      const bytes = Buffer.from(answered("Grüezi 🌍 ", "世界!") + speech.ending("stop") + closing);
      const { text, failed } = await ask(async (_, response) => {
        for (const byte of bytes) response.write(Buffer.of(byte));
        response.end();
      });
      expect([text, failed]).toEqual(["Grüezi 🌍 世界!", undefined]);
    });

    test("counts once what it counts again and again", async () => {
      const growing = [5, 12].map((output) => speech.text("Par") + speech.counting({ ...counted, output }));
      const { end } = await ask(opening + growing.join("") + speech.ending("stop", counted) + closing);
      expect(end?.usage).toMatchObject({ inputTokens: 1_164, cachedTokens: 1_024, outputTokens: 30 });
    });

    test.each(["application/json", "text/event-stream", "text/plain"])(
      "may answer in one piece of type %s",
      async (type) => {
        const { text, end } = await ask((_, response) => {
          response.setHeader("content-type", type);
          response.end(JSON.stringify(speech.whole("Paris.", counted)));
        });
        expect([text, end?.finish]).toEqual(["Paris.", "stop"]);
        expect(end?.usage).toMatchObject({
          inputTokens: 1_164,
          cachedTokens: 1_024,
          cacheWriteTokens: 100,
          outputTokens: 30,
        });
      },
    );

    test("thinks, and that is not its answer", async () => {
      const stream = opening + speech.thought("Hmm, France.") + answered("Paris.") + speech.ending("stop") + closing;
      const { text, types } = await ask(stream);
      expect(text).toBe("Paris.");
      expect(types).not.toContain("thought-delta");
    });

    test("is alone with its thoughts: that is no answer", async () => {
      const { failed } = await ask(opening + speech.thought("Hmm.") + speech.ending("stop") + closing);
      expect(failed).toBe("empty");
    });

    test("says that it was cut at its limit, or filtered", async () => {
      const limited = await ask(answered("Paris is") + speech.ending("length", counted) + closing);
      expect([limited.text, limited.end?.finish]).toEqual(["Paris is", "length"]);
      await stop?.();
      const filtered = await ask(answered("Paris is") + speech.ending("filtered") + closing);
      expect([filtered.text, filtered.end?.finish]).toEqual(["Paris is", "filtered"]);
      await stop?.();
      expect((await ask(opening + speech.ending("filtered") + closing)).failed).toBe("content-filter");
    });

    test("calls tools, and of an answer that was cut none is handed on", async () => {
      const calling = answered("Let me look.") + speech.call("call_1", "web_search", '{"query":"Paris"}');
      const tools = [search];
      const whole = await ask(calling + speech.ending("stop") + closing, {}, { tools });
      expect(whole.calls).toMatchObject([{ id: "call_1", name: "web_search", arguments: '{"query":"Paris"}' }]);
      for (const end of ["", speech.ending("length") + closing, speech.error("overloaded_error", "Overloaded")]) {
        await stop?.();
        const cut = await ask(calling + end, {}, { tools });
        expect([cut.text, cut.calls]).toEqual(["Let me look.", []]);
      }
    });

    test.each([
      ["overloaded_error", "Overloaded", "upstream"],
      ["server_error", "The server had an error", "upstream"],
      ["rate_limit_exceeded", "Rate limit reached", "rate-limit"],
      ["insufficient_quota", "You exceeded your current quota", "quota"],
      ["context_length_exceeded", "Your input is too long", "context-overflow"],
    ])("fails in mid-answer with %s", async (type, message, kind) => {
      const { text, failed, end } = await ask(answered("Par") + speech.error(type, message));
      expect([text, failed, end]).toEqual(["Par", kind, undefined]);
    });

    test.each([
      ["an object", { error: { message: "The engine is overloaded", type: "overloaded_error" } }],
      ["a list", [{ error: { message: "overloaded", code: 503 } }]],
      ["a string", { error: "overloaded" }],
      ["Claude's own", { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }],
      ["a flat event", { type: "error", code: "server_error", message: "overloaded", param: null }],
    ])("fails in mid-answer with an error that is %s", async (_, error) => {
      const { text, failed } = await ask(`${answered("Par")}data: ${JSON.stringify(error)}\n\n`);
      expect([text, failed]).toEqual(["Par", "upstream"]);
    });

    const refusals: readonly (readonly [status: number, body: unknown, kind: string])[] = [
      [401, { error: { message: "invalid x-api-key", type: "authentication_error" } }, "auth"],
      [402, { error: { message: "Insufficient Balance" } }, "quota"],
      [403, { detail: "Not authenticated" }, "auth"],
      [404, { type: "error", error: { type: "not_found_error", message: "model: m" } }, "not-found"],
      [404, `Unknown request URL: POST /v1${speech.path}`, "no-endpoint"],
      [413, { type: "error", error: { type: "request_too_large", message: "Request too large" } }, "context-overflow"],
      [429, { error: { message: "You exceeded your quota", code: "insufficient_quota" } }, "quota"],
      [429, [{ error: { message: "Resource exhausted", status: "RESOURCE_EXHAUSTED" } }], "rate-limit"],
      [400, { error: "prompt is too long: 210000 tokens > 200000 maximum" }, "context-overflow"],
      [400, { object: "error", message: { detail: [{ loc: ["body"], msg: "no" }] } }, "bad-request"],
      [529, { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }, "upstream"],
      [500, "<html><title>Oops</title></html>", "upstream"],
    ];
    test.each(refusals)("refuses with %i %j: %s", async (status, body, kind) => {
      const { failed, error, text } = await ask((_, response) => refuse(response, status, body));
      expect([failed, text]).toEqual([kind, ""]);
      expect(JSON.stringify([error?.message, error?.stack])).not.toContain(wireKey);
    });

    test("says when it may be asked again", async () => {
      const { failed, error } = await ask((_, response) => {
        response.setHeader("retry-after", "120");
        refuse(response, 429, "Too many requests");
      });
      expect([failed, error?.retryAfterMs]).toEqual(["rate-limit", 120_000]);
    });

    test.each([
      ["JSON that is an error", "application/json", '{"error":{"message":"invalid api key"}}', "auth"],
      ["JSON that is none", "application/json", '{"result":"Paris"}', "not-a-stream"],
      ["a page", "text/html", "<html><title>Sign in</title></html>", "not-a-stream"],
      ["nothing", "text/event-stream", "", "truncated"],
    ])("sends %s with a status of 200", async (_, type, body, kind) => {
      const { failed } = await ask((_heard, response) => {
        response.setHeader("content-type", type);
        response.end(body);
      });
      expect(failed).toBe(kind);
    });

    // Timers know no dialect.
    if (provider === "relay" || wire !== "chat")
      test("stalls: before its headers, after them, in mid-answer", async () => {
        const silent = (): void => undefined;
        expect((await ask(silent, { firstTokenMs: shortMs })).failed).toBe("timeout");
        await stop?.();
        const headers: Answering = (_, response) => response.flushHeaders();
        expect((await ask(headers, { firstTokenMs: shortMs })).failed).toBe("timeout");
        await stop?.();
        const begun: Answering = (_, response) => void response.write(opening);
        expect((await ask(begun, { firstTokenMs: shortMs })).failed).toBe("timeout");
        await stop?.();
        const half: Answering = (_, response) => void response.write(answered("Par"));
        const { text, failed } = await ask(half, { silenceMs: shortMs });
        expect([text, failed]).toEqual(["Par", "timeout"]);
      });

    test("ends without an end, or in the middle of a character", async () => {
      const ended = await ask(answered("Par", "is"));
      expect([ended.text, ended.failed]).toEqual(["Paris", "truncated"]);
      await stop?.();
      const whole = Buffer.from(answered("Par", "🌍"));
      const half = whole.subarray(0, whole.indexOf("🌍") + 2);
      const cut = await ask((_, response) => void response.end(half));
      expect([cut.text, cut.failed]).toEqual(["Par", "truncated"]);
      await stop?.();
      const broken = await ask((_, response) => breakAfter(response, answered("Par")));
      expect([broken.text, broken.failed]).toEqual(["Par", "connection"]);
    });

    test("leaves out what it refuses, once and for all questions to come", async () => {
      server.answer = ({ body }, response) => {
        if ("temperature" in body) refuse(response, 400, "`temperature` is deprecated for this model.");
        else response.end(paris);
      };
      const { models, lines } = open({}, { temperature: 0.5, maxTokens: 300 });
      for (const _ of [1, 2])
        expect(await told(models, { model })).toMatchObject({ text: "Paris.", failed: undefined });
      const sent = server.heard.map(({ body }) => "temperature" in body);
      expect(sent).toEqual([true, false, false]);
      expect(lines).toHaveLength(1);
      if (speech.lengthField !== undefined) expect(server.heard.at(-1)?.body).toHaveProperty(speech.lengthField, 300);
    });

    test("asks for no longer an answer than the model gives", async () => {
      const longest = (body: Record<string, unknown>) =>
        body["max_tokens"] ?? body["max_completion_tokens"] ?? body["max_output_tokens"];
      server.answer = ({ body }, response) => {
        if (Number(longest(body)) <= 4_096) return void response.end(paris);
        const name = ["max_tokens", "max_completion_tokens", "max_output_tokens"].find((field) => field in body);
        refuse(response, 400, `${name}: ${longest(body)} > 4096, which is the maximum allowed number of output tokens`);
      };
      const { models } = open({}, { maxTokens: 9_000 });
      for (const _ of [1, 2]) expect((await told(models, { model })).text).toBe("Paris.");
      expect(server.heard.map(({ body }) => longest(body))).toEqual([9_000, 4_096, 4_096]);
    });

    const sees = { [model]: { sees: true } };
    const picturesIn = (body: Record<string, unknown>) => (JSON.stringify(body).match(/base64/g) ?? []).length;
    const before = [
      { role: "system", content: textParts("Be brief.") },
      { role: "user", content: [imageOf("one"), ...textParts("One?")] },
      { role: "assistant", content: textParts("One.") },
    ] as const;
    const followUp = [...before, { role: "user", content: textParts("And now?") }] as const;
    const withPicture = [...before, { role: "user", content: [imageOf("two"), ...textParts("Two?")] }] as const;

    test("is shown pictures before the words, and words alone as before", async () => {
      server.answer = (_, response) => void response.end(paris);
      const { models } = open({}, { capabilities: sees });
      await told(models, { model, messages: withPicture, pictures: true });
      await told(models, { model, messages: followUp });
      const [first, second] = server.heard;
      const shown = Buffer.from("\xff\xd8\xfftwo", "latin1").toString("base64");
      expect(speech.lastIn(first?.body)).toEqual([speech.picturePart("image/jpeg", shown), speech.textPart("Two?")]);
      expect(speech.lastIn(second?.body)).toEqual("And now?");
      expect([first, second].map((heard) => picturesIn(heard?.body))).toEqual([2, 1]);
    });

    test("is told of pictures in words where it is known to see none", async () => {
      const { models } = open({}, { capabilities: { [model]: { sees: false } } });
      server.answer = (_, response) => void response.end(paris);
      expect((await told(models, { model, messages: followUp })).text).toBe("Paris.");
      expect(speech.asked(server.heard[0]?.body)[1]).toEqual(["user", "[a picture that this model cannot see]\nOne?"]);
      expect((await told(models, { model, messages: withPicture, pictures: true })).failed).toBe("blind");
      expect(server.heard).toHaveLength(1);
    });

    test.each([
      [400, "Failed to deserialize the JSON body: messages[1]: unknown variant `image_url`, expected `text`"],
      [404, "No endpoints found that support image input"],
      [400, "Model do not support image input"],
      [400, "messages[0].content must be a string"],
      [422, { detail: [{ loc: ["body", "messages", 0, "content", "str"], msg: "Input should be a valid string" }] }],
      [500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"],
      [400, "This model does not support images"],
    ])("learns that it sees none from %i %j", async (status, words) => {
      server.answer = ({ body }, response) => {
        if (picturesIn(body) > 0) refuse(response, status, words);
        else response.end(paris);
      };
      const { models, lines } = open();
      expect(models.capabilities(model).sees).toBe(true);
      for (const _ of [1, 2]) expect((await told(models, { model, messages: followUp })).text).toBe("Paris.");
      expect(server.heard.map(({ body }) => picturesIn(body))).toEqual([1, 0, 0]);
      expect([models.capabilities(model).sees, lines.length]).toEqual([false, 1]);
    });

    test("is not asked for a question with pictures once it has said that it sees none", async () => {
      const { models } = open();
      server.answer = (_, response) => refuse(response, 400, "This model does not support image input");
      const asked = { model, messages: withPicture, pictures: true };
      expect([(await told(models, asked)).failed, (await told(models, asked)).failed]).toEqual(["blind", "blind"]);
      expect(server.heard).toHaveLength(1);
    });

    test("goes on in words, this once, where it cannot take a picture of before", async () => {
      server.answer = ({ body }, response) => {
        if (picturesIn(body) > 0) refuse(response, 400, "Could not process image");
        else response.end(paris);
      };
      const { models } = open({}, { capabilities: sees });
      expect((await told(models, { model, messages: followUp })).text).toBe("Paris.");
      expect(speech.asked(server.heard[1]?.body)[1]).toEqual(["user", "[photo]\nOne?"]);
      expect(models.capabilities(model).sees).toBe(true);
      expect((await told(models, { model, messages: withPicture, pictures: true })).failed).toBe("bad-request");
    });

    test("gets the newest of many pictures, and words for the others", async () => {
      server.answer = (_, response) => void response.end(paris);
      const { models } = open({}, { capabilities: sees });
      const many = Array.from({ length: 25 }, (_, at) => imageOf(`${at}`));
      await told(models, { model, messages: [{ role: "user", content: many }], pictures: true });
      const shown = picturesIn(server.heard[0]?.body ?? {});
      expect([5, 8, 20]).toContain(shown);
      expect(JSON.stringify(server.heard[0]?.body).match(/\[photo\]/g)).toHaveLength(25 - shown);
      expect(JSON.stringify(speech.lastIn(server.heard[0]?.body))).toContain(base64Of(imageOf("24")));
    });

    test("puts the persona into the first question where the model takes no system message", async () => {
      server.answer = ({ body }, response) => {
        if (speech.asked(body)[0]?.[0] === "system") refuse(response, 400, "System role not supported");
        else response.end(paris);
      };
      const { models } = open();
      for (const _ of [1, 2]) expect((await told(models, { model })).text).toBe("Paris.");
      expect(server.heard).toHaveLength(3);
      expect(speech.asked(server.heard[2]?.body)).toEqual([["user", "Be brief.\n\nWhat is the capital of France?"]]);
      server.forget();
      await told(models, { model, messages: [...before.slice(0, 2)], pictures: true });
      const parts = [speech.picturePart("image/jpeg", base64Of(imageOf("one"))), speech.textPart("Be brief.\n\nOne?")];
      expect(speech.lastIn(server.heard[0]?.body)).toEqual(parts);
    });
  });
}

/** A picture that nobody could see. */
function imageOf(name: string): ImagePart {
  const data = Buffer.from(`\xff\xd8\xff${name}`, "latin1");
  return { type: "image", mime: "image/jpeg", data, width: 8, height: 6 };
}

function base64Of({ data }: ImagePart): string {
  return Buffer.from(data).toString("base64");
}

/** Cuts the connection as soon as this much has been sent. */
function breakAfter(response: ServerResponse, sent: string): void {
  response.write(sent, () => setTimeout(() => response.destroy(), 20));
}

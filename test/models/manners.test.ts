/** Models that want to be asked in another way, and answers that come in another one. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Models } from "../../src/ports/models.ts";
import { answered } from "../contracts/models.contract.ts";
import { createLlmServer, event, type Line, type LlmServer, paris, refuse, relayTo } from "../support/llm-server.ts";
import { asMessages, type Worded } from "../support/messages.ts";

let server: LlmServer;
let models: Models & { stop(): Promise<void> };
let lines: Line[];

function open(timers: Parameters<typeof relayTo>[1] = {}, more: Parameters<typeof relayTo>[2] = {}): void {
  ({ models, lines } = relayTo(`${server.origin}/v1`, timers, more));
}

beforeEach(async () => {
  server = await createLlmServer((_, response) => void response.end(paris));
  open();
});
afterEach(async () => {
  await models.stop();
  await server.stop();
});

const conversation: readonly Worded[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "One?" },
  { role: "assistant", content: "One." },
  { role: "user", content: "Two?" },
];

async function ask(worded = conversation): Promise<string> {
  let text = "";
  for await (const one of models.answer(
    { model: "relay/m", messages: asMessages(worded) },
    new AbortController().signal,
  )) {
    if (one.type === "text-delta") text += one.text;
  }
  return text;
}

describe("a model without a system role", () => {
  test.each([
    [400, "System role not supported"],
    [400, "Developer instruction is not enabled for models/gemma-3-27b-it"],
    [400, "Unsupported value: 'messages[0].role' does not support 'system' with this model."],
    [400, "This model does not support system messages."],
    [400, "Conversation roles must alternate user/assistant/user/assistant/..."],
    [400, 'Error rendering prompt with jinja template: "Only user and assistant roles are supported!"'],
    [400, "messages.0.role: Input should be 'user' or 'assistant'"],
    [400, "Unexpected role 'system' in message 0"],
    [400, "invalid role: system"],
    [400, "First message must have role 'user'"],
    [400, "The first message must be from the user."],
    [422, "Template error: template error: System role not supported (in <string>:1)"],
    [422, "System prompt is not allowed for this model"],
    [500, "System role not supported at row 1, column 52"],
  ])("%i %s: the persona goes into the first question, once and for all", async (status, complaint) => {
    server.answer = ({ body }, response) => {
      if (body.messages[0].role === "system") refuse(response, status, complaint);
      else response.end(paris);
    };
    expect([await ask(), await ask()]).toEqual(["Paris.", "Paris."]);
    const sent = [
      { role: "user", content: "Be brief.\n\nOne?" },
      { role: "assistant", content: "One." },
      { role: "user", content: "Two?" },
    ];
    expect(server.heard.map(({ body }) => body.messages)).toEqual([conversation, sent, sent]);
    expect(lines.map(({ message }) => message)).toEqual([
      "the model takes no system message; from now on the persona goes into its first question",
    ]);
  });

  test.each([
    [400, "The server is not available for this message"],
    [500, "internal server error"],
    [400, "The system is overloaded, your message was not processed"],
    [400, "unexpected end of the conversation"],
    [401, "System role not supported"],
  ])("is no conclusion from %i %s", async (status, complaint) => {
    server.answer = (_, response) => refuse(response, status, complaint);
    open({ failedMs: 0 });
    await answered(models, "relay/m");
    await ask().catch(() => undefined);
    expect(server.heard).toHaveLength(2);
    expect(server.heard[1]?.body.messages).toEqual(conversation);
  });

  test("may say so with the status 200", async () => {
    server.answer = ({ body }, response) => {
      const refusal = { error: { message: "System role not supported", code: 400 } };
      if (body.messages[0].role === "system") response.end(`data: ${JSON.stringify(refusal)}\n\n`);
      else response.end(paris);
    };
    expect([await ask(), await ask()]).toEqual(["Paris.", "Paris."]);
    expect(server.heard).toHaveLength(3);
  });

  test("is told no second time when the persona was not the reason", async () => {
    server.answer = (_, response) => refuse(response, 400, "System role not supported");
    await expect(ask()).rejects.toMatchObject({ kind: "bad-request" });
    expect(server.heard).toHaveLength(2);
  });
});

const wholeAnswer = JSON.stringify({
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "Paris." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 4, completion_tokens: 2 },
});

describe("a model that may not be streamed", () => {
  test.each([
    [400, "Your organization must be verified to stream this model. Please go to: https://platform.example.com/"],
    [400, "Unsupported value: 'stream' does not support true with this model. Only false is supported."],
    [422, "Streaming is not supported for this model"],
    [403, "streaming is disabled for this account"],
    [400, "streaming not implemented"],
    [422, "body.stream: Input should be False"],
  ])("%i %s: is asked without, once and for all", async (status, complaint) => {
    server.answer = ({ body }, response) => {
      if (body.stream) return refuse(response, status, complaint);
      response.setHeader("content-type", "application/json");
      response.end(wholeAnswer);
    };
    expect([await ask(), await ask()]).toEqual(["Paris.", "Paris."]);
    expect(server.heard.map(({ body }) => [body.stream, "stream_options" in body])).toEqual([
      [true, false],
      [false, false],
      [false, false],
    ]);
  });

  test("may say so with the status 200", async () => {
    server.answer = ({ body }, response) => {
      response.setHeader("content-type", "application/json");
      const refusal = { error: { message: "You must be verified to stream this model", param: "stream" } };
      response.end(body.stream ? JSON.stringify(refusal) : wholeAnswer);
    };
    expect([await ask(), await ask()]).toEqual(["Paris.", "Paris."]);
    expect(server.heard.map(({ body }) => body.stream)).toEqual([true, false, false]);
  });

  test("that also takes no system message and refuses a field is asked as it wants to be, within the calls of a question", async () => {
    open({}, { maxTokens: 9 });
    server.answer = ({ body }, response) => {
      if ("max_tokens" in body) refuse(response, 400, "Unsupported parameter: 'max_tokens'");
      else if ("max_completion_tokens" in body) refuse(response, 400, "Unsupported parameter: 'max_completion_tokens'");
      else if (body.stream) refuse(response, 400, "must be verified to stream this model");
      else if (body.messages[0].role === "system") refuse(response, 400, "System role not supported");
      else response.end(wholeAnswer);
    };
    expect(await ask()).toBe("Paris.");
    expect(server.heard).toHaveLength(5);
    expect(await ask()).toBe("Paris.");
    expect(server.heard).toHaveLength(6);
  });

  test("has time for its whole answer", async () => {
    open({ firstTokenMs: 200, silentMs: 20_000 });
    server.answer = ({ body }, response) => {
      if (body.stream) refuse(response, 400, "must be verified to stream this model");
      else setTimeout(() => response.end(wholeAnswer), 600);
    };
    expect(await ask()).toBe("Paris.");
  });
});

describe("an answer is understood", () => {
  const streams = ["text/event-stream", "text/plain", "application/octet-stream", "application/json", "text/html", ""];
  test.each(streams)("as a stream of type %j", async (type) => {
    server.answer = (_, response) => {
      if (type !== "") response.setHeader("content-type", type);
      response.end(paris);
    };
    const { text, events } = await answered(models, "relay/m");
    expect([text, events.at(-1)]).toEqual(["Paris.", { type: "answer-end", model: "relay/m", finish: "stop" }]);
  });

  test.each(["application/json", "text/event-stream", "text/plain", ""])("whole, of type %j", async (type) => {
    server.answer = (_, response) => {
      if (type !== "") response.setHeader("content-type", type);
      response.end(wholeAnswer);
    };
    const { text, events } = await answered(models, "relay/m");
    expect(text).toBe("Paris.");
    expect(events.at(-1)).toMatchObject({
      finish: "stop",
      usage: { inputTokens: 4, cachedTokens: 0, outputTokens: 2 },
    });
  });

  test("with the status 201", async () => {
    server.answer = (_, response) => void response.writeHead(201).end(paris);
    expect((await answered(models, "relay/m")).text).toBe("Paris.");
  });

  test.each([
    ["gzip", gzipSync(paris)],
    ["x-gzip", gzipSync(paris)],
    ["GZIP", gzipSync(paris)],
    ["deflate", deflateSync(paris)],
    ["deflate", deflateRawSync(paris)],
    ["br", brotliCompressSync(paris)],
    ["zstd", zstdCompressSync(paris)],
    ["identity", Buffer.from(paris)],
    ["gzip, identity", gzipSync(paris)],
    ["deflate, gzip", gzipSync(deflateSync(paris))],
    ["gzip, gzip", gzipSync(gzipSync(paris))],
    ...["gzip", "deflate", "br", "zstd"].flatMap((name): [string, Buffer][] => [
      [name, Buffer.from(paris)],
      [name, Buffer.from(wholeAnswer)],
    ]),
  ])("compressed by %s that nobody has asked for", async (encoding, body) => {
    server.answer = (_, response) => {
      response.setHeader("content-encoding", encoding);
      for (let at = 0; at < body.length; at += 10) response.write(body.subarray(at, at + 10));
      response.end();
    };
    expect((await answered(models, "relay/m")).text).toBe("Paris.");
  });

  test("compressed without a word about it is named as what it is", async () => {
    open({ failedMs: 0 });
    server.answer = (_, response) => void response.end(gzipSync(paris));
    const { error } = await answered(models, "relay/m");
    expect(error?.kind).toBe("not-a-stream");
    expect(error?.message).toContain("compressed without a content-encoding");
  });

  test.each([
    ["in one line", JSON.stringify(JSON.parse(wholeAnswer))],
    ["in many lines", JSON.stringify(JSON.parse(wholeAnswer), undefined, 2)],
  ])("whole, %s, on a connection that is left open", async (_, body) => {
    open({ silenceMs: 60_000, usageMs: 20 });
    for (const bytes of [body.length, 7]) {
      server.answer = (__, response) => {
        for (let at = 0; at < body.length; at += bytes) response.write(body.slice(at, at + bytes));
      };
      expect((await answered(models, "relay/m")).text).toBe("Paris.");
    }
  });

  test("that is compressed and cut is cut, and a refusal that is compressed is read", async () => {
    open({ failedMs: 0 });
    const half = gzipSync(event({ content: "Par" }));
    server.answer = (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(half.subarray(0, -8));
    };
    const cut = await answered(models, "relay/m");
    expect([cut.text, cut.error?.kind]).toEqual(["Par", "truncated"]);
    const body = gzipSync(JSON.stringify({ error: { message: "prompt is too long" } }));
    server.answer = (_, response) => void response.writeHead(400, { "content-encoding": "gzip" }).end(body);
    expect((await answered(models, "relay/m")).error?.kind).toBe("context-overflow");
  });

  test("as it comes when it is compressed", async () => {
    const { createGzip, constants } = await import("node:zlib");
    server.answer = (_, response) => {
      response.setHeader("content-encoding", "gzip");
      const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
      gzip.pipe(response);
      gzip.write(event({ content: "Par" }));
    };
    const stop = new AbortController();
    for await (const one of models.answer({ model: "relay/m", messages: asMessages(conversation) }, stop.signal)) {
      if (one.type !== "text-delta") continue;
      expect(one.text).toBe("Par");
      stop.abort();
    }
    expect(stop.signal.aborted).toBe(true);
  });
});

describe("a classified error in a body of status 200", () => {
  test.each([
    ["text/event-stream", JSON.stringify({ error: { message: "Incorrect API key provided", code: 401 } }), "auth", 1],
    [
      "text/event-stream",
      JSON.stringify({ error: { message: "no such key", type: "authentication_error" } }),
      "auth",
      1,
    ],
    ["application/json", JSON.stringify({ error: { message: "no credits left", code: "402" } }), "quota", 1],
    ["application/json", JSON.stringify({ status: 401, message: "Unauthorized" }), "auth", 1],
    ["text/plain", JSON.stringify({ detail: "Invalid API key" }), "auth", 1],
    ["text/event-stream", `data: ${JSON.stringify({ error: { code: 403, message: "no" } })}\n\n`, "auth", 1],
    ["text/event-stream", `event: error\ndata: ${JSON.stringify({ message: "invalid api key" })}\n\n`, "auth", 1],
    [
      "text/event-stream",
      JSON.stringify({ error: { code: 404, message: "No endpoints found for m." } }),
      "not-found",
      1,
    ],
  ])("%s %s is that error, and is not repeated", async (type, body, kind, calls) => {
    server.answer = (_, response) => {
      response.setHeader("content-type", type);
      response.end(body);
    };
    const { error } = await answered(models, "relay/m");
    expect([error?.kind, server.heard.length]).toEqual([kind, calls]);
  });
});

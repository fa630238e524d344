/** What a provider may send at most, whatever it sends. */
import type { ServerResponse } from "node:http";
import { createGzip, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Work } from "../../src/base/in-hand.ts";
import { createAnswerReader } from "../../src/models/wires/answer-reader.ts";
import { chatCompletions } from "../../src/models/wires/chat-completions.ts";
import type { Models } from "../../src/ports/models.ts";
import { answered, until } from "../contracts/models.contract.ts";
import { createLlmServer, event, type LlmServer, refuse, relayTo } from "../support/llm-server.ts";
import { asMessages } from "../support/messages.ts";

const longest = 200_000;
const mebibyte = 1024 * 1024;

let server: LlmServer;
let models: Models & { stop(): Promise<void> };
/** Bytes that left the server, and whether it was cut off. */
let sent = 0;
let cut = false;

beforeEach(async () => {
  server = await createLlmServer((_, response) => void response.end());
  ({ models } = relayTo(`${server.origin}/v1`, { failedMs: 0, refusedMs: 0 }));
  sent = 0;
  cut = false;
});
afterEach(async () => {
  await models.stop();
  await server.stop();
});

/** Writes as fast as it is read, `most` bytes at most, then never ends. */
function flood(response: ServerResponse, piece: string | Buffer, most = 400 * mebibyte, head = ""): void {
  const { socket } = response;
  response.on("close", () => {
    sent = socket?.bytesWritten ?? 0;
    cut = !response.writableFinished;
  });
  if (head !== "") response.write(head);
  const write = (): void => {
    while (!response.destroyed && (socket?.bytesWritten ?? 0) < most) {
      if (!response.write(piece)) return void response.once("drain", write);
    }
  };
  write();
}

/** How much of memory an answer has taken at its worst, in MiB. */
async function memoryOf<T>(work: Promise<T>): Promise<{ readonly result: T; readonly peak: number }> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  const result = await work;
  clearInterval(timer);
  return { result, peak: (peak - before) / mebibyte };
}

const data = "x".repeat(997);

describe("an answer is read up to 200,000 characters, then ended and its connection closed", () => {
  const answers: Record<string, (response: ServerResponse) => void> = {
    "in events": (response) => flood(response, event({ content: data }).repeat(20)),
    "in one event without an end": (response) =>
      flood(response, data, undefined, 'data: {"choices":[{"index":0,"delta":{"content":"'),
    "in a JSON body without an end": (response) =>
      flood(response, `${data}\\n`, undefined, '{"choices":[{"index":0,"message":{"role":"assistant","content":"'),
    "in JSON lines": (response) => flood(response, `${event({ content: data }).slice(6).trim()}\n`),
    "in messages where deltas were due": (response) =>
      flood(response, `data: ${JSON.stringify({ choices: [{ message: { content: data } }] })}\n\n`),
    compressed: (response) => {
      response.setHeader("content-encoding", "gzip");
      const gzip = createGzip();
      gzip.pipe(response);
      flood(response, "", 0);
      const write = (): void => {
        while (!response.destroyed)
          if (!gzip.write(event({ content: data }).repeat(50))) return void gzip.once("drain", write);
      };
      write();
    },
  };

  test.each(Object.entries(answers))("%s", async (_, write) => {
    server.answer = (__, response) => write(response);
    const { result, peak } = await memoryOf(answered(models, "relay/m"));
    expect(result.error).toBeUndefined();
    expect(result.text).toHaveLength(longest);
    expect(result.events.at(-1)).toEqual({ type: "answer-end", model: "relay/m", finish: "too-long" });
    await until(() => cut);
    expect(sent).toBeLessThan(24 * mebibyte);
    expect(peak).toBeLessThan(300);
  });

  test("of 50 MB that come at once", async () => {
    server.answer = (_, response) => void response.end(event({ content: "y".repeat(50 * mebibyte) }, "stop"));
    const { text, events } = await answered(models, "relay/m");
    expect(text).toBe("y".repeat(longest));
    expect(events.at(-1)).toMatchObject({ finish: "too-long" });
    expect(server.heard).toHaveLength(1);
  });

  test("but one of exactly so many is whole", async () => {
    const whole = event({ content: "z".repeat(longest) }) + event({}, "stop");
    server.answer = (_, response) => void response.end(`${whole}data: [DONE]\n\n`);
    const { text, events } = await answered(models, "relay/m");
    expect([text.length, events.at(-1)]).toEqual([longest, { type: "answer-end", model: "relay/m", finish: "stop" }]);
  });

  test("and no character is cut in two", () => {
    const reader = createAnswerReader({ wire: chatCompletions });
    reader.push(event({ content: `x${"😀".repeat(longest)}` }));
    reader.end(false);
    const text = reader.takeText();
    expect([reader.finish, text.length, text.isWellFormed()]).toEqual(["too-long", longest - 1, true]);
  });

  test("thoughts do not count, nor do invisible characters count as an answer", async () => {
    const thoughts =
      event({ reasoning_content: data }).repeat(300) + event({ content: `<think>${"t".repeat(300_000)}</think>` });
    server.answer = (_, response) =>
      void response.end(`${thoughts}${event({ content: "Paris." }, "stop")}data: [DONE]\n\n`);
    const { text, events } = await answered(models, "relay/m");
    expect([text, events.at(-1)]).toMatchObject(["Paris.", { finish: "stop" }]);
    server.answer = (_, response) => flood(response, event({ content: "\u200b".repeat(300) }));
    expect((await answered(models, "relay/m")).error?.kind).toBe("timeout");
  });
});

describe("what has no end is given up, after a bounded part of it", () => {
  const floods: Record<string, readonly [piece: string | Buffer, kind: string, head?: string]> = {
    "thoughts in a field": [event({ reasoning_content: data }), "timeout"],
    "thoughts in a tag": [event({ content: data }), "timeout", event({ content: "<think>" })],
    "thoughts in a channel": [
      event({ content: data }),
      "timeout",
      event({ content: "<|channel|>analysis<|message|>" }),
    ],
    comments: [`: ${data}\n\n`, "not-a-stream"],
    "blank lines": ["\n".repeat(1000), "not-a-stream"],
    "events of nothing": [event({}), "not-a-stream"],
    "a line": [data, "not-a-stream", "data: "],
    "an event of many lines": [`data: "${data}",\n`, "not-a-stream", "data: [\n"],
    "a page": [`<p>${data}`, "not-a-stream", "<html>"],
    "JSON that says nothing": [`"${data}",`, "not-a-stream", "["],
    "a picture": [
      Buffer.from("A".repeat(50_000)),
      "not-a-stream",
      'data: {"choices":[{"delta":{"images":[{"url":"data:image/png;base64,',
    ],
  };

  test.each(Object.entries(floods))("%s", { timeout: 60_000 }, async (what, [piece, kind, head = ""]) => {
    server.answer = (_, response) =>
      flood(response, Buffer.from(piece).length > 900 ? piece : String(piece).repeat(20), undefined, head);
    const { result, peak } = await memoryOf(answered(models, "relay/m"));
    expect([result.error?.kind, result.text]).toEqual([kind, ""]);
    await until(() => cut);
    expect(peak).toBeLessThan(300);
    expect(sent).toBeLessThan((what === "a picture" ? 300 : 64) * mebibyte);
    expect(server.heard).toHaveLength(1);
  });

  test.each([
    [200, "\n"],
    [200, ":"],
    [500, " "],
    [400, "x"],
  ])("a bomb: status %i, a gigabyte of %j compressed to a megabyte", async (status, character) => {
    const bomb = gzipSync(character.repeat(100 * mebibyte));
    server.answer = (_, response) => {
      response.writeHead(status, { "content-encoding": "gzip", "content-type": "application/json" });
      response.on("error", () => {});
      for (let part = 0; part < 10; part++) response.write(bomb);
      response.end();
    };
    const { result, peak } = await memoryOf(answered(models, "relay/m"));
    expect(result.error?.kind).toBe(status === 200 ? "not-a-stream" : status === 400 ? "bad-request" : "upstream");
    expect(peak).toBeLessThan(300);
  });

  test.each([400, 401, 404, 429, 500, 307])("the body of status %i", async (status) => {
    server.answer = (_, response) => {
      response.writeHead(status, { "content-type": "text/plain" });
      flood(response, data);
    };
    const { error } = await answered(models, "relay/m");
    expect(error?.status).toBe(status);
    await until(() => cut);
    expect(sent).toBeLessThan(8 * mebibyte);
  });

  test("a refusal that dribbles is known by its status", { timeout: 30_000 }, async () => {
    server.answer = (_, response) => {
      response.writeHead(401, { "content-type": "application/json" });
      const timer = setInterval(() => response.write(" "), 100);
      response.on("close", () => {
        cut = true;
        clearInterval(timer);
      });
    };
    expect((await answered(models, "relay/m")).error?.kind).toBe("auth");
    await until(() => cut);
  });
});

describe("what a provider says is read in the name of who has asked", () => {
  test("its refusals, too", async () => {
    server.answer = (_, response) => refuse(response, 400, "the field 'temperature' is none of ours");
    let works = 0;
    const work: Work = (inner) => {
      works += 1;
      return inner();
    };
    const request = { model: "relay/m", messages: asMessages([{ role: "user", content: "Well?" }]), work };
    await expect(Array.fromAsync(models.answer(request, new AbortController().signal))).rejects.toThrow("none of ours");
    // What it says, and whether anything is to be learnt from it.
    expect(works).toBeGreaterThan(1);
  });
});

/** Pictures that come with an answer: which of them are read, however they come. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { largestPictureBytes } from "../../../src/base/picture-formats.ts";
import { type AnswerReader, createAnswerReader } from "../../../src/models/wires/answer-reader.ts";
import { wireOf } from "../../../src/models/wires/wires.ts";

const heads = { png: "\x89PNG\r\n\x1a\n", jpeg: "\xff\xd8\xff", webp: "RIFF\0\0\0\0WEBP", gif: "GIF89a" };

/** The bytes of a picture, as far as anybody looks at them here. */
function picture(seed: string, format: keyof typeof heads = "png", length = 2_000): Buffer {
  const bytes = Buffer.alloc(length, seed);
  bytes.write(heads[format], "latin1");
  return bytes;
}

const url = (bytes: Buffer, format = "png") => `data:image/${format};base64,${bytes.toString("base64")}`;
const imagesOf = (...urls: string[]) => urls.map((one) => ({ type: "image_url", image_url: { url: one } }));
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const chunk = (delta: object, more: object = {}) =>
  event({ choices: [{ index: 0, delta, finish_reason: null, ...more }] });
const stop = `${chunk({}, { finish_reason: "stop" })}data: [DONE]\n\n`;

function read(parts: readonly string[], wire: "chat" | "responses" = "chat"): AnswerReader & { readonly text: string } {
  const reader = createAnswerReader({ wire: wireOf(wire) });
  let text = "";
  for (const part of parts) {
    reader.push(part);
    text += reader.takeText();
  }
  reader.end(true);
  text += reader.takeText();
  return Object.assign(Object.create(reader), { text });
}

const formats = (reader: AnswerReader) => reader.drawn.map(({ mime }) => mime);

describe("a picture in an answer", () => {
  const sun = picture("sun");

  it.each<[string, string]>([
    ["a piece", chunk({ content: "Here.", images: imagesOf(url(sun)) }) + stop],
    ["a piece, alone in its field", chunk({ content: "Here.", image: { url: url(sun) } }) + stop],
    ["a part of the content", chunk({ content: [{ type: "text", text: "Here." }, ...imagesOf(url(sun))] }) + stop],
    ["Markdown", chunk({ content: `Here.![a](${url(sun)})` }) + stop],
    [
      "a piece, its slashes escaped",
      (chunk({ content: "Here.", images: imagesOf(url(sun)) }) + stop).replaceAll("/", "\\/"),
    ],
    [
      "a whole answer",
      JSON.stringify({
        choices: [{ message: { content: "Here.", images: imagesOf(url(sun)) }, finish_reason: "stop" }],
      }),
    ],
    [
      "a piece, and in the whole once more",
      chunk({ content: "Here.", images: imagesOf(url(sun)) }) +
        event({ choices: [{ message: { content: "Here.", images: imagesOf(url(sun)) }, finish_reason: "stop" }] }) +
        stop,
    ],
  ])("is read as %s", (_how, stream) => {
    const reader = read([stream]);
    expect(reader.text).toBe("Here.");
    expect(reader.drawn).toEqual([{ bytes: sun, mime: "image/png" }]);
    expect(reader.pictures).toBe(1);
  });

  it("is read wherever the network cuts it", () => {
    const stream = chunk({ content: "Here.", images: imagesOf(url(sun), url(picture("moon", "jpeg"), "jpeg")) }) + stop;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const reader = read(at.slice(1).map((end, index) => stream.slice(at[index], end)));
        expect(reader.drawn).toEqual([
          { bytes: sun, mime: "image/png" },
          { bytes: picture("moon", "jpeg"), mime: "image/jpeg" },
        ]);
      }),
      { numRuns: 50 },
    );
  });

  it("is known by its content, whatever it is called", () => {
    const webp = url(picture("w", "webp"), "png");
    expect(formats(read([chunk({ images: imagesOf(webp, url(picture("j", "jpeg"))) }) + stop]))).toEqual([
      "image/webp",
      "image/jpeg",
    ]);
    const reader = read([
      chunk({ images: imagesOf(url(picture("g", "gif"), "gif"), url(Buffer.alloc(2_000))) }) + stop,
    ]);
    expect([formats(reader), reader.pictures]).toEqual([[], 2]);
  });

  it("is one of four at most", () => {
    const many = ["a", "b", "c", "d", "e", "f"].map((seed) => url(picture(seed)));
    const reader = read([chunk({ images: imagesOf(...many) }) + stop]);
    expect(reader.drawn.map(({ bytes }) => String.fromCharCode(bytes.at(-1) ?? 0))).toEqual(["a", "b", "c", "d"]);
    expect(reader.pictures).toBe(6);
  });

  it("is as large as Telegram takes it, and no larger", () => {
    const [fits, exceeds] = [0, 1].map((more) => picture("x", "png", largestPictureBytes + more));
    const reader = read([chunk({ images: imagesOf(url(exceeds ?? sun), url(fits ?? sun)) }) + stop]);
    expect(reader.drawn.map(({ bytes }) => bytes.length)).toEqual([largestPictureBytes]);
    expect(reader.pictures).toBe(2);
  });

  it("that somebody writes about is none", () => {
    const code = '```html\n<img src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==">\n```';
    const reader = read([chunk({ content: code }) + stop]);
    expect(reader.text).toBe(code);
    const long = read([chunk({ content: `<img src="${url(sun)}">` }) + stop]);
    expect([reader, long].map(({ drawn, pictures }) => [drawn, pictures])).toEqual([
      [[], 0],
      [[], 0],
    ]);
  });

  it("that was cut is none", () => {
    const stream = chunk({ content: "Here.", images: imagesOf(url(sun)) });
    expect(read([stream.slice(0, 1_500)]).drawn).toEqual([]);
  });

  it("that comes a character at a time costs no more than its length", () => {
    const large = picture("x", "png", 2 ** 20);
    const reader = read([...(chunk({ images: imagesOf(url(large)) }) + stop)]);
    expect(reader.drawn.map(({ bytes }) => bytes.length)).toEqual([2 ** 20]);
  }, 60_000);
});

describe("a picture that a tool of the provider has drawn", () => {
  const sun = picture("sun");
  const item = { type: "image_generation_call", id: "ig_1", status: "completed", result: sun.toString("base64") };
  const text = { type: "response.output_text.delta", output_index: 1, delta: "Here." };
  const message = { type: "message", content: [{ type: "output_text", text: "Here." }] };
  const completed = { type: "response.completed", response: { status: "completed", output: [item, message] } };
  const events = [
    { type: "response.output_item.added", output_index: 0, item: { ...item, result: null, status: "in_progress" } },
    { type: "response.output_item.done", output_index: 0, item },
    text,
    completed,
  ];

  it.each([
    ["in the stream and in its end", events],
    ["in the end alone", [text, completed]],
  ])("is read once, %s", (_where, all) => {
    const reader = read([all.map(event).join("")], "responses");
    expect(reader.text).toBe("Here.");
    expect(reader.drawn).toEqual([{ bytes: sun, mime: "image/png" }]);
    expect(reader.pictures).toBe(1);
  });

  it("goes back to nobody", () => {
    const call = { type: "function_call", call_id: "c", name: "f", arguments: "{}" };
    const done = { type: "response.output_item.done", output_index: 2, item: call };
    const reader = read([[...events.slice(0, 2), done, completed].map(event).join("")], "responses");
    expect(JSON.stringify(reader.native)).not.toContain(item.result.slice(0, 100));
    expect(reader.native).toHaveLength(2);
  });
});

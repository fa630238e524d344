import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { goOn } from "../../../src/chat/continuation.ts";
import { createScriptedModel, type ScriptedModel } from "../../../src/playground/model/scripted-model.ts";
import { greyJpeg } from "../../../src/playground/pictures.ts";

describe("the scripted model", () => {
  let model: ScriptedModel;
  beforeEach(async () => {
    model = await createScriptedModel({ tokensPerSecond: Number.POSITIVE_INFINITY });
  });
  afterEach(() => model.stop());

  async function ask(
    question: unknown,
    more: object = {},
  ): Promise<{ status: number; text: string; events: string[] }> {
    const response = await fetch(`${model.url}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: question }], stream: true, ...more }),
    });
    const events = (await response.text())
      .split("\n\n")
      .filter((event) => event !== "")
      .map((event) => event.replace(/^data: /, ""));
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      return { status: response.status, text: "", events };
    }
    const text = events
      .filter((event) => event !== "[DONE]")
      .map((event) => JSON.parse(event).choices?.[0]?.delta.content ?? "")
      .join("");
    return { status: response.status, text, events };
  }

  test.each(["hello", "help", "show me markdown", "echo *this*", "why is the sky blue?", ""])(
    "says in its answer to %j that no model wrote it",
    async (question) => {
      const { text } = await ask(question);
      expect(text).toMatch(/^\*\(scripted demo model: no AI here\)\*\n\n\S/);
    },
  );

  test("answers the same question in the same way, and mentions it", async () => {
    const one = await ask("why is the sky blue?");
    expect(one.text).toContain("why is the sky blue?");
    expect((await ask("why is the sky blue?")).text).toBe(one.text);
  });

  test("says of pictures what it was sent", async () => {
    const bytes = Buffer.from(greyJpeg({ width: 640, height: 480 }));
    const url = `data:image/jpeg;base64,${bytes.toString("base64")}`;
    const picture = { type: "image_url", image_url: { url } };
    const { text } = await ask([picture, { type: "text", text: "help" }]);
    expect(text).toContain(`I see a picture, with the words “help”:`);
    expect(text).toContain(`- JPEG, 640 × 480 pixels, ${bytes.length} bytes, sent as image/jpeg`);
    const broken = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    expect((await ask([picture, broken])).text).toMatch(/I see 2 pictures, without a word:[\s\S]*- unknown pixels, 3/);
    expect((await ask("hello")).text).not.toContain("picture");
  });

  test("echoes any text, of any script, without a change", async () => {
    const text = "**bold** 👩‍👩‍👧 漢字\n\n```js\nlet x;\n```\n  end";
    expect((await ask(`echo ${text}`)).text.endsWith(`\n\n${text}`)).toBe(true);
  });

  test("shows everything that a message can show", async () => {
    const { text } = await ask("markdown");
    for (const part of ["```python", "| :--- |", "\n> ", "\n1. ", "$\\varphi", "~~"]) expect(text).toContain(part);
  });

  test("has an answer that needs more than one message, and says in it that no model wrote it", async () => {
    const { text } = await ask("tell me a long story");
    expect(text).toMatch(/^\*\(scripted demo model: no AI here\)\*\n\n\S/);
    expect(text.length).toBeGreaterThan(6000);
  });

  test("has an answer that is cut at the length limit, and goes on with it when it is asked to", async () => {
    const parts: string[] = [];
    const finishes: unknown[] = [];
    let former = "";
    for (let part = 0; part < 3; part++) {
      const messages = [
        { role: "user", content: "show me length" },
        ...(part === 0
          ? []
          : [
              { role: "assistant", content: former },
              { role: "user", content: goOn },
            ]),
      ];
      const { text, events } = await ask("", { messages });
      parts.push(text);
      former += text;
      finishes.push(JSON.parse(events.at(-2) ?? "").choices[0].finish_reason);
    }
    expect(finishes).toEqual(["length", "length", "stop"]);
    expect(parts.map((text) => text.includes("no AI here"))).toEqual([true, false, false]);
    expect(former).toMatch(
      /the first thing that matters.*gathered, and the message on the screen is brought up to date/s,
    );
    expect((await ask("help")).text).toContain("**length**");
  });

  test("sends usage when it is asked for", async () => {
    const { events } = await ask("hello", { stream_options: { include_usage: true } });
    const usage = JSON.parse(events.at(-2) ?? "").usage;
    expect(usage.completion_tokens).toBeGreaterThan(5);
    expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
    expect((await ask("hello")).events.some((event) => event.includes("usage"))).toBe(false);
  });

  test.each([
    ["fail 429", 429],
    ["fail 500", 500],
    ["fail 401", 401],
  ])("%s is refused with %i", async (question, status) => {
    expect((await ask(question)).status).toBe(status);
  });

  test("breaks off in mid-answer when it is told to", async () => {
    await expect(ask("fail cut")).rejects.toThrow();
    expect(model.requests[0]?.firstTextAt).toBeDefined();
    expect((await ask("fail error")).events.at(-1)).toContain('"error"');
  });

  test("follows its script: the next answers first, then the standing one, then the question's", async () => {
    model.script.always({ text: "always" });
    model.script.next({ text: "first" }, { text: "second" });
    const texts: string[] = [];
    for (let call = 0; call < 3; call++) texts.push((await ask("hello")).text);
    model.script.always(undefined);
    texts.push((await ask("echo own")).text.slice(-3));
    expect(texts).toEqual(["first", "second", "always", "own"]);
  });

  test("writes no faster than it is told to", async () => {
    model.script.next({ chunks: Array(10).fill("x"), tokensPerSecond: 50, delayFirstMs: 100 });
    const startedAt = performance.now();
    expect((await ask("?")).text).toBe("xxxxxxxxxx");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(100 + 9 * 20 - 5);
  });

  test("remembers what it was asked", async () => {
    await ask("hello", { temperature: 0.5 });
    expect(model.requests).toMatchObject([{ body: { model: "demo", temperature: 0.5 } }]);
    expect(model.requests[0]?.endedAt).toBeGreaterThanOrEqual(model.requests[0]?.firstTextAt ?? Infinity);
  });

  test("refuses what is no request", async () => {
    const post = (path: string, body: string) => fetch(model.url + path, { method: "POST", body });
    expect((await post("/models", "{}")).status).toBe(404);
    expect((await post("/chat/completions", "nonsense")).status).toBe(400);
    expect((await post("/chat/completions", '{"model":"m"}')).status).toBe(400);
  });

  test("carries hundreds of streams at once", async () => {
    model.script.always({ chunks: ["a", "b", "c", "d"], tokensPerSecond: 40 });
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask("?")));
    expect(answers.every(({ text, events }) => text === "abcd" && events.at(-1) === "[DONE]")).toBe(true);
    expect(model.writing).toBe(0);
  });
});

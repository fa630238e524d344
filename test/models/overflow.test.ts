/** Models that find a conversation too long. */
import { describe, expect, test } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import type { ModelEvent, Models } from "../../src/ports/models.ts";
import { asMessages } from "../support/messages.ts";
import { alone, createProvidersScene } from "../support/providers-scene.ts";

const scene = createProvidersScene();
const { open } = scene;

const tooLong = {
  status: 400,
  body: { error: { message: "maximum context length is 8192 tokens", code: "context_length_exceeded" } },
};
const whole = ["one", "two", "three", "why?"];
const half = ["three", "why?"];

async function ask(models: Models, shorter?: () => readonly string[] | undefined) {
  const asUser = (texts: readonly string[]) => asMessages(texts.map((content) => ({ role: "user", content })));
  const lines: object[] = [];
  const log = {
    info: (fields: object, message: string) => void lines.push({ ...fields, message }),
    warn: (fields: object, message: string) => void lines.push({ ...fields, message }),
  };
  const request = {
    model: "openai/a",
    messages: asUser(whole),
    log,
    ...(shorter === undefined
      ? {}
      : {
          shorter: () => {
            const texts = shorter();
            return texts && asUser(texts);
          },
        }),
  };
  const events: ModelEvent[] = [];
  let kind: string | undefined;
  try {
    for await (const event of models.answer(request, new AbortController().signal)) events.push(event);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    kind = error.kind;
  }
  const again = events.flatMap((event) => (event.type === "trying-again" ? [event.reason] : []));
  return { attempts: events.filter(({ type }) => type === "attempt"), again, kind, lines };
}

const asked = (which: "first" | "second") =>
  scene[which].requests.map(({ body }) => body.messages.map(({ content }) => content));

describe("a model that says that the conversation is too long", () => {
  test("is asked once more with half of it, before anybody else is, and the log of who asks knows why", async () => {
    scene.first.script.next(tooLong, { text: "Paris." });
    const { attempts, again, kind, lines } = await ask(open(), () => half);
    expect(kind).toBeUndefined();
    expect(again).toEqual(["context-overflow"]);
    expect(attempts).toEqual([
      { type: "attempt", model: "openai/a" },
      { type: "attempt", model: "openai/a", shorter: true },
    ]);
    expect([asked("first"), asked("second")]).toEqual([[whole, half], []]);
    expect(lines).toMatchObject([{ message: "a model call failed", kind: "context-overflow" }]);
  });

  test("again is left for the next one, which may read all of it", async () => {
    scene.first.script.always(tooLong);
    scene.second.script.always({ text: "Paris." });
    const { attempts, kind } = await ask(open(), () => half);
    expect(kind).toBeUndefined();
    expect(attempts.at(-1)).toEqual({ type: "attempt", model: "deepseek/b" });
    expect([asked("first"), asked("second")]).toEqual([[whole, half], [whole]]);
  });

  test("again, as all others do, ends the question", async () => {
    scene.first.script.always(tooLong);
    scene.second.script.always(tooLong);
    const { kind } = await ask(open(), () => half);
    expect(kind).toBe("context-overflow");
    expect([asked("first"), asked("second")]).toEqual([
      [whole, half],
      [whole, half],
    ]);
  });

  test.each([
    ["is nothing to leave out", () => undefined],
    ["was nothing given to leave out", undefined],
  ])("is not asked again where there %s", async (_what, shorter) => {
    scene.first.script.always(tooLong);
    const { kind } = await ask(open({}, alone), shorter);
    expect([kind, asked("first")]).toEqual(["context-overflow", [whole]]);
  });

  test("is repeated with half of it when that fails for a while, within the calls of a question", async () => {
    scene.first.script.next(tooLong);
    scene.first.script.always({ status: 503 });
    const { kind } = await ask(open({}, alone), () => half);
    expect(kind).toBe("upstream");
    expect(asked("first")).toHaveLength(8);
    expect(asked("first").slice(1)).toEqual(Array.from({ length: 7 }, () => half));
  });
});

/** Whom a question with pictures goes to. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { textParts } from "../../src/ports/content.ts";
import { type Answering, createLlmServer, type LlmServer, refuse } from "../support/llm-server.ts";
import { speeches } from "../support/wire-streams.ts";
import { speaking, told } from "../support/wires.ts";

const { opening, closing, text, ending } = speeches.chat;
const answer = opening + text("A car.") + ending("stop") + closing;
const image = { type: "image", mime: "image/jpeg", data: Buffer.from("abc"), width: 8, height: 6 } as const;
const messages = [{ role: "user", content: [image, ...textParts("What is it?")] }] as const;
const question = { messages, pictures: true };
const see = { sees: true };
const blind = { sees: false };

let server: LlmServer;
let stop: (() => Promise<void>) | undefined;
beforeAll(async () => {
  server = await createLlmServer((_, response) => void response.end(answer));
});
afterEach(async () => {
  await stop?.();
  server.forget();
});
afterAll(() => server.stop());

const chain = (...models: readonly string[]) => models.map((model) => ({ model }));

/** Four models at one provider, of which c and d see; what the test changes of that. */
function open(
  more: Parameters<typeof speaking>[4] = {},
  respond: Answering = (_, response) => void response.end(answer),
) {
  server.answer = respond;
  const { models } = speaking(
    "mine",
    "chat",
    server.origin,
    {},
    {
      names: ["mine/a", "mine/b", "mine/c", "mine/d"],
      chains: Object.fromEntries(["a", "b", "c", "d"].map((name) => [`mine/${name}`, chain(`mine/${name}`)])),
      capabilities: { "mine/a": blind, "mine/b": blind, "mine/c": see, "mine/d": see, "mine/x": blind, "mine/y": see },
      ...more,
    },
  );
  stop = models.stop;
  return models;
}

const heard = () => server.heard.map(({ body }) => body.model);

describe("a question with pictures", () => {
  test("goes to the chosen model when that sees", async () => {
    const models = open();
    expect(models.seeing({ model: "mine/d" })).toBe("mine/d");
    expect((await told(models, { ...question, model: "mine/d" })).end?.model).toBe("mine/d");
    expect(heard()).toEqual(["d"]);
  });

  test("goes to the next of MODELS that sees, round the list, and only then to a fallback", async () => {
    const fallbacks = chain("mine/x", "mine/y");
    const models = open({ fallbacks }, (_, response) => refuse(response, 401, "no"));
    expect((await told(models, { ...question, model: "mine/b" })).failed).toBe("auth");
    expect(heard()).toEqual(["c", "d", "y"]);
    expect(models.seeing({ model: "mine/b" })).toBe("mine/c");
  });

  test("goes first to one that stands behind the chosen model for the case that it fails", async () => {
    const chains = { "mine/a": chain("mine/a", "mine/x", "mine/y"), "mine/c": chain("mine/c") };
    const models = open({ chains });
    expect((await told(models, { ...question, model: "mine/a" })).end?.model).toBe("mine/y");
  });

  test("goes to no other choice of MODELS when a model that sees only fails", async () => {
    const models = open({ fallbacks: chain("mine/x", "mine/y") }, (_, response) => refuse(response, 401, "no"));
    await told(models, { ...question, model: "mine/d" });
    expect(heard()).toEqual(["d", "y"]);
  });

  test("is asked of nobody when nobody sees", async () => {
    const models = open({ capabilities: { "mine/a": blind, "mine/b": blind, "mine/c": blind, "mine/d": blind } });
    expect(models.seeing({ model: "mine/a" })).toBeUndefined();
    expect(await told(models, { ...question, model: "mine/a" })).toMatchObject({ failed: "blind", types: [] });
    expect(heard()).toEqual([]);
  });

  test("is tried with a model that nobody knows, then goes where it can be seen, at once from then on", async () => {
    const models = open({ capabilities: { "mine/b": blind, "mine/c": see } }, ({ body }, response) => {
      if (body.model === "a") refuse(response, 400, "This model does not support image input");
      else response.end(answer);
    });
    expect(models.seeing({ model: "mine/a" })).toBe("mine/a");
    for (const _ of [1, 2]) {
      expect((await told(models, { ...question, model: "mine/a" })).end?.model).toBe("mine/c");
    }
    expect(heard()).toEqual(["a", "c", "c"]);
    expect(models.seeing({ model: "mine/a" })).toBe("mine/c");
  });

  test("asks each model to think as much as the settings want of it", async () => {
    const chains = { "mine/a": chain("mine/a"), "mine/c": [{ model: "mine/c", effort: "low" as const }] };
    await told(open({ chains }), { ...question, model: "mine/a" });
    expect(server.heard[0]?.body).toMatchObject({ model: "c", reasoning_effort: "low" });
  });

  test("goes to the model of auto that sees", async () => {
    const auto = { cheap: chain("mine/c"), strong: chain("mine/a") };
    const models = open({ auto, names: ["auto", "mine/d"] });
    expect(models.seeing({ model: "auto", tier: "cheap" })).toBe("mine/c");
    expect(models.seeing({ model: "auto", tier: "strong" })).toBe("mine/d");
  });
});

test("a question of words goes on with the chosen model, which is told what stands before it", async () => {
  const models = open();
  const asked = [...messages, { role: "assistant", content: textParts("A car.") } as const];
  const follow = [...asked, { role: "user", content: textParts("What colour?") } as const];
  expect((await told(models, { model: "mine/a", messages: follow })).end?.model).toBe("mine/a");
  const [first] = speeches.chat.asked(server.heard[0]?.body ?? {});
  expect(first).toEqual(["user", "[a picture that this model cannot see]\nWhat is it?"]);
});

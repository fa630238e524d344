/** The bot over models that it speaks to by other wires than Chat Completions; their server was made by others. */
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRig, type Rig } from "../support/bot-process.ts";

const key = "sk-wires-0123456789abcdef";
const mock = new LLMock({ port: 0, chunkSize: 5 });
let rig: Rig;

beforeAll(async () => {
  mock.onMessage("France", { content: "Paris, by **another** wire.", reasoning: "Hmm." });
  await mock.start();
  rig = await createRig({
    env: {
      MODELS: "openai/one,claude/two,xai/three,test/four",
      OPENAI_BASE_URL: `${mock.url}/v1`,
      OPENAI_WIRE: "responses",
      OPENAI_API_KEY: key,
      CLAUDE_BASE_URL: `${mock.url}/v1`,
      CLAUDE_WIRE: "messages",
      CLAUDE_API_KEY: key,
      // At its own address, which nobody asks for anything.
      XAI_API_KEY: key,
    },
  });
  await rig.start();
});
afterAll(async () => {
  await rig.stop();
  await mock.stop();
});

it("answers by Responses and by Messages, says at its start which it speaks, and asks nobody to find out", async () => {
  expect(rig.output()).toContain('"wires":{"openai":"responses","claude":"messages","xai":"responses","test":"chat"}');
  expect(mock.getRequests()).toEqual([]);
  const visitor = rig.visitor();
  const first = await visitor.ask("The capital of France?");
  expect(first.text).toBe("Paris, by another wire.");
  await visitor.sees(/two/, visitor.say("/model two"));
  const second = await visitor.ask("And of France?");
  expect(second.text).toBe("Paris, by another wire.");
  const again = await rig.visitor().ask("Somebody else: France?");
  expect(again.text).toBe("Paris, by another wire.");
  expect(mock.getRequests().map(({ path }) => path)).toEqual(["/v1/responses", "/v1/messages", "/v1/responses"]);
  expect(rig.output()).not.toContain(key);
  expect(rig.output()).not.toContain('"level":50');
});

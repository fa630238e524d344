/** The real process with a tool: the model calls it, and answers with what came of it; also when the process dies meanwhile. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Script } from "../../src/playground/model/script.ts";
import { createRig, type Rig, refusedCalls, until } from "../support/bot-process.ts";

const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ object: "chat.completion.chunk", model: "one", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const calls = (code: string): Script => {
  const call = {
    index: 0,
    id: "call_1",
    type: "function",
    function: { name: "calculate", arguments: JSON.stringify({ code }) },
  };
  return { rawChunks: [chunk({ role: "assistant", tool_calls: [call] }), chunk({}, "tool_calls"), "data: [DONE]\n\n"] };
};
let rig: Rig;
let isSlow = false;

describe("a bot with a tool", { timeout: 180_000 }, () => {
  beforeAll(async () => {
    rig = await createRig({
      env: { TOOLS: "calculate" },
      model: {
        respond({ messages }) {
          const last = messages.at(-1);
          if (last?.role !== "tool") return calls("17 * 23");
          return { text: `It is ${last.content}.`, ...(isSlow ? { delayFirstMs: 60_000 } : {}) };
        },
      },
    });
    await rig.start();
  }, 120_000);
  afterAll(async () => await rig?.stop());

  test("answers with what it has returned, in one message", async () => {
    const visitor = rig.visitor();
    const answer = await visitor.ask("What is 17 times 23?");
    expect(answer.text).toBe("It is 391.");
    expect(visitor.written()).toHaveLength(1);
    const [first, second] = rig.model.requests;
    expect(first?.body["tools"]).toMatchObject([{ type: "function", function: { name: "calculate" } }]);
    expect(second?.body["tools"]).toEqual(first?.body["tools"]);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("goes on behind the call when it is killed, and calls nothing anew", async () => {
    const visitor = rig.visitor();
    const before = rig.model.requests.length;
    isSlow = true;
    visitor.say("And 17 times 23?");
    await visitor.sees("Stop");
    await until(() => rig.model.requests.length === before + 2);
    await rig.end("SIGKILL");
    isSlow = false;
    await rig.start();
    expect((await visitor.sees("Regenerate")).text).toBe("It is 391.");
    // The step that was lost is asked for once more, and the one before it is not.
    expect(rig.model.requests.slice(before + 2).map(({ body }) => body.messages.at(-1)?.role)).toEqual(["tool"]);
    expect(visitor.written()).toHaveLength(1);
  });
});

/** What holds for tools with every provider by every wire: a step, what came of its calls, and the next step. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WireName } from "../../src/config/providers.ts";
import { textParts } from "../../src/ports/content.ts";
import type { ChatMessage, ModelRequest } from "../../src/ports/models.ts";
import { createLlmServer, type LlmServer, refuse } from "../support/llm-server.ts";
import { asMessages } from "../support/messages.ts";
import { speeches } from "../support/wire-streams.ts";
import { clock, continued, search, stepOf, toolSpeeches } from "../support/wire-tools.ts";
import { speaking, told } from "../support/wires.ts";

const patient = { firstTokenMs: 20_000, silenceMs: 20_000 };
const asked = asMessages([
  { role: "system", content: "Be brief." },
  { role: "user", content: "How warm is it in Paris?" },
]);
const tools = [search, clock];
const data = Buffer.from("\xff\xd8\xffcat", "latin1");
/** A tool has returned a picture. */
const pictured: readonly ChatMessage[] = [
  ...asked,
  { role: "assistant", content: [], calls: [{ id: "a", name: "clock", arguments: "{}" }] },
  {
    role: "tool",
    content: [...textParts("Here."), { type: "image", mime: "image/jpeg", data, width: 8, height: 6 }],
    answers: { id: "a", name: "clock" },
  },
];

/** Tests the tools of one provider by one wire. */
export function wireToolsContract(provider: string, wire: WireName): void {
  const speech = speeches[wire];
  const stands = toolSpeeches[wire];
  const model = `${provider}/m`;
  const answer = (text: string): string => speech.opening + speech.text(text) + speech.ending("stop") + speech.closing;
  const calling = (text: string, ...calls: readonly (readonly [id: string, name: string, json: string])[]): string =>
    speech.opening +
    (text === "" ? "" : speech.text(text)) +
    calls.map(([id, name, json], at) => speech.call(id, name, json, at)).join("") +
    speech.ending("stop") +
    speech.closing;
  let server: LlmServer;
  let stop: (() => Promise<void>) | undefined;

  function open(more: Parameters<typeof speaking>[4] = {}) {
    const { models, lines } = speaking(provider, wire, `${server.origin}/v1`, patient, more);
    stop = models.stop;
    return {
      models,
      lines,
      ask: (request: Partial<ModelRequest>) => told(models, { model, messages: asked, ...request }),
    };
  }

  const answers = (...bodies: readonly string[]): void => {
    let at = 0;
    server.answer = (_, response) => void response.end(bodies[Math.min(at++, bodies.length - 1)]);
  };
  const bodyAt = (at: number) => server.heard.at(at)?.body ?? {};

  describe(`tools of ${provider} by the ${wire} wire`, () => {
    beforeAll(async () => {
      server = await createLlmServer(() => undefined);
    });
    afterEach(async () => {
      await stop?.();
      server.forget();
    });
    afterAll(() => server.stop());

    test("are offered in their order, and a question without any is sent as before", async () => {
      answers(answer("Warm."));
      const { ask } = open();
      await ask({ tools });
      const offered = stands.offered(bodyAt(0)) ?? [];
      expect(offered.map(([name, description]) => [name, description])).toEqual([
        ["web_search", "Searches the web."],
        ["clock", "Tells the time."],
      ]);
      expect(offered[0]?.[2]).toMatchObject({ type: "object", required: ["query"] });
      expect(JSON.stringify(offered)).not.toContain("$schema");
      expect(stands.choice(bodyAt(0))).toBeUndefined();
      await ask({ tools: [] });
      await ask({});
      for (const at of [1, 2]) expect([bodyAt(at).tools, bodyAt(at).tool_choice]).toEqual([undefined, undefined]);
    });

    test("are called beside a text or without any, and what came of it goes back to the same model", async () => {
      answers(
        calling("Let me look.", ["call_a", "web_search", '{"query":"Paris"}']),
        calling("", ["call_b", "web_search", '{"query":"Rome"}'], ["call_c", "clock", "{}"]),
        answer("20 °C."),
      );
      const { ask } = open();
      const first = await ask({ tools });
      expect(first).toMatchObject({ text: "Let me look.", failed: undefined, end: { finish: "stop" } });
      const second = await ask({ tools, messages: continued(asked, first, ["20 °C"]) });
      expect(second).toMatchObject({ text: "", failed: undefined, end: { finish: "stop" } });
      expect(second.calls.map(({ name }) => name)).toEqual(["web_search", "clock"]);
      const messages = continued(continued(asked, first, ["20 °C"]), second, ["25 °C", "noon"]);
      expect((await ask({ tools, messages })).text).toBe("20 °C.");
      const stood = stands.stood(bodyAt(-1));
      const ids = stood.flatMap((one) => ("calls" in one ? [one.calls] : []));
      expect(new Set(ids).size).toBe(3);
      expect(stood).toEqual([
        { says: "user", text: "How warm is it in Paris?" },
        ...(wire === "chat" ? [{ says: "assistant", text: "Let me look." }] : []),
        { calls: ids[0], name: "web_search", args: { query: "Paris" } },
        { answers: ids[0], text: "20 °C" },
        { calls: ids[1], name: "web_search", args: { query: "Rome" } },
        { calls: ids[2], name: "clock", args: {} },
        { answers: ids[1], text: "25 °C" },
        { answers: ids[2], text: "noon" },
      ]);
      expect(ids).toEqual(["call_a", "call_b", "call_c"]);
      // Each request begins as the one before it.
      expect(stands.stood(bodyAt(1))).toEqual(stood.slice(0, stands.stood(bodyAt(1)).length));
    });

    test("were called by another model: this one gets plain steps, under ids that every server takes", async () => {
      answers(answer("20 °C."));
      const calls = [
        { id: "toolu_01ABCDEFGHIJ", name: "web_search", arguments: '{"query":"Paris"}', native: { secret: 1 } },
        { id: "call.2", name: "clock", arguments: "no JSON" },
      ];
      const native = { model: "other/m", content: [{ type: "thinking", thinking: "Hmm", signature: "sealed" }] };
      const messages = [...asked, ...stepOf("Let me look.", calls, native, ["20 °C", ""])];
      await open().ask({ tools, messages });
      const stood = stands.stood(bodyAt(0));
      const ids = stood.flatMap((one) => ("calls" in one ? [one.calls] : []));
      for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]{9}$/);
      expect(stood.slice(1)).toEqual([
        { says: "assistant", text: "Let me look." },
        { calls: ids[0], name: "web_search", args: { query: "Paris" } },
        { calls: ids[1], name: "clock", args: {} },
        { answers: ids[0], text: "20 °C" },
        { answers: ids[1], text: "(nothing)" },
      ]);
      expect(JSON.stringify(bodyAt(0))).not.toMatch(/sealed|secret|toolu_/);
    });

    test("stay offered where none is to be called any more, and calls that come all the same are dropped", async () => {
      answers(calling("Warm.", ["call_a", "clock", "{}"]));
      const { text, calls, end } = await open().ask({ tools, noCalls: true });
      expect([text, calls, end?.finish, end?.native]).toEqual(["Warm.", [], "stop", undefined]);
      expect([stands.offered(bodyAt(0))?.length, stands.choice(bodyAt(0))]).toEqual([2, "none"]);
    });

    test("that nobody has offered are not called", async () => {
      answers(calling("Warm.", ["call_a", "clock", "{}"]));
      const { text, calls } = await open().ask({});
      expect([text, calls]).toEqual(["Warm.", []]);
    });

    test.each([
      [400, { error: { message: "registry.ollama.ai/library/gemma:2b does not support tools" } }],
      [404, { error: { message: "No endpoints found that support tool use. To learn more, see the docs", code: 404 } }],
      [
        400,
        {
          error: { message: '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set' },
        },
      ],
      [500, { error: { message: "tools param requires --jinja flag" } }],
      [400, { error: { message: "`tool calling` is not supported with this model", param: "tools" } }],
      [400, { error: { message: "This model does not support Function Calling" } }],
      [422, { detail: [{ loc: ["body", "tools"], msg: "Extra inputs are not permitted" }] }],
      [400, { error: { message: "Unrecognized request argument supplied: tools" } }],
    ])("are not offered any more once %i %j has come", async (status, words) => {
      server.answer = ({ body }, response) => {
        if (body.tools === undefined) response.end(answer("Warm."));
        else refuse(response, status, words);
      };
      const { models, lines, ask } = open();
      expect(models.capabilities(model).tools).toBe(true);
      for (const _ of [1, 2]) expect(await ask({ tools })).toMatchObject({ text: "Warm.", failed: undefined });
      expect(server.heard).toHaveLength(3);
      expect([models.capabilities(model).tools, lines.length]).toEqual([false, 1]);
    });

    test("of a model that cannot call any: what was done stands in words", async () => {
      answers(answer("20 °C."));
      const calls = [
        { id: "a", name: "web_search", arguments: '{"query":"Paris"}' },
        { id: "b", name: "clock", arguments: "{}" },
      ];
      const messages = [...asked, ...stepOf("", calls, undefined, ["20 °C", "noon"])];
      const { ask } = open({ capabilities: { [model]: { tools: false } } });
      expect((await ask({ tools, messages })).text).toBe("20 °C.");
      const text =
        'How warm is it in Paris?\nWhat was done for this so far, and what came of it:\n\nweb_search {"query":"Paris"}\n20 °C\nclock {}\nnoon';
      expect(bodyAt(0).tools).toBeUndefined();
      expect(stands.stood(bodyAt(0))).toEqual([{ says: "user", text }]);
    });

    test("may have shown pictures, which a model that sees sees", async () => {
      answers(answer("A cat."));
      const { ask } = open({ capabilities: { [model]: { sees: true } } });
      expect((await ask({ tools, messages: pictured })).text).toBe("A cat.");
      const inResult = wire === "messages" || (wire === "responses" && provider === "openai");
      const picture = speech.picturePart("image/jpeg", data.toString("base64"));
      // Mistral takes no user's message there.
      const places = provider === "mistral" ? [] : [[inResult ? "result" : "behind", picture]];
      expect(stands.pictures(bodyAt(0))).toEqual(places);
      expect(JSON.stringify(bodyAt(0)).includes(data.toString("base64"))).toBe(places.length > 0);
      expect(stands.stood(bodyAt(0))[2]).toMatchObject({ text: expect.stringContaining("Here.") });
    });

    test("may have shown pictures, of which a model that does not see is told that the user has them", async () => {
      answers(answer("A cat."));
      const { ask } = open({ capabilities: { [model]: { sees: false } } });
      await ask({ tools, messages: pictured });
      expect(JSON.stringify(bodyAt(0))).not.toContain("base64");
      expect(stands.stood(bodyAt(0))[2]).toMatchObject({ text: "Here.\n[picture shown to the user]" });
    });

    test("may have shown pictures that a model turns out not to see: it goes on in words", async () => {
      server.answer = ({ body }, response) => {
        if (JSON.stringify(body).includes("base64")) refuse(response, 400, "This model does not support images");
        else response.end(answer("A cat."));
      };
      const { ask } = open({ capabilities: { [model]: { sees: true } } });
      expect((await ask({ tools, messages: pictured })).text).toBe("A cat.");
      expect(stands.pictures(bodyAt(-1))).toEqual([]);
    });
  });
}

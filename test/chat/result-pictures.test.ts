/** Pictures that tools return: who gets them, and what is kept of them. */
import { describe, expect, it } from "vitest";
import { pictureTokens } from "../../src/chat/picture-tokens.ts";
import type { ImagePart } from "../../src/ports/content.ts";
import { textOf } from "../../src/ports/content.ts";
import type { ModelEvent } from "../../src/ports/models.ts";
import type { ResultPicture } from "../../src/ports/tool-results.ts";
import type { Tool } from "../../src/ports/tools.ts";
import { conversation, createTurnScene, delta, end } from "../support/turn-scene.ts";

const scene = createTurnScene();
const call = (name: string, id = `id-${name}`): ModelEvent => ({ type: "tool-call", id, name, arguments: "{}" });
const picture = (text: string, more: Partial<ResultPicture> = {}): ResultPicture => ({
  ...{ base64: Buffer.from(text).toString("base64"), mime: "image/png" },
  ...more,
});
const answered = [delta("A cat."), end()];
let runs = 0;

function camera(pictures: readonly ResultPicture[], more: Partial<Tool> = {}): Tool {
  runs = 0;
  return {
    ...{ name: "camera", description: "takes pictures", parameters: { type: "object" }, class: "safe" },
    ...{ asks: false, carriesOut: false, mostMs: 60_000 },
    activity: () => ({ doing: "calling", name: "camera" }),
    async run() {
      runs++;
      return { text: "[picture 1]", untrusted: true, pictures };
    },
    ...more,
  };
}

/** What the model was sent of the pictures of results, by request. */
function seen(): string[][] {
  return scene.sent.map(({ messages }) =>
    messages.flatMap(({ role, content }) => {
      const images = content.filter((part): part is ImagePart => part.type === "image");
      return role === "tool" ? images.map(({ data }) => Buffer.from(data).toString()) : [];
    }),
  );
}

const results = () => (scene.sent.at(-1)?.messages ?? []).filter(({ role }) => role === "tool");
const kept = () => scene.store.readSteps({ conversation, question: 50, run: 1 });

describe("a picture that a tool returns", () => {
  it("is shown in the chat as it came, and to the model small, in each step behind it", async () => {
    scene.tools = [camera([picture("cat", { caption: "A cat" })])];
    scene.scripts = [[call("camera"), end()], [call("camera", "again"), end()], answered];
    await scene.ask();
    expect(seen()).toEqual([[], ["small cat"], ["small cat", "small cat"]]);
    expect(scene.shown.filter((line) => line.startsWith("picture"))).toEqual(
      Array.from({ length: 2 }, () => "picture image/png cat A cat"),
    );
  });

  it("counts among what the model reads", async () => {
    scene.tools = [camera([picture("cat")])];
    scene.scripts = [[call("camera"), end()], answered];
    await scene.ask();
    const [first = 0, second = 0] = scene.sent.map(({ messages }) => pictureTokens("a/one", messages));
    expect([first, second]).toEqual([0, Math.ceil(64 / 28) * Math.ceil(48 / 28)]);
  });

  it("stands in the journal as a reference, which goes with its turn", async () => {
    scene.tools = [camera([picture("a large cat")])];
    const references: string[] = [];
    scene.scripts = [
      [call("camera"), end()],
      [
        async () => {
          const [step] = await kept();
          expect(JSON.stringify(step)).not.toContain(Buffer.from("a large cat").toString("base64").slice(0, 8));
          for (const { key } of step?.calls[0]?.result?.seen ?? []) references.push(`${conversation}/seen/50/${key}`);
          for (const key of references) expect(await scene.store.readDialog(key)).toBeDefined();
        },
        ...answered,
      ],
    ];
    await scene.ask();
    expect(references).toHaveLength(1);
    for (const key of references) expect(await scene.store.readDialog(key)).toBeUndefined();
  });

  it("is there after a crash, without another call", async () => {
    scene.tools = [camera([picture("cat")], { class: "never" })];
    scene.scripts = [[call("camera"), end()], [new Error("the process dies")]];
    await expect(scene.ask()).rejects.toThrow();
    scene.scripts = [answered];
    await scene.ask();
    expect([runs, seen().at(-1)]).toEqual([1, ["small cat"]]);
    expect(scene.shown.filter((line) => line.startsWith("picture"))).toEqual(["picture image/png cat"]);
  });

  it("is shown to nobody when it is broken or a bomb, and the model is told so", async () => {
    scene.tools = [camera([picture("a bomb"), picture("cat")])];
    scene.scripts = [[call("camera"), end()], answered];
    await scene.ask();
    expect(seen().at(-1)).toEqual(["small cat"]);
    expect(textOf(results()[0]?.content ?? [])).toContain("[picture 1 cannot be shown to anybody]");
    expect(scene.shown.filter((line) => line.startsWith("picture"))).toEqual(["picture image/png cat"]);
    expect(scene.warn).toHaveBeenCalledWith(
      expect.objectContaining({ reason: expect.stringContaining("too-many-pixels") }),
      expect.any(String),
    );
  });

  it("is shown in the chat alone when it was made here, from words of the model", async () => {
    const pictures = [picture("a fox", { caption: "a fox" })];
    scene.tools = [camera([], { run: async () => ({ text: "It is drawn.", pictures }) })];
    scene.scripts = [[call("camera"), end()], answered];
    await scene.ask();
    expect(seen().at(-1)).toEqual([]);
    expect(scene.shown.filter((line) => line.startsWith("picture"))).toEqual(["picture image/png a fox a fox"]);
  });

  it("is shown in the chat alone when nothing can be read at the moment", async () => {
    scene.tools = [camera([picture("later")])];
    scene.scripts = [[call("camera"), end()], answered];
    await scene.ask();
    expect(seen().at(-1)).toEqual([]);
    expect(scene.shown.filter((line) => line.startsWith("picture"))).toEqual(["picture image/png later"]);
  });

  it("is seen by the model also when the chat takes no more, and the model is told so", async () => {
    scene.tools = [camera(Array.from({ length: 5 }, (_, at) => picture(`cat ${at}`)))];
    scene.scripts = [[call("camera"), end()], answered];
    await scene.ask();
    expect(seen().at(-1)).toHaveLength(5);
    expect(textOf(results()[0]?.content ?? []).match(/is not shown this picture/g)).toHaveLength(1);
    expect(scene.shown.filter((line) => line.startsWith("picture"))).toHaveLength(4);
  });

  it("holds up nobody who has stopped", async () => {
    scene.tools = [camera([picture("cat")], { class: "never" })];
    scene.fitting = async (signal) => {
      scene.stop.abort("stopped");
      signal.throwIfAborted();
    };
    scene.scripts = [[delta("Let me look."), call("camera"), end()]];
    expect(await scene.ask()).toBe("stopped");
    expect(scene.sent).toHaveLength(1);
  });
});

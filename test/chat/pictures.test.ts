/** Questions with pictures: what is fetched, what models are sent, and what is said when something could not be had. */
import { describe, expect, it } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import { type ImagePart, isText, textOf, textParts } from "../../src/ports/content.ts";
import { noteWords } from "../support/note-words.ts";
import { conversation, createTurnScene, delta, end, type Step } from "../support/turn-scene.ts";

const scene = createTurnScene();
const image = (name: string): ImagePart => ({
  ...{ type: "image", mime: "image/jpeg", width: 1280, height: 960 },
  data: Buffer.from(name),
});
const picture = (name: string) =>
  ({ type: "picture", fileId: `id-${name}`, uniqueId: name, width: 1280, height: 960 }) as const;
const about = (name: string, words: string) => [picture(name), ...textParts(words)];

/** Of the newest request: a line each message, with what is seen by its name. */
function shown(): string[] {
  const messages = scene.sent.at(-1)?.messages ?? [];
  return messages.map(({ role, content }) => {
    const parts = content.map((part) => (part.type === "text" ? part.text : `<${Buffer.from(part.data)}>`));
    return `${role}: ${parts.join(" ")}`;
  });
}

/** Asks a question of its own, with all pictures to be had. */
async function asks(id: number, asked: string | ReturnType<typeof about>, script: Step[] = [delta("So."), end()]) {
  scene.script = script;
  return await scene.ask({ id, root: id, run: id, asked });
}

function having(...names: readonly string[]): void {
  scene.pictures = Object.fromEntries(names.map((name) => [name, image(name)]));
}

describe("a question with a picture", () => {
  it("is sent with its bytes, which nothing keeps", async () => {
    having("car");
    await asks(50, about("car", "What is it?"));
    expect(shown()).toEqual(["system: Be brief.", "user: <car> What is it?"]);
    expect(scene.sent[0]?.pictures).toBe(true);
    expect((await scene.turn())?.asked).toEqual(about("car", "What is it?"));
    expect((await scene.store.readHistory(conversation))[0]?.asked).toEqual(about("car", "What is it?"));
    expect(scene.views).toMatchObject([{ markdown: "So.", button: "regenerate" }]);
    expect(scene.views[0]).not.toHaveProperty("note");
  });

  it("asks for a description, and what is wanted, when it came without a word", async () => {
    having("car");
    await asks(50, [picture("car")]);
    expect(shown().at(-1)).toMatch(/^user: <car> \[These pictures came without a word\. Describe.*ask what is wanted/);
    expect((await scene.turn())?.asked).toEqual([picture("car")]);
  });

  it("is one of fewer where the model that looks at them takes no more, and whoever asks is told", async () => {
    const names = Array.from({ length: 7 }, (_, at) => `p${at}`);
    having(...names);
    scene.seeing = ["b/two"];
    scene.mostPictures = { "a/one": 2, "b/two": 5 };
    await asks(50, [...names.map(picture), ...textParts("Which one?")] as never);
    expect(shown().at(-1)).toBe("user: [photo] [photo] <p2> <p3> <p4> <p5> <p6> Which one?");
    expect(scene.fetched).toHaveLength(5);
    expect(scene.views.at(-1)?.note).toContain(
      "🖼 I look at 5 pictures at once, the last ones; the others are left out.",
    );
  });

  it("is one of so many that are shown, the newest, and whoever asks about more is told", async () => {
    const names = Array.from({ length: 25 }, (_, at) => `p${at}`);
    having(...names, "car");
    await asks(50, [...names.map(picture), ...textParts("Which one?")] as never);
    expect(shown().at(-1)).toMatch(/^user: (?:\[photo\] ){5}<p5> (?:<p\d+> ){18}<p24> Which one\?$/);
    expect(scene.fetched.toSorted()).toEqual(names.slice(5).toSorted());
    expect(scene.views.at(-1)?.note).toBe("🖼 I look at 20 pictures at once, the last ones; the others are left out.");
    await asks(51, about("car", "And this?"));
    expect(shown().at(-1)).toBe("user: <car> And this?");
    expect(scene.fetched).toHaveLength(40);
    expect(scene.views.at(-1)).not.toHaveProperty("note");
  });

  it("is sent again with the two questions after it, and named from then on", async () => {
    having("car");
    await asks(50, about("car", "What is it?"));
    const seen = async (id: number) => {
      await asks(id, `question ${id}`);
      return shown()[1];
    };
    expect(await seen(51)).toBe("user: <car> What is it?");
    expect(scene.sent.at(-1)?.pictures).toBe(false);
    expect(await seen(52)).toBe("user: <car> What is it?");
    expect(await seen(53)).toBe("user: [photo]\nWhat is it?");
    expect(scene.fetched).toEqual(["car", "car", "car"]);
  });

  it("shows a picture once that stands there twice, where it is asked about", async () => {
    having("car");
    await asks(50, about("car", "What is it?"));
    await asks(51, [{ ...picture("car"), quoted: true } as never, ...textParts("> [photo]\n\nHow old?")]);
    expect(shown().slice(1)).toEqual([
      "user: [photo] What is it?",
      "assistant: So.",
      "user: <car> > [photo]\n\nHow old?",
    ]);
  });

  it("is asked anew with it by Regenerate, and with another one after an edit", async () => {
    having("car", "boat");
    await asks(50, about("car", "What is it?"));
    await scene.ask({ id: 50, root: 50, run: 60, asked: about("car", "What is it?") });
    expect(shown().at(-1)).toBe("user: <car> What is it?");
    await scene.ask({ id: 50, root: 50, run: 61, asked: about("boat", "What is it?") });
    expect(shown()).toEqual(["system: Be brief.", "user: <boat> What is it?"]);
  });

  it("goes on when it is continued, by a model that sees", async () => {
    having("car");
    await asks(50, about("car", "What is it?"), [
      delta("A c"),
      { type: "answer-end", model: "a/one", finish: "length" },
    ]);
    scene.script = [delta("ar."), end()];
    await scene.ask({ id: 1050, root: 50, run: 70, continuing: 50, asked: about("car", "What is it?") });
    expect(shown()[1]).toBe("user: <car> What is it?");
    expect(scene.sent.at(-1)?.pictures).toBe(true);
  });
});

describe("a picture that stands twice in a question", () => {
  it("is shown once, and said to be the same", async () => {
    having("car", "boat");
    await asks(50, [picture("car"), picture("boat"), picture("car"), ...textParts("How many?")] as never);
    expect(shown().at(-1)).toBe("user: <car> <boat> [the same picture again] How many?");
    expect(scene.fetched).toEqual(["car", "boat"]);
    await asks(51, about("car", "And now?"));
    expect(shown()[1]).toBe("user: [photo] <boat> [the same picture again] How many?");
  });
});

describe("a sticker", () => {
  const sticker = { ...picture("smile#1"), page: 1, shows: "sticker", name: "😀" } as const;

  it("is shown to a model that sees, with its emoji in words", async () => {
    having("smile#1");
    await asks(50, [sticker] as never);
    expect(shown().at(-1)).toBe("user: <smile#1> [sticker 😀]");
    expect(scene.views[0]).not.toHaveProperty("note");
  });

  it("is its emoji to one that does not, and no other one is asked for it", async () => {
    having("smile#1");
    scene.seeing = ["b/two"];
    await asks(50, [sticker] as never);
    expect(shown().at(-1)).toBe("user: [sticker 😀]");
    expect([scene.sent[0]?.pictures, scene.fetched]).toEqual([false, []]);
    expect(scene.views[0]).not.toHaveProperty("note");
  });

  it("is its emoji where it cannot be had, without a word about that", async () => {
    await asks(50, [sticker] as never);
    expect(shown().at(-1)).toBe("user: [sticker 😀]");
    expect(scene.views[0]).not.toHaveProperty("note");
  });
});

describe("the cover of a film", () => {
  const cover = (shows: "video" | "animation") => ({ ...picture("cover"), shows });
  const words = "[video: only its cover can be shown, and nothing be heard]";

  it("is looked at, with a line that says that nothing else was seen", async () => {
    having("cover");
    await asks(50, [cover("video"), ...textParts("Who is it?")] as never);
    expect(shown().at(-1)).toBe(`user: <cover> ${words} Who is it?`);
    expect(scene.views[0]?.note).toBe("📎 I saw only the cover of this video.");
    await asks(51, "And now?");
    expect(shown()[1]).toBe(`user: <cover> ${words} Who is it?`);
    expect(scene.views[1]?.note).toBeUndefined();
  });

  it("is not told of again below what goes on with the answer", async () => {
    having("cover");
    const asked = [cover("video"), ...textParts("Who is it?")];
    await asks(50, asked as never, [delta("A c"), { type: "answer-end", model: "a/one", finish: "length" }]);
    expect(scene.views[0]?.note).toContain("only the cover");
    scene.script = [delta("at."), end()];
    await scene.ask({ id: 1050, root: 50, run: 70, continuing: 50, asked });
    expect(shown()[1]).toMatch(/^user: <cover>/);
    expect(scene.views[1]?.note).toBeUndefined();
  });

  it("is words to a model that does not see, and the line says that", async () => {
    having("cover");
    scene.seeing = [];
    await asks(50, [cover("animation"), ...textParts("Who is it?")] as never);
    expect(shown().at(-1)).toBe(`user: ${words.replace("video", "animation")} Who is it?`);
    expect(scene.views[0]?.note).toBe("📎 I cannot see this animation.");
  });

  it("is the end where it came alone and nobody sees it", async () => {
    scene.seeing = ["b/two"];
    expect(await asks(50, [cover("video")] as never)).toBe("failed");
    expect(scene.sent).toEqual([]);
    expect(scene.views).toMatchObject([{ markdown: "", note: "📎 I cannot see this video." }]);
  });

  it("does not make auto ask the strong model", async () => {
    scene.auto = { name: "auto", models: { cheap: "a/one", strong: "b/two" } };
    await scene.store.setSetting(conversation, "model", "auto");
    await asks(50, [cover("video"), ...textParts("Hi")] as never);
    expect(scene.tiers).toEqual(["cheap"]);
  });
});

describe("a picture that cannot be fetched", () => {
  it("is named in words to the model, and by one note to who asks", async () => {
    having("car");
    await asks(50, [picture("gone"), ...about("car", "Compare them.")]);
    expect(shown().at(-1)).toBe("user: [a picture that could not be fetched] <car> Compare them.");
    expect(scene.sent[0]?.pictures).toBe(true);
    expect(scene.views).toMatchObject([{ markdown: "So.", note: noteWords.picturesLost(1) }]);
    expect(scene.warn).toHaveBeenCalledWith(expect.objectContaining({ kind: "gone" }), expect.any(String));
  });

  it("leaves the words to any model", async () => {
    await asks(50, about("gone", "What is it?"));
    expect(scene.sent[0]?.pictures).toBe(false);
    expect(scene.views).toMatchObject([{ markdown: "So.", note: noteWords.picturesLost(1) }]);
  });

  it("is the end where nothing else was sent, and may be tried again", async () => {
    expect(await asks(50, [picture("gone"), picture("lost")] as never)).toBe("failed");
    expect(scene.sent).toEqual([]);
    expect(scene.views).toEqual([{ markdown: "", note: noteWords.picturesLost(2), button: "retry" }]);
    having("gone", "lost");
    await scene.ask({ id: 50, root: 50, run: 60, asked: [picture("gone"), picture("lost")] });
    expect(scene.views.at(-1)).toMatchObject({ markdown: "So.", button: "regenerate" });
  });

  it("is not told of when the answer is stopped meanwhile", async () => {
    scene.stop.abort("stop");
    await asks(50, about("gone", "What is it?"));
    expect(scene.fetched).toEqual([]);
    expect(scene.shown.join(" ")).not.toContain("could not fetch");
  });
});

describe("a model that cannot see", () => {
  it("is told of below the answer of the one that looked in its place", async () => {
    having("car");
    scene.seeing = ["b/two"];
    await asks(50, about("car", "What is it?"), [delta("A car."), end("b/two")]);
    expect(scene.sent[0]?.pictures).toBe(true);
    expect(scene.views).toMatchObject([{ markdown: "A car.", note: noteWords.seenBy("b/two", "a/one") }]);
    await asks(51, "And now?", [delta("Now."), end("b/two")]);
    expect(scene.views.at(-1)).toMatchObject({ note: noteWords.answeredBy("b/two") });
  });

  it("costs nobody a download when nobody sees", async () => {
    having("car");
    scene.seeing = [];
    const blind = new ModelError("blind", "a/one", "no model that could answer sees");
    expect(await asks(50, about("car", "What is it?"), [blind])).toBe("failed");
    expect(scene.fetched).toEqual([]);
    expect(scene.sent[0]?.pictures).toBe(true);
    expect(scene.views).toMatchObject([{ note: noteWords.modelFailed("blind"), button: "retry" }]);
  });
});

describe("auto", () => {
  const tierFor = async (seeing: readonly string[], asked: string | ReturnType<typeof about>) => {
    having("car");
    scene.seeing = seeing;
    scene.auto = { name: "auto", models: { cheap: "a/one", strong: "b/two" } };
    await scene.store.setSetting(conversation, "model", "auto");
    await asks(50, asked);
    return [scene.tiers.at(-1), (await scene.turn())?.auto?.because];
  };

  it.each([
    [["a/one", "b/two"], "strong"],
    [["b/two"], "strong"],
    [["a/one"], "cheap"],
    [[], "strong"],
  ])("sends a picture to the strong model that sees of %j: the %s one", async (seeing, tier) => {
    expect(await tierFor(seeing, about("car", "Hi"))).toEqual([tier, "picture"]);
  });

  it("goes by the words where there is none", async () => {
    expect(await tierFor(["b/two"], "Hi")).toEqual(["cheap", "short"]);
  });
});

describe("what is known of tokens", () => {
  it("is not learnt from what pictures cost", async () => {
    having("car");
    await asks(50, about("car", "What is it?"), [
      delta("A car."),
      {
        type: "answer-end",
        model: "a/one",
        finish: "stop",
        usage: { inputTokens: 1_700, cachedTokens: 0, outputTokens: 3 },
      },
    ]);
    expect(scene.tokenFactors.of("a/one")).toBe(1);
    expect(scene.sent.every(({ messages }) => messages.every(({ content }) => isText(content)))).toBe(false);
    expect(textOf(scene.sent[0]?.messages.at(-1)?.content ?? [])).toBe("[photo]\nWhat is it?");
  });
});

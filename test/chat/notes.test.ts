/** What a turn stores of its end is data: no sentence of any language is in it. */
import { describe, expect, it } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import type { ModelEvent } from "../../src/ports/models.ts";
import { english } from "../../src/texts/english.ts";
import { linesOf } from "../../src/texts/texts.ts";
import { createTurnScene, delta, end } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { abort } = scene;

describe("the record of a turn", () => {
  it.each([
    ["was stopped", [delta("half"), abort("stop"), end()], [{ kind: "stopped" }]],
    ["failed", [new ModelError("auth", "a/one", "401")], [{ kind: "failed", failure: "auth" }]],
    [
      "was answered by another model",
      [delta("x"), { ...end(), model: "b/two" }],
      [{ kind: "answered-by", model: "b/two" }],
    ],
    [
      "was answered by a model that the budget pays for",
      [{ type: "passed-over" }, delta("x"), { ...end(), model: "b/two" }],
      [{ kind: "answered-by", model: "b/two", instead: "a/one" }],
    ],
    ["was cut", [delta("x"), { ...end(), finish: "length" }], [{ kind: "cut", by: "length" }]],
    ["has come with pictures", [delta("x"), { ...end(), pictures: 2 }], [{ kind: "pictures-dropped", count: 2 }]],
  ] as [string, (ModelEvent | Error)[], object[]][])("that %s says so without words", async (_what, script, notes) => {
    scene.script = script as typeof scene.script;
    await scene.ask();
    const record = await scene.turn();
    expect(record?.notes).toEqual(notes);
    const said = (record?.notes ?? []).map((note) => linesOf(english, [note]));
    for (const words of said) expect(JSON.stringify(record)).not.toContain(words);
  });
});

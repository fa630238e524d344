/** `/model` of the real process with hundreds of models: the emulated Telegram refuses what Telegram would. */
import { describe, expect, test } from "vitest";
import { buttonsOf, until, type Visitor } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

// A folder of a local server: longer than a button's data, in a script of three bytes a character.
const files = Array.from({ length: 5 }, (_, index) => `local/${"模型/".repeat(40)}${index + 1}.gguf`);
const relayed = Array.from({ length: 300 }, (_, index) => `relay/maker-${index % 7}/model-${index + 1}`);
const names = [...relayed, ...files, "alone/single"];

describe("/model with hundreds of models", { timeout: 90_000 }, () => {
  const rig = sharedRig({
    env: (_port, modelUrl) => ({
      MODELS: names.join(),
      ...Object.fromEntries(
        ["RELAY", "LOCAL", "ALONE"].flatMap((name) => [
          [`${name}_BASE_URL`, modelUrl],
          [`${name}_API_KEY`, "sk-secret-of-the-test-model"],
        ]),
      ),
    }),
  });

  /** Presses a button of this message, and waits for what it then shows. */
  async function turn(visitor: Visitor, id: number, button: string): Promise<string[]> {
    const message = visitor.message(id);
    if (message === undefined) throw new Error("the list is gone");
    const before = buttonsOf(message).join();
    expect(await visitor.press(message, button)).toBeDefined();
    await until(() => buttonsOf(visitor.message(id)).join() !== before);
    return buttonsOf(visitor.message(id));
  }

  test("offers the providers, and every model on some page, in keyboards that Telegram takes", async () => {
    const visitor = rig.visitor();
    const list = await visitor.sees(/Model: relay\/maker-0\/model-1\./, visitor.say("/model"));
    expect(buttonsOf(list)).toEqual(["✅ relay (300)", "local (5)", "single"]);
    const seen = new Set<string>();
    let labels = await turn(visitor, list.id, "relay");
    for (;;) {
      for (const label of labels) if (/model-\d+$/.test(label)) seen.add(label);
      const onwards = labels.find((label) => label.endsWith("›"));
      if (onwards === undefined) break;
      labels = await turn(visitor, list.id, onwards);
    }
    expect(seen.size).toBe(300);
    await turn(visitor, list.id, "All providers");
    labels = await turn(visitor, list.id, "local");
    expect(labels).toHaveLength(6);
    await turn(visitor, list.id, "3.gguf");
    await visitor.ask("by a file");
    expect(rig.requests("by a file")[0]?.body.model).toBe(files[2]?.slice("local/".length));
  });

  test("lists what a part of a name finds, and takes a press on a later page", async () => {
    const visitor = rig.visitor();
    const list = await visitor.sees(/These match "maker-3"/, visitor.say("/model maker-3"));
    expect(buttonsOf(list)).toHaveLength(17);
    await turn(visitor, list.id, "Page 2 ›");
    await turn(visitor, list.id, "model-200");
    await visitor.ask("from the second page");
    expect(rig.requests("from the second page")[0]?.body.model).toBe("maker-3/model-200");
    await visitor.sees(/These match/, visitor.say(`/model ${"模型/".repeat(20)}`));
    await visitor.sees(/do not know the model "maker-9"/, visitor.say("/model maker-9"));
    await visitor.sees(/^Model: alone\/single\. It answers/, visitor.say("/model single"));
    await visitor.sees(/with single\./, visitor.say("/start"));
  });
});

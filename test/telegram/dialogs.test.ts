import { describe, expect, it } from "vitest";
import { commands } from "../../src/telegram/commands.ts";
import { english as texts } from "../../src/texts/english.ts";
import { createBotScene, said } from "../support/bot-scene.ts";

const scene = createBotScene();
const { arrive, message, write, press } = scene;
const methods = (calls: Awaited<ReturnType<typeof arrive>>) => calls.map(({ method }) => method);

describe("while a dialog waits for its answer", () => {
  // An admin's /budget begins a dialog of its own.
  const others = commands.filter(({ name }) => name !== "budget");

  it.each(others.filter(({ lane }) => lane === "turn").map(({ name }) => name))(
    "/%s ends it: what comes next is a question",
    async (name) => {
      await write("/system");
      await write(name === "system" ? "/system Be rude." : `/${name}`);
      await write("Be kind.");
      expect(scene.requests.map(({ messages }) => messages.at(-1)?.content)).toEqual(["Be kind."]);
    },
  );

  it.each([...commands.filter(({ lane }) => lane === "quick").map(({ name }) => name), "unheard_of"])(
    "/%s is answered and ends it: what comes next is a question",
    async (name) => {
      await write("/system");
      expect((await write(`/${name}`)).length).toBeGreaterThan(0);
      const question = { update_id: 900, message: message("Be kind.") };
      expect(said(await arrive(question))).toEqual(["answer 1"]);
      // Delivered again it is neither asked twice nor an answer to the dialog.
      expect(said(await arrive(question))).toEqual([]);
      expect(scene.requests.map(({ messages }) => messages.at(-1)?.content)).toEqual(["Be kind."]);
    },
  );

  it("a quick command ends it for what was written behind the command alone", async () => {
    const [system, before, command, behind] = [510, 520, 530, 540];
    // It overtakes all that still waits in the turn lane: the text before it, and the dialog itself.
    await arrive({ update_id: command, message: message("/model") });
    await arrive({ update_id: system, message: message("/system") });
    expect(said(await arrive({ update_id: before, message: message("Be kind.") }))).toEqual([
      texts.personaPreview("Be kind."),
    ]);
    // An older command that is delivered once more changes nothing.
    await arrive({ update_id: 505, message: message("/help") });
    expect(said(await arrive({ update_id: behind, message: message("why?") }))).toEqual(["answer 1"]);
    await arrive({ update_id: 550, message: message("/system") });
    await arrive({ update_id: command, message: message("/model") });
    expect(said(await arrive({ update_id: 560, message: message("Be brief.") }))).toEqual([
      texts.personaPreview("Be brief."),
    ]);
  });

  it("a button of it says after a command that it is over, and changes nothing", async () => {
    await write("/system");
    await write("Be kind.");
    await write("/help");
    expect(methods(await press("persona:save"))).toEqual(["editMessageReplyMarkup"]);
    expect((await scene.store.readSettings("7")).persona).toBeUndefined();
  });

  it.each([["the first question"], ["the preview"]])(
    "Default below %s takes the bot's own persona back by one press",
    async (where) => {
      await write("/system Be rude.");
      const asked = (await write("/system")).at(-1);
      const shown = where === "the preview" ? (await write("Be kind.")).at(-1) : asked;
      const labels = where === "the preview" ? ["save", "default", "cancel"] : ["default", "cancel"];
      expect(shown?.payload["reply_markup"]).toEqual({
        inline_keyboard: labels.map((name) => [
          { text: texts.labels[name as "save"], callback_data: `persona:${name}` },
        ]),
      });
      const pressed = await press("persona:default");
      expect(methods(pressed)).toEqual(["editMessageReplyMarkup", "sendMessage"]);
      expect(said(pressed)).toEqual([texts.personaDefault]);
      expect((await scene.store.readSettings("7")).persona).toBeUndefined();
      expect(said(await write("Be kind."))).toEqual(["answer 1"]);
    },
  );

  it.each([["the first question"], ["the preview"]])("a command takes the buttons below %s away", async (where) => {
    await write("/system");
    if (where === "the preview") await write("Be kind.");
    const carries = 5000 + scene.calls.length;
    const calls = await write("/new");
    expect(calls.find(({ method }) => method === "editMessageReplyMarkup")?.payload).toMatchObject({
      message_id: carries,
    });
    expect(methods(await write("/new"))).not.toContain("editMessageReplyMarkup");
  });

  it("a button of it takes them all away in a group, too, once a command has ended it", async () => {
    const group = { chat: { id: -7, type: "group", title: "g" } };
    const tag = "@parley_bot";
    await write(`/system${tag}`, group);
    const carries = 5000 + scene.calls.length;
    await write(`/help${tag}`, group);
    const pressed = await press("persona:cancel", group);
    expect(pressed).toMatchObject([{ method: "editMessageReplyMarkup", payload: { message_id: carries } }]);
  });

  it("it tells to reply in groups alone", () => {
    expect(texts.personaAsk(undefined, true)).toMatch(/Reply to this message/);
    expect(texts.personaAsk(undefined, false)).not.toMatch(/reply/i);
  });

  it("only its newest message has buttons", async () => {
    const [asked] = await write("/system");
    const [retired, preview] = await write("Be kind.");
    expect(retired).toMatchObject({
      method: "editMessageReplyMarkup",
      payload: { message_id: 5000 + scene.calls.indexOf(asked as never) + 1 },
    });
    expect(preview).toMatchObject({ method: "sendMessage" });
  });

  it("an update that is delivered again is neither its answer twice nor a question", async () => {
    await write("/system");
    const answer = { update_id: 500, message: message("Be kind.") };
    expect(said(await arrive(answer))).toEqual([texts.personaPreview("Be kind.")]);
    expect(await arrive(answer)).toEqual([]);
    await press("persona:cancel");
    expect(said(await arrive({ update_id: 600, message: message("why?") }))).toEqual(["answer 1"]);
  });
});

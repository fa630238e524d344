import { describe, expect, it } from "vitest";
import { commands } from "../../src/telegram/commands.ts";
import { english as texts } from "../../src/texts/english.ts";
import { createBotScene, said } from "../support/bot-scene.ts";

const scene = createBotScene();
const { arrive, message, write, press } = scene;

describe("while a dialog waits for its answer", () => {
  it.each(commands.filter(({ lane }) => lane === "turn").map(({ name }) => name))(
    "/%s ends it: what comes next is a question",
    async (name) => {
      await write("/system");
      await write(name === "system" ? "/system Be rude." : `/${name}`);
      await write("Be kind.");
      expect(scene.requests.map(({ messages }) => messages.at(-1)?.content)).toEqual(["Be kind."]);
    },
  );

  it.each(commands.filter(({ lane }) => lane === "quick").map(({ name }) => name))(
    "/%s is answered and leaves it waiting",
    async (name) => {
      await write("/system");
      expect((await write(`/${name}`)).length).toBeGreaterThan(0);
      expect(said(await write("Be kind."))).toEqual([texts.personaPreview("Be kind.")]);
      expect(scene.requests).toEqual([]);
    },
  );

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

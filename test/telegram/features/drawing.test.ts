/** `/image`: what it changes, and pictures that are wanted as files. */
import { expect, it } from "vitest";
import { MediaError } from "../../../src/ports/media.ts";
import type { MadeBy } from "../../../src/ports/media-models.ts";
import { drawnKeyboard } from "../../../src/screen/buttons.ts";
import { english as texts } from "../../../src/texts/english.ts";
import { chat, createBotScene, said } from "../../support/bot-scene.ts";

const scene = createBotScene();
const png = Buffer.from("\x89PNG\r\n\x1a\nIHDR", "latin1");

/** Pictures that were fetched. */
function drawing(fetched: () => Promise<Uint8Array> = async () => png, by: Partial<MadeBy> = {}): unknown[] {
  const asked: unknown[] = [];
  scene.brush = {
    source: {
      fetch(reference) {
        asked.push(reference);
        return fetched();
      },
    },
    async draw({ from }, _request, signal) {
      await from?.bytes(signal);
      return { bytes: png, mime: "image/png", model: "a/brush", ...by };
    },
  };
  return asked;
}

const photo = [{ file_id: "f", file_unique_id: "u", width: 8, height: 8, file_size: 9 }];
function asFile() {
  const [row = []] = drawnKeyboard(texts.labels, 3).inline_keyboard;
  const button = row.find(({ text }) => text === texts.labels.asFile);
  const data = button !== undefined && "callback_data" in button ? button.callback_data : "";
  const message = { message_id: 40, date: 1, chat, photo };
  return scene.arrive({
    callback_query: { id: "1", from: { id: 7, is_bot: false, first_name: "Ada" }, chat_instance: "1", data, message },
  });
}

it("changes a picture that was sent as a file, of which it knows how large it is", async () => {
  const asked = drawing();
  const document = { file_id: "d", file_unique_id: "e", mime_type: "image/png", file_size: 12 };
  const replied = { message_id: 2, date: 1, chat, document };
  await scene.write("/image a hat", { reply_to_message: replied });
  expect(asked).toMatchObject([{ fileId: "d", uniqueId: "e", sizeBytes: 12 }]);
  await scene.write("/image a hat", {
    reply_to_message: { ...replied, document: { ...document, mime_type: "text/csv" } },
  });
  expect(asked).toHaveLength(1);
});

it("sends a picture as a file, and says so when Telegram does not give it", async () => {
  drawing();
  expect((await asFile()).map(({ method }) => method)).toContain("sendDocument");
  drawing(() => Promise.reject(new MediaError("gone", "it is gone")));
  const made = await asFile();
  expect(said(made)).toEqual([texts.drawnLost]);
  expect(made.map(({ method }) => method)).not.toContain("sendDocument");
});

it("says below a picture who has drawn it where another stands in, whatever room its words leave", async () => {
  drawing(undefined, { instead: "a/dear", unpaid: true });
  const line = "\n\n💸 The budget does not pay for a/dear now: drawn by a/brush";
  const caption = async (words: string) => {
    const made = await scene.write(`/image ${words}`);
    return made.find(({ method }) => method === "sendPhoto")?.payload["caption"];
  };
  expect(await caption("a hat")).toBe(`a hat${line}`);
  const long = String(await caption("x".repeat(2_000)));
  expect([long.length, long.endsWith(`…${line}`)]).toEqual([1_024, true]);
  drawing();
  expect(await caption("a hat")).toBe("a hat");
});

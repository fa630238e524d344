import { beforeEach, describe, expect, it } from "vitest";
import type { Shared } from "../../../src/playground/bot-api/sharing.ts";
import { createBotApiScene } from "../../support/bot-api-scene.ts";
import { ada } from "../../support/wrong-calls.ts";

const scene = createBotApiScene();
const here = { latitude: 52.5163, longitude: 13.3777 };

describe("what people share", () => {
  beforeEach(() => void scene.chatWith(0));
  const share = (shared: Shared) => scene.api.user.share(ada, ada, shared);

  it("arrives as Telegram writes it", async () => {
    share({ kind: "location", ...here });
    share({ kind: "location", ...here, liveSeconds: 900 });
    share({ kind: "venue", ...here, title: "Gate", address: "Berlin" });
    share({ kind: "contact", phoneNumber: "+1 202 555 0143", firstName: "Grace" });
    share({ kind: "poll", question: "Where?", options: ["here", "there"] });
    const messages = (await scene.updates()).map(({ message }) => message);
    const option = { voter_count: 0, persistent_id: expect.any(String) };
    expect(messages).toMatchObject([
      { location: here },
      { location: { ...here, live_period: 900 } },
      { venue: { location: here, title: "Gate", address: "Berlin" }, location: here },
      { contact: { phone_number: "+1 202 555 0143", first_name: "Grace" } },
      {
        poll: {
          ...{ id: expect.stringMatching(/^\d{19}$/), question: "Where?", type: "regular", is_closed: false },
          options: [
            { ...option, text: "here" },
            { ...option, text: "there" },
          ],
        },
      },
    ]);
  });

  it("is a throw with as many ends as its emoji has", () => {
    const thrown = Array.from({ length: 200 }, () => share({ kind: "dice", emoji: "🏀" }).dice);
    expect(new Set(thrown.map((dice) => dice?.value))).toEqual(new Set([1, 2, 3, 4, 5]));
    expect(thrown[0]?.emoji).toBe("🏀");
  });

  it.each<[Shared, string]>([
    [{ kind: "location", latitude: 91, longitude: 0 }, "no such place"],
    [{ kind: "location", latitude: Number.NaN, longitude: 0 }, "no such place"],
    [{ kind: "location", ...here, liveSeconds: 59 }, "60 to 86400"],
    [{ kind: "venue", ...here, title: " ", address: "" }, "name of a place"],
    [{ kind: "contact", phoneNumber: "", firstName: "Grace" }, "phone number"],
    [{ kind: "poll", question: "x".repeat(301), options: ["a"] }, "1 to 300"],
    [{ kind: "poll", question: "Which?", options: [] }, "1 to 12 options"],
    [{ kind: "poll", question: "Which?", options: Array(13).fill("a") }, "1 to 12 options"],
    [{ kind: "poll", question: "Which?", options: [""] }, "an option"],
    [{ kind: "dice", emoji: "🐈" }, "cannot be thrown"],
  ])("is nothing that a client would not send: %j", async (shared, why) => {
    expect(() => share(shared)).toThrow(why);
    expect(await scene.updates()).toEqual([]);
  });

  it("has no words to be edited", () => {
    const { message_id: id } = share({ kind: "location", ...here });
    expect(() => scene.api.user.edit(ada, id, "there")).toThrow("no words");
  });
});

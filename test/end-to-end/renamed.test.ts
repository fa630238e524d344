/** The real processes while the bot gets another name at @BotFather. */
import { afterEach, describe, expect, test } from "vitest";
import { createRig, type Rig, seen } from "../support/bot-process.ts";
import { createFleet, type Fleet } from "../support/fleet.ts";
import { findRedis } from "../support/redis-server.ts";

const redis = await findRedis();

describe("a bot that is renamed while it runs", { timeout: 180_000 }, () => {
  let rig: Rig | undefined;
  let fleet: Fleet | undefined;
  afterEach(async () => {
    await rig?.stop();
    await fleet?.stop();
    rig = undefined;
    fleet = undefined;
  });

  async function expectNoticed({ botApi, model }: Pick<Rig, "botApi" | "model">): Promise<void> {
    const ada = 8_100_001;
    const chatId = botApi.user.createGroup({ title: "A group", memberIds: [ada] });
    const say = (text: string) => botApi.user.sendText(chatId, ada, text).message_id;
    botApi.rename("chatty_bot");
    const answer = await seen(botApi, chatId, "Regenerate", say("@Chatty_Bot who are you"));
    await seen(botApi, chatId, /Commands:/, say("/help@chatty_bot"));
    // By the name that it has no more nobody is called; what comes behind shows that it was passed over.
    say("@parley_bot are you there");
    await seen(botApi, chatId, "Regenerate", say("@chatty_bot the last one"));
    const asked = model.requests.map(({ body }) => body.messages.at(-1)?.content);
    expect(asked).toEqual(["who are you", "the last one"]);
    expect(answer.text).not.toBe("");
    expect(botApi.calls.filter(({ method }) => method === "getMe").length).toBeLessThanOrEqual(4);
  }

  test("hears its new name from the first message on that calls it so", async () => {
    rig = await createRig();
    await rig.start();
    await expectNoticed(rig);
  });

  test.skipIf(redis.missing !== undefined)(
    "does so where one process takes updates in and another answers",
    async () => {
      fleet = await createFleet({ redisUrl: redis.url });
      const env = { WEBHOOK_URL: fleet.webhookUrl };
      const launched = await Promise.all([fleet.launch("web", { env }), fleet.launch("worker", { env })]);
      await Promise.all(launched.map((process) => process.ready()));
      await expectNoticed(fleet);
    },
  );
});

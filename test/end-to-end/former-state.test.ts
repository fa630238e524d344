/** The bot, started on what the version before has left when it was killed. */
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";
import type { BotApi } from "../../src/playground/bot-api/bot-api.ts";
import type { ScriptedModel } from "../../src/playground/model/scripted-model.ts";
import { createRig, dialogueOf, seen, token, until } from "../support/bot-process.ts";
import { createFleet } from "../support/fleet.ts";
import { writeFormerDatabase, writeFormerRecords } from "../support/former-state.ts";
import { findRedis } from "../support/redis-server.ts";

const redis = await findRedis();
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

// Of a clock that has gone on since.
const env = { HISTORY_TTL_SECONDS: "315360000" };
const botApi = { firstUpdateId: 1_000_000 };
const model = {
  respond: ({ messages }: { messages: readonly { content: string }[] }) => ({ text: `To ${messages.at(-1)?.content}` }),
};

interface World {
  readonly botApi: BotApi;
  readonly model: ScriptedModel;
  start(): Promise<unknown>;
}

async function embedded(): Promise<World> {
  const rig = await createRig({ env, botApi, model });
  closing.push(() => rig.stop());
  writeFormerDatabase(join(rig.dataDir, "data", "parley.db"));
  return rig;
}

async function overRedis(): Promise<World> {
  const fleet = await createFleet({ redisUrl: redis.url, env, botApi, model });
  closing.push(() => fleet.stop());
  const commands = new Redis(redis.url);
  closing.push(() => commands.quit());
  const prefix = `{${fleet.prefix}}:`;
  await writeFormerRecords({ commands, prefix });
  await commands.set(`${prefix}bot`, token.split(":")[0] ?? "");
  return { ...fleet, start: async () => (await fleet.launch("start")).ready() };
}

/** Messages that stand in a chat already, so that the next one has a number that is new to the bot. */
async function fill(botApi: BotApi, chatId: number, messages: number): Promise<void> {
  for (let sent = 0; sent < messages; sent++) {
    await fetch(`${botApi.url}/bot${token}/sendMessage`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ chat_id: chatId, text: "before" }),
    });
  }
}

describe.each([
  ["in the database", embedded, false],
  [redis.title("in Redis"), overRedis, redis.missing !== undefined],
] as const)("state of the version before %s", (_where, open, missing) => {
  it.skipIf(missing)(
    "is gone on with: persona, history and the questions that waited",
    async () => {
      const world = await open();
      const { user } = world.botApi;
      for (const userId of [7, 23]) user.createPrivateChat({ userId, firstName: "A" });
      await fill(world.botApi, 7, 2_010);
      await world.start();

      const next = user.sendText(7, 7, "And now?").message_id;
      await seen(world.botApi, 7, /^To And now\?/, next);
      const request = await until(() =>
        world.model.requests.find(({ body }) => body.messages.at(-1)?.content === "And now?"),
      );
      expect(dialogueOf(request)).toEqual([
        "system: Answer as a pirate.\nAlways.",
        "user: > quoted\n\nWhat is this?",
        "assistant: It is",
        "user: Shorten",
        "assistant: Only the newest was read.",
        "user: Shorten again",
        "assistant: Again.",
        "user: A long one",
        "assistant: First half, second half.",
        "user: And now?",
      ]);

      await seen(world.botApi, 23, /^To Question 905\?/);
      const texts = world.botApi.chat(23).messages.map(({ text }) => text);
      expect(texts.filter((text) => text.startsWith("To Question"))).toEqual(
        [903, 904, 905].map((id) => `To Question ${id}?`),
      );
    },
    120_000,
  );
});

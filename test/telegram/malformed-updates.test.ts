/** Updates that are not what Telegram says they are: they harm nobody, and none is lost in silence. */
import fc from "fast-check";
import type { Update } from "grammy/types";
import { afterAll, describe, expect, it, vi } from "vitest";
import { createInHand } from "../../src/base/in-hand.ts";
import { createTokenBucket } from "../../src/engines/lanes/token-bucket.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import { createIngress } from "../../src/ingress/chain.ts";
import type { IncomingUpdate } from "../../src/ports/updates.ts";
import { createArrivals } from "../../src/telegram/arrivals.ts";
import { isHopeless } from "../../src/telegram/hopeless.ts";
import { createIdentity } from "../../src/telegram/identity.ts";
import { textsFor } from "../../src/texts/texts.ts";
import { createBotScene } from "../support/bot-scene.ts";

const me = { id: 999, is_bot: true, first_name: "Parley", username: "parley_bot" } as Parameters<
  typeof createIngress
>[0]["me"];
const from = { id: 7, is_bot: false, first_name: "Ada" };
const chat = { id: 7, type: "private", first_name: "Ada" };
const group = { id: -100, type: "supergroup", title: "Family" };
const command = [{ type: "bot_command", offset: 0, length: 5 }];
const message = { message_id: 50, date: 1_790_000_000, chat, from, text: "why?" };
const answer = { ...message, message_id: 49, from: me, text: "because" };
const quoting = {
  ...message,
  chat: group,
  text: "@parley_bot and this?",
  message_thread_id: 3,
  is_topic_message: true,
  entities: [
    { type: "bold", offset: 0, length: 3 },
    { type: "text_mention", offset: 0, length: 3, user: me },
    { type: "text_link", offset: 1, length: 3, url: "https://example.com" },
  ],
  reply_to_message: { ...message, chat: group, text: "the sky is blue", entities: command },
  quote: { text: "blue", position: 11 },
};
const forwarded = {
  ...message,
  caption: "what is this?",
  media_group_id: "12",
  photo: [{ file_id: "f", file_unique_id: "u", width: 1, height: 1 }],
  caption_entities: [{ type: "pre", offset: 0, length: 4, language: "c" }],
  forward_origin: { type: "user", date: 1, sender_user: from },
  external_reply: {
    origin: { type: "channel", date: 1, chat: group, message_id: 4 },
    document: { file_name: "a.txt" },
  },
};

/** One of each kind that the bot asks for, and some that it does not. */
const kinds: readonly object[] = [
  { message },
  { message: quoting },
  { message: forwarded },
  { message: { ...message, text: "/help", entities: command } },
  { message: { ...message, from: { ...from, id: 1087968824 }, sender_chat: group, chat: group } },
  { message: { ...message, text: undefined, sticker: { file_id: "s", emoji: "🙂" } } },
  { message: { ...message, text: undefined, migrate_to_chat_id: -1001 } },
  { edited_message: { ...message, edit_date: 1_790_000_100 } },
  { callback_query: { id: "1", from, chat_instance: "1", data: "stop:1", message: answer } },
  { callback_query: { id: "1", from, chat_instance: "1", data: "again:50", message: answer } },
  { callback_query: { id: "1", from, chat_instance: "1", data: "model:abc", inline_message_id: "i" } },
  {
    my_chat_member: { chat, from, date: 1, old_chat_member: { status: "left" }, new_chat_member: { status: "kicked" } },
  },
  { stopped_message_generation: { chat, draft_id: 12 } },
  { channel_post: { ...message, chat: { ...group, type: "channel" } } },
  { edited_channel_post: { ...message, chat: { ...group, type: "channel" } } },
  { business_message: { ...message, business_connection_id: "b" } },
  { guest_message: { ...message, guest_query_id: "g" } },
  { message_reaction: { chat, message_id: 1, user: from, date: 1, old_reaction: [], new_reaction: [] } },
  { inline_query: { id: "1", from, query: "q", offset: "" } },
];

/** Every place in a value, as the keys that lead to it. */
function placesIn(value: unknown, above: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [above];
  const below = Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...above, key]));
  return above.length === 0 ? below : [above, ...below];
}

const gone = Symbol("gone");
const wrong = [gone, null, true, -7, 0.5, 2 ** 60, 1e300, "text", "", [], [null], {}, { id: "7" }, [[]]];

/** The same with something else in this place. */
function withWrong(value: unknown, [key = "", ...rest]: readonly string[], instead: unknown): unknown {
  if (typeof value !== "object" || value === null || (Array.isArray(value) && !/^\d+$/.test(key))) return value;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  if (rest.length > 0) copy[key] = withWrong(copy[key], rest, instead);
  else if (instead === gone) delete copy[key];
  else copy[key] = instead;
  return copy;
}

/** A body as it comes over the wire: with what JSON cannot hold it would not have come. */
const overTheWire = (body: unknown) => JSON.parse(JSON.stringify(body)) as object;

const malformed = fc
  .constantFrom(...kinds)
  .chain((body) =>
    fc
      .array(fc.tuple(fc.constantFrom(...placesIn(body)), fc.constantFrom(...wrong)), { minLength: 1, maxLength: 3 })
      .map((changes) =>
        overTheWire(changes.reduce<unknown>((now, [place, instead]) => withWrong(now, place, instead), body)),
      ),
  );
const nonsense = fc.oneof(
  { weight: 5, arbitrary: malformed },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.constantFrom("message", "callback_query", "edited_message", "poll"), fc.jsonValue()),
  },
);

const identity = createIdentity({ me, getMe: async () => me, log: { info: () => undefined, debug: () => undefined } });
afterAll(() => identity.stop());

/** The ingress chain with a queue that only writes down. */
function createEntrance() {
  const stored: IncomingUpdate[] = [];
  const log = { debug: () => undefined, warn: vi.fn() };
  const arrivals = createArrivals({
    textsFor,
    identity,
    inHand: createInHand(),
    allowed: () => true,
    admins: new Set(),
    store: createMemoryStore({ historyTtlSeconds: 3600 }),
    api: { answerCallbackQuery: async () => true as const },
    log,
  });
  const generous = createTokenBucket({ messages: 1_000_000, windowSeconds: 1, burst: 1_000_000 });
  const results: string[] = [];
  const ingress = createIngress({
    token: "123456:test",
    me,
    address: (update) => arrivals.address(update),
    onQueued: (update, addressed) => arrivals.queued(update, addressed),
    rateLimiter: generous,
    commandLimiter: generous,
    queue: {
      known: async () => false,
      async enqueue(update) {
        stored.push(update);
        return "queued";
      },
    },
    log,
    onUpdate: (kind, result) => results.push(`${kind} ${result}`),
    now: () => 1_000_000,
  });
  return { ingress, stored, log, results };
}

const good = (updateId: number) => ({ update_id: updateId, message: { ...message, message_id: updateId } });

describe("a malformed update", () => {
  it("is stored or kept among the dead, and costs none of its batch", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(nonsense, { minLength: 1, maxLength: 6 }), async (bodies) => {
        const { ingress, stored, results } = createEntrance();
        const batch = bodies.flatMap((body, index) => [good(100 + index), { ...body, update_id: 200 + index }]);
        await ingress.accept(batch as unknown as Update[]);
        const ids = stored.map(({ updateId }) => updateId);
        expect(ids.filter((id) => id < 200)).toEqual(bodies.map((_, index) => 100 + index));
        expect(results).toHaveLength(batch.length);
        for (const { conversation, dead } of stored) {
          expect(conversation).toMatch(/^(-?\d+(:-?\d+)?|update:\d+)$/);
          if (dead !== undefined) expect(dead).toMatch(/ is |malformed/);
        }
        // A webhook brings them one by one.
        for (const update of batch) await ingress.bot.handleUpdate(update as unknown as Update);
      }),
      { numRuns: 1500 },
    );
  });

  it.each([
    ["message.chat is missing", { message: { ...message, chat: undefined } }],
    ["message.chat.id is no whole number", { message: { ...message, chat: { ...chat, id: "7" } } }],
    ["message.message_id is missing", { message: { chat, from, text: "x" } }],
    ["message is no object", { message: null }],
    ["message.text is no text", { message: { ...message, text: 5 } }],
    ["message.entities[0].offset is missing", { message: { ...message, entities: [{ type: "bold", length: 1 }] } }],
    ["callback_query.from is missing", { callback_query: { id: "1", data: "x" } }],
    ["stopped_message_generation.draft_id is missing", { stopped_message_generation: { chat } }],
    ["my_chat_member.chat is missing", { my_chat_member: { from } }],
  ])("is dead with the reason that %s, once in the log, without its content", async (reason, body) => {
    const { ingress, stored, results, log } = createEntrance();
    await ingress.accept([{ update_id: 5, ...body } as unknown as Update]);
    const place = { conversation: "update:5", lane: "quick", receivedAt: 1_000_000 };
    expect(stored).toEqual([{ updateId: 5, ...place, body: JSON.stringify({ update_id: 5, ...body }), dead: reason }]);
    expect(results).toEqual(["unaddressable dead"]);
    expect(log.warn).toHaveBeenCalledExactlyOnceWith({ updateId: 5, reason }, expect.any(String));
  });

  const nested = (depth: number) => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`) as unknown;

  it.each([
    ["where nobody looks", { message: { ...message, hologram: nested(100_000) } }],
    ["in a chain of replies", { message: { ...message, reply_to_message: { ...message, hologram: nested(100_000) } } }],
    ["in an update that is malformed besides", { message: nested(100_000) }],
  ])("is kept by its id alone when it is nested so deeply that it cannot be written: %s", async (_, body) => {
    const { ingress, stored, results } = createEntrance();
    await ingress.accept([{ update_id: 5, ...body }, good(6)] as unknown as Update[]);
    expect(
      stored.map(({ updateId, body: written, dead }) => [updateId, dead === undefined ? "good" : written]),
    ).toEqual([
      [5, '{"update_id":5}'],
      [6, "good"],
    ]);
    expect(results).toEqual(["unaddressable dead", expect.any(String)]);
  });
});

describe("whatever is stored of it", () => {
  const scene = createBotScene();

  it("is handled, or has failed for good at its first delivery", async () => {
    await fc.assert(
      fc.asyncProperty(nonsense, async (body) => {
        const { ingress, stored } = createEntrance();
        await ingress.accept([{ ...body, update_id: scene.nextId++ } as unknown as Update]);
        for (const update of stored.filter(({ dead }) => dead === undefined)) {
          const failure: unknown = await scene.handle(update).then(
            () => undefined,
            (error: unknown) => error,
          );
          if (failure !== undefined) expect(isHopeless(failure), String(failure)).toBe(true);
        }
      }),
      { numRuns: 1500 },
    );
    // And it has not spoilt anything for the others.
    await scene.write("are you there?");
    expect(scene.requests.at(-1)?.messages.at(-1)?.content).toBe("are you there?");
  }, 60_000);
});

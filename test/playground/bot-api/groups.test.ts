import { describe, expect, it } from "vitest";
import { createBotApiScene } from "../../support/bot-api-scene.ts";
import { ada } from "../../support/wrong-calls.ts";

const scene = createBotApiScene();
const { post, call, updates } = scene;

describe("a small group that becomes a supergroup", () => {
  it("has a new chat with ids of its own, and is told of once in each, in any order, and again", async () => {
    const { user } = scene.api;
    const from = user.createSmallGroup({ title: "Small", memberIds: [ada] });
    user.sendText(from, ada, "before");
    const to = user.upgradeGroup(from, ["from", "to"]);
    user.tellUpgrade(from, ["to"]);
    expect(String(to)).toMatch(/^-100\d{10}$/);
    expect(await updates()).toMatchObject([
      { message: { message_id: 1, text: "before", chat: { id: from, type: "group" } } },
      { message: { message_id: 1, migrate_from_chat_id: from, chat: { id: to, type: "supergroup" } } },
      { message: { message_id: 2, migrate_to_chat_id: to, chat: { id: from } } },
      { message: { message_id: 3, migrate_to_chat_id: to } },
    ]);
    expect(() => user.sendText(from, ada, "behind")).toThrow("has become");
  });

  it("refuses every call under its old id, and names the new one", async () => {
    const from = scene.api.user.createSmallGroup({ title: "Small", memberIds: [ada] });
    const to = scene.api.user.upgradeGroup(from, []);
    for (const [method, params] of [
      ["sendMessage", { text: "a" }],
      ["sendChatAction", { action: "typing" }],
      ["editMessageText", { message_id: 1, text: "a" }],
      ["deleteMessage", { message_id: 1 }],
      ["getChat", {}],
    ] as const) {
      expect(await post(method, { chat_id: from, ...params }), method).toMatchObject({
        status: 400,
        body: {
          description: "Bad Request: group chat was upgraded to a supergroup chat",
          parameters: { migrate_to_chat_id: to },
        },
      });
    }
    await call("sendMessage", { chat_id: to, text: "here" });
  });
});

describe("a topic", () => {
  it("takes no messages once it is closed or deleted, replies to what stands in it neither", async () => {
    const { user } = scene.api;
    const chatId = user.createGroup({ title: "Forum", memberIds: [ada], forum: true });
    const { threadId } = user.createTopic(chatId, "old", ada);
    const asked = user.sendText(chatId, ada, "well?", { threadId }).message_id;
    const inTopic = { chat_id: chatId, text: "a", message_thread_id: threadId };
    const asReply = { chat_id: chatId, text: "a", reply_parameters: { message_id: asked } };
    expect(await call("sendMessage", asReply)).toMatchObject({ message_thread_id: threadId });
    user.closeTopic(chatId, threadId);
    for (const params of [inTopic, asReply]) {
      expect((await post("sendMessage", params)).body.description).toBe("Bad Request: TOPIC_CLOSED");
    }
    user.deleteTopic(chatId, threadId);
    expect((await post("sendMessage", inTopic)).body.description).toBe("Bad Request: message thread not found");
    expect((await post("sendMessage", asReply)).body.description).toBe("Bad Request: message to be replied not found");
    await call("sendMessage", { chat_id: chatId, text: "a" });
  });
});

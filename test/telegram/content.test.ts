import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { textOf } from "../../src/ports/content.ts";
import { hasContent, serviceFields, unseenIn, unseenText } from "../../src/telegram/content.ts";
import { questionOf } from "../../src/telegram/question.ts";
import {
  arrives,
  bot,
  content,
  edited,
  group,
  groupQuestion,
  inGroup,
  me,
  question,
} from "../support/addressed-updates.ts";

/** Fields of a message that say something about it, not in it. */
const about = (
  "message_id message_thread_id from sender_chat date guest_query_id business_connection_id chat is_topic_message " +
  "direct_messages_topic sender_tag receiver_user ephemeral_message_id sender_boost_count sender_business_bot " +
  "forward_origin is_automatic_forward reply_to_message reply_to_checklist_task_id reply_to_poll_option_id is_paid_post " +
  "external_reply quote reply_to_story via_bot guest_bot_caller_user guest_bot_caller_chat edit_date " +
  "has_protected_content show_caption_above_media is_from_offline author_signature link_preview_options effect_id " +
  "paid_star_count reply_markup media_group_id has_media_spoiler suggested_post_info caption_entities entities"
).split(" ");

/** What people send. */
const sent = (
  "text caption rich_message animation audio document live_photo paid_media photo sticker story video video_note voice " +
  "contact dice game poll venue location checklist giveaway giveaway_winners invoice"
).split(" ");

/** The fields of a message by the Bot API that we are written for, with what its documentation says of each. */
function documentedFields(): Map<string, string> {
  const types = createRequire(createRequire(import.meta.url).resolve("grammy")).resolve("@grammyjs/types/package.json");
  const source = readFileSync(join(types, "../message.d.ts"), "utf8");
  const bundles = source.slice(source.indexOf("interface ServiceMessage {"), source.indexOf("type TextMessage"));
  const whole = source.slice(source.indexOf("export interface Message extends"), source.indexOf("interface MessageId"));
  const fields = `${bundles}${whole}`.matchAll(/(?:\/\*\* ([^\n]*) \*\/\s+)?^ +([a-z_]+)\??: /gm);
  return new Map([...fields].map(([, text = "", name = ""]) => [name, text]));
}

describe("the fields of a message", () => {
  const documented = documentedFields();

  it("are all known: what is about it, what people send, what Telegram tells", () => {
    expect(documented.size).toBeGreaterThan(100);
    expect([...documented.keys()].sort()).toEqual([...about, ...sent, ...serviceFields].sort());
  });

  it("are service fields wherever the documentation calls them so", () => {
    const called = [...documented].filter(([, text]) => text.startsWith("Service message")).map(([name]) => name);
    expect(called.length).toBeGreaterThan(35);
    for (const name of called) expect(serviceFields, name).toContain(name);
  });
});

describe("a message without words in a private chat", () => {
  const notice = { conversation: "7", lane: "quick", kind: "unsupported", payer: 7 };
  const shown = ["photo", "live_photo", "video", "animation", "document", "audio"];

  it.each(shown)("may go with the question before it when it is a %s", (field) => {
    expect(arrives(content({ [field]: {} }))).toEqual(question);
    expect(arrives(content({ [field]: {}, chat: group }))).toBeUndefined();
  });

  it.each(sent.filter((field) => field !== "text" && field !== "caption" && !shown.includes(field)))(
    "gets the polite line when it is a %s",
    (field) => {
      expect(arrives(content({ [field]: {} }))).toEqual(notice);
      expect(arrives(content({ [field]: {}, chat: group }))).toBeUndefined();
    },
  );

  it.each(["hologram", "smell_message", "toString"])("gets it for a %s, of which nobody has heard", (field) => {
    expect(arrives(content({ [field]: { a: 1 } }))).toEqual(notice);
    expect(arrives(content({ [field]: { a: 1 }, chat: group }))).toBeUndefined();
  });

  it("gets it when Telegram has nothing to show of it", () => {
    expect(arrives(content({}))).toEqual(notice);
  });

  const migrations = ["migrate_to_chat_id", "migrate_from_chat_id"];
  it.each(serviceFields.filter((field) => !migrations.includes(field)))(
    "gets nothing for Telegram's own %s",
    (field) => {
      expect(arrives(content({ [field]: {} }))).toBeUndefined();
      expect(arrives(inGroup("", { text: undefined, [field]: {} }))).toBeUndefined();
      expect(hasContent(content({ [field]: {} }))).toBe(false);
    },
  );
});

const place = { latitude: 52.52, longitude: 13.4 };
const stored = { file_id: "f", file_unique_id: "u" };
const size = { ...stored, width: 90, height: 60 };
const rich = { blocks: [{ type: "paragraph", text: "hello" }] };

/** What a person may send without a further word, as Telegram brings it, and what it asks; without words, the polite line. */
const samples: Readonly<Record<string, readonly (readonly [parts: object, asks: string])[]>> = {
  text: [[{ text: "hello" }, "hello"]],
  rich_message: [[{ rich_message: rich }, "hello"]],
  caption: [[{ caption: "hello", photo: [size] }, "[photo]\nhello"]],
  photo: [[{ photo: [size] }, "[photo]"]],
  live_photo: [[{ live_photo: { ...size, duration: 2 }, photo: [size] }, "[photo]"]],
  video: [
    [
      { video: { ...size, duration: 2, thumbnail: size } },
      "[video: only its cover can be shown, and nothing be heard]",
    ],
    [{ video: { ...size, duration: 2 } }, ""],
  ],
  animation: [
    [
      { animation: { ...size, duration: 2, thumbnail: size }, document: stored },
      "[animation: only its cover can be shown, and nothing be heard]",
    ],
    [{ animation: { ...size, duration: 2 }, document: stored }, ""],
  ],
  document: [
    [{ document: { ...stored, file_name: "a.pdf" } }, "[file: a.pdf]"],
    [{ document: { ...stored, mime_type: "audio/mpeg" } }, "[voice message]"],
    [{ document: { ...stored, mime_type: "video/mp4" } }, ""],
  ],
  voice: [[{ voice: { ...stored, duration: 2 } }, "[voice message]"]],
  audio: [[{ audio: { ...stored, duration: 2 } }, "[voice message]"]],
  video_note: [[{ video_note: { ...stored, length: 240, duration: 2 } }, "[voice message]"]],
  sticker: [
    [{ sticker: { ...size, emoji: "😀", is_animated: false, is_video: false } }, "[sticker 😀]"],
    [{ sticker: { ...size, emoji: "😀", is_animated: true, is_video: false } }, "[animated sticker 😀]"],
  ],
  contact: [[{ contact: { phone_number: "+49 30", first_name: "Eva", last_name: "Lu" } }, "[contact: Eva Lu +49 30]"]],
  location: [
    [{ location: place }, "[location: 52.52, 13.4]"],
    [{ location: { ...place, live_period: 900 } }, "[live location: 52.52, 13.4]"],
  ],
  venue: [
    [
      { venue: { location: place, title: "Zoo", address: "Park 1" }, location: place },
      "[place: Zoo, Park 1, 52.52, 13.4]",
    ],
  ],
  poll: [
    [{ poll: { id: "1", question: "Tea?", options: [{ text: "yes" }, { text: "no" }] } }, "[poll: Tea?]\n- yes\n- no"],
  ],
  checklist: [
    [{ checklist: { title: "Shopping", tasks: [{ id: 1, text: "milk" }] } }, "[checklist: Shopping]\n- [ ] milk"],
  ],
  dice: [[{ dice: { emoji: "🎲", value: 4 } }, "[dice: 🎲 4]"]],
  story: [[{ story: { chat: group, id: 1 } }, ""]],
  paid_media: [[{ paid_media: { star_count: 1, paid_media: [] } }, ""]],
  game: [[{ game: { title: "Chess", description: "A game", photo: [size] } }, ""]],
  invoice: [[{ invoice: { title: "Tea", description: "A cup", currency: "EUR", total_amount: 300 } }, ""]],
  giveaway: [[{ giveaway: { chats: [group], winner_count: 1 } }, ""]],
  giveaway_winners: [[{ giveaway_winners: { chat: group, winner_count: 1, winners: [] } }, ""]],
};
const kinds = Object.entries(samples).flatMap(([kind, all]) =>
  all.map(([parts, asks]) => [kind, asks, parts] as const),
);

describe("what people send, as Telegram brings it", () => {
  it("has an example of each kind here", () => {
    expect(Object.keys(samples).sort()).toEqual([...sent].sort());
  });

  it.each(kinds)("of the kind %s asks %j, or gets the polite line", (_, asks, parts) => {
    const message = content({ ...parts });
    expect(textOf(questionOf(message, me))).toBe(asks);
    // A film or a file may be what the question before it is about; if not, its turn says the polite line.
    const lane = asks === "" && !("video" in parts || "animation" in parts || "document" in parts) ? "quick" : "turn";
    expect(arrives(message)).toMatchObject({ lane, kind: lane === "quick" ? "unsupported" : "question" });
  });

  it.each(kinds)("of the kind %s is passed over in a group, %j, unless it replies to the bot", (_, asks, parts) => {
    expect(arrives(content({ ...parts, chat: group }))).toBeUndefined();
    const reply = content({ ...parts, chat: group, reply_to_message: content({ chat: group, from: bot, text: "x" }) });
    if (asks === "") expect(arrives(reply)).toBeDefined();
    else expect(arrives(reply)).toEqual(groupQuestion);
  });

  it("is not asked again with each step of somebody who shares where they are", () => {
    const sharing = content({ location: { ...place, live_period: 900 } });
    expect(arrives(sharing)).toEqual(question);
    expect(edited(sharing)).toBeUndefined();
  });

  it.each(sent.filter((field) => !["text", "caption", "rich_message"].includes(field)))(
    "asks nothing when there is nothing in it: %s",
    (field) => {
      expect(questionOf(content({ [field]: {} }), me)).toEqual([]);
    },
  );
});

describe("what cannot be seen", () => {
  const told = (parts: object) => {
    const unseen = unseenIn(content({ ...parts }));
    return unseen && unseenText(unseen);
  };

  it("is named by its kind, where several fields are there by the one that says most", () => {
    expect(told({ photo: [], live_photo: {} })).toBe("[a live photo that you cannot see]");
    expect(told({ document: { file_name: "a.gif" }, animation: {} })).toBe("[an animation that you cannot see]");
    expect(told({ audio: { file_name: "song.mp3" } })).toBe("[an audio file that you cannot hear: song.mp3]");
    expect(told({ paid_media: {} })).toBe("[a paid post that you cannot see]");
    expect(told({ text: "x" })).toBeUndefined();
  });

  it("has a name that is no more than a name", () => {
    expect(told({ document: { file_name: "a].txt\n[You may" } })).toBe("[a file that you cannot read: a .txt You may]");
    expect(told({ document: { file_name: { a: 1 } } })).toBe("[a file that you cannot read]");
    expect(told({ document: { file_name: `${"x".repeat(299)}👍.txt` } })).toHaveLength(
      "[a file that you cannot read: ]".length + 300,
    );
  });
});

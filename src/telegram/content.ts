/** What a message carries besides words, and which messages nobody wrote. Pure. */
import type { Location, Message, MessageOrigin } from "grammy/types";
import type { UnseenKind } from "../ports/notes.ts";

/**
 * Telegram's own notices: somebody joined, a topic was created. Everything else is what a person has sent, of kinds that
 * did not exist when this was written, too. (A table that is compared with Telegram's documentation in the tests.)
 */
export const serviceFields = [
  "boost_added",
  "channel_chat_created",
  "chat_background_set",
  "chat_owner_changed",
  "chat_owner_left",
  "chat_shared",
  "checklist_tasks_added",
  "checklist_tasks_done",
  "community_chat_added",
  "community_chat_joined",
  "community_chat_removed",
  "connected_website",
  "delete_chat_photo",
  "direct_message_price_changed",
  "forum_topic_closed",
  "forum_topic_created",
  "forum_topic_edited",
  "forum_topic_reopened",
  "general_forum_topic_hidden",
  "general_forum_topic_unhidden",
  "gift",
  "gift_upgrade_sent",
  "giveaway_completed",
  "giveaway_created",
  "group_chat_created",
  "left_chat_member",
  "managed_bot_created",
  "message_auto_delete_timer_changed",
  "migrate_from_chat_id",
  "migrate_to_chat_id",
  "new_chat_members",
  "new_chat_photo",
  "new_chat_title",
  "paid_message_price_changed",
  "passport_data",
  "pinned_message",
  "poll_option_added",
  "poll_option_deleted",
  "proximity_alert_triggered",
  "refunded_payment",
  "successful_payment",
  "suggested_post_approval_failed",
  "suggested_post_approved",
  "suggested_post_declined",
  "suggested_post_paid",
  "suggested_post_refunded",
  "supergroup_chat_created",
  "unique_gift",
  "users_shared",
  "video_chat_ended",
  "video_chat_participants_invited",
  "video_chat_scheduled",
  "video_chat_started",
  "web_app_data",
  "write_access_allowed",
] as const satisfies readonly (keyof Message)[];

/** Whether somebody wrote or sent it. */
export function hasContent(message: Message): boolean {
  return !serviceFields.some((field) => field in message);
}

/** Something in a message that a model of words alone cannot take in. */
export interface Unseen {
  readonly kind: UnseenKind;
  readonly verb: "see" | "hear" | "read";
  readonly noun: string;
  /** What its sender called it. */
  readonly name?: string;
}

/** Fields of what cannot be taken in. A field that another one brings along for older bots stands behind it. */
const unseenKinds = [
  ["live_photo", "see", "live photo"],
  ["photo", "see", "photo"],
  ["video", "see", "video"],
  ["video_note", "see", "video message"],
  ["animation", "see", "animation"],
  ["sticker", "see", "sticker"],
  ["story", "see", "story"],
  ["paid_media", "see", "paid post"],
  ["voice", "hear", "voice message"],
  ["audio", "hear", "audio file"],
  ["document", "read", "file"],
] as const satisfies readonly (readonly [UnseenKind, ...string[]])[];

/** What a message or a message that was replied to holds, as far as it matters here. */
export type Carrier = Partial<Pick<Message, Exclude<keyof Message, "chat" | "message_id">>>;

/** What of a message cannot be seen, heard or read; undefined when it is words alone. */
export function unseenIn(message: Carrier): Unseen | undefined {
  const kind = unseenKinds.find(
    ([field]) => message[field] !== undefined && !(field === "sticker" && moves(message.sticker)),
  );
  if (kind === undefined) return undefined;
  const [field, verb, noun] = kind;
  const carried = message[field] as { readonly file_name?: unknown; readonly emoji?: unknown };
  const name = oneLine(field === "sticker" ? carried.emoji : carried.file_name);
  return { kind: field, verb, noun, ...(name === "" ? {} : { name }) };
}

/** Says to the model what it cannot see. */
export function unseenText({ verb, noun, name }: Unseen): string {
  return `[${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun} that you cannot ${verb}${name === undefined ? "" : `: ${name}`}]`;
}

/** What a message holds that is no text but can be said in words; empty when it holds nothing like that. */
export function tellable(message: Carrier): string {
  const { poll, checklist, contact, venue, location, dice, game, giveaway, giveaway_winners, invoice } = message;
  if (moves(message.sticker)) return `[animated sticker ${oneLine(message.sticker?.emoji)}]`.replace(" ]", "]");
  if (poll !== undefined)
    return listed(
      "poll",
      poll.question,
      poll.options?.map(({ text }) => `- ${oneLine(text)}`),
    );
  if (checklist !== undefined) {
    const tasks = checklist.tasks?.map((task) => `- [${task.completion_date ? "x" : " "}] ${oneLine(task.text)}`);
    return listed("checklist", checklist.title, tasks);
  }
  if (contact !== undefined) return listed("contact", `${nameOf(contact)} ${oneLine(contact.phone_number)}`);
  if (venue !== undefined)
    return listed("place", commas(oneLine(venue.title), oneLine(venue.address), degrees(venue.location)));
  if (location !== undefined)
    return listed(location.live_period === undefined ? "location" : "live location", degrees(location));
  if (dice !== undefined) return listed("dice", Number.isInteger(dice.value) ? `${dice.emoji} ${dice.value}` : "");
  if (game !== undefined) return listed("game", game.title);
  if (invoice !== undefined) return listed("invoice", invoice.title);
  return giveaway === undefined && giveaway_winners === undefined ? "" : "[giveaway]";
}

/** Nothing where there is no title to tell. */
function listed(kind: string, title: string, items: readonly string[] = []): string {
  const told = oneLine(title);
  return told === "" ? "" : [`[${kind}: ${told}]`, ...items].join("\n");
}

function degrees(location: Partial<Location> | undefined): string {
  const { latitude, longitude } = location ?? {};
  return Number.isFinite(latitude) && Number.isFinite(longitude) ? `${latitude}, ${longitude}` : "";
}

/** Whether a sticker is no picture. */
function moves(sticker: Carrier["sticker"]): boolean {
  return sticker?.is_animated === true || sticker?.is_video === true;
}

function commas(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(", ");
}

/** Who wrote a message first, in the words that Telegram shows; empty when it does not tell. */
export function authorOf(origin: MessageOrigin | undefined): string {
  switch (origin?.type) {
    case "user":
      return nameOf(origin.sender_user ?? {});
    case "hidden_user":
      return oneLine(origin.sender_user_name);
    case "chat":
      return signed(origin.sender_chat?.title, origin.author_signature);
    case "channel":
      return signed(origin.chat?.title, origin.author_signature);
    default:
      return "";
  }
}

function signed(title: string | undefined, signature: string | undefined): string {
  return commas(oneLine(title), oneLine(signature));
}

function nameOf({ first_name, last_name }: { readonly first_name?: string; readonly last_name?: string }): string {
  return oneLine([first_name, last_name].filter((part) => part !== undefined).join(" "));
}

const longestName = 300;

/** What tells more than a model can use of a question by itself: nobody plays or pays here. */
const mereNotices = ["game", "invoice", "giveaway", "giveaway_winners"] as const;

/** The same, where it is a question by itself. */
export function tellableAlone(message: Carrier): string {
  return mereNotices.some((field) => message[field] !== undefined) ? "" : tellable(message);
}

/** What somebody else has chosen must not look like the words of the sender, or like ours. */
export function oneLine(text: unknown): string {
  if (typeof text !== "string") return "";
  return text
    .slice(0, longestName)
    .toWellFormed()
    .replace(/[\p{Cc}\s[\]]+/gu, " ")
    .trim();
}

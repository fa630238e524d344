/** Reads the entities of a call, with Telegram's words for what is wrong with one. */
import type { MessageEntity } from "grammy/types";
import { badRequest } from "./refusal.ts";
import { checkFields, type Fields, isLink, parseJson } from "./values.ts";

const fieldsOf: Readonly<Record<string, Fields>> = {
  bold: {},
  italic: {},
  underline: {},
  strikethrough: {},
  spoiler: {},
  code: {},
  blockquote: {},
  expandable_blockquote: {},
  pre: { language: "string?" },
  text_link: { url: "string" },
  text_mention: { user: "object" },
  custom_emoji: { custom_emoji_id: "string" },
  date_time: { unix_time: "integer", date_time_format: "string?" },
  // Telegram finds these itself and passes over what a bot says of them.
  ...Object.fromEntries(
    "mention hashtag cashtag bot_command url email phone_number bank_card_number"
      .split(" ")
      .map((type) => [type, {}] as const),
  ),
};

const foundByTelegram: ReadonlySet<string> = new Set(
  "mention hashtag cashtag bot_command url email phone_number bank_card_number".split(" "),
);
const farthest = 1_000_000;

/** The entities that remain of a parameter; links without a proper address are dropped, as Telegram does. */
export function readEntities(raw: unknown, onRepair: (what: string) => void): MessageEntity[] {
  if (raw === undefined || raw === "") return [];
  const list = parseJson(raw, "can't parse entities JSON object");
  if (!Array.isArray(list)) throw badRequest("can't parse entities JSON object");
  return list.flatMap((value) => readEntity(value, onRepair) ?? []);
}

function readEntity(value: unknown, onRepair: (what: string) => void): MessageEntity | undefined {
  const where = "can't parse MessageEntity";
  const base = checkFields(value, { offset: "integer", length: "integer", type: "string" }, where, true);
  const type = String(base["type"]);
  if (type === "") throw badRequest(`${where}: Type is not specified`);
  const fields = fieldsOf[type];
  if (fields === undefined) throw badRequest(`${where}: Unsupported type specified`);
  checkFields(value, { offset: "integer", length: "integer", type: "string", ...fields }, where);
  if (type === "date_time" && /[^rRwWdDtT]/.test(String(base["date_time_format"] ?? ""))) {
    throw badRequest(`${where}: Invalid date-time format specified`);
  }
  if (foundByTelegram.has(type)) return undefined;
  const entity = base as unknown as MessageEntity;
  const { offset, length } = entity;
  if (offset < 0 || offset > farthest) throw badRequest(`receive an entity with incorrect offset ${offset}`);
  if (length < 0 || length > farthest) throw badRequest(`receive an entity with incorrect length ${length}`);
  if (length === 0) {
    onRepair(`an entity of no length at ${offset} was dropped`);
    return undefined;
  }
  if (entity.type === "text_link" && !isLink(entity.url)) {
    onRepair(`a link to ${JSON.stringify(entity.url)} was dropped`);
    return undefined;
  }
  return { ...entity };
}

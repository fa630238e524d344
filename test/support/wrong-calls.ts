/** Calls that Telegram refuses, with its words; `by: "us"` marks those that only this emulator is strict about. */
import type { BotApi } from "../../src/playground/bot-api/bot-api.ts";

export interface WrongCall {
  readonly method: string;
  readonly why: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly says: string;
  /** 400 when left out. */
  readonly status?: number;
  readonly by?: "us";
}

export const ada = 1001;
const blocked = 1003;
export const group = -1_001_000_000_001;
export const forum = -1_001_000_000_002;
const left = -1_001_000_000_003;
const nobody = 999;

/** In Ada's chat after `seed`. */
const question = 1;
export const answer = 2;
const file = 3;
const withKeys = 4;
const withoutKeys = 5;

/** Fills an empty Bot API with what the rows speak of. */
export async function seed(api: BotApi, call: (method: string, params: object) => Promise<unknown>): Promise<void> {
  api.user.createPrivateChat({ userId: ada, firstName: "Ada" });
  api.user.createPrivateChat({ userId: blocked, firstName: "Ben" });
  api.user.block(blocked);
  api.user.createGroup({ title: "Group", memberIds: [ada] });
  api.user.createGroup({ title: "Forum", memberIds: [ada], forum: true });
  api.user.createGroup({ title: "Left", memberIds: [ada] });
  await call("leaveChat", { chat_id: left });
  api.user.sendText(ada, ada, "a question");
  const document = api.user.sendDocument(group, ada).document;
  const size = "0000000100000001";
  api.user.sendPhoto(group, ada, { bytes: Buffer.from(`89504e470d0a1a0a0000000d49484452${size}`, "hex") });
  await call("sendMessage", {
    chat_id: ada,
    text: "an answer",
    reply_markup: keyboard({ text: "A", callback_data: "a" }),
  });
  await call("sendDocument", { chat_id: ada, document: document?.file_id });
  await call("sendMessage", { chat_id: ada, text: "keys", reply_markup: { keyboard: [["A"]] } });
  await call("sendMessage", { chat_id: ada, text: "no keys", reply_markup: { remove_keyboard: true } });
}

function keyboard(...buttons: readonly unknown[]): object {
  return { inline_keyboard: [buttons] };
}

const notModified =
  "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";
const conflict =
  "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

type Row = readonly [why: string, params: Readonly<Record<string, unknown>>, says: string, rest?: Partial<WrongCall>];

/** A row's `says` begins with `Bad Request: ` unless it names another status. */
function rows(method: string, ...list: readonly Row[]): WrongCall[] {
  return list.map(([why, params, says, rest]) => ({
    method,
    why,
    params,
    says: rest?.status === undefined ? `Bad Request: ${says}` : says,
    ...rest,
  }));
}

const us = { by: "us" } as const;
const to = { chat_id: ada, text: "hello" };
const entity = (fields: object) => ({ ...to, entities: [{ offset: 0, length: 5, type: "bold", ...fields }] });
const button = (fields: object) => ({ ...to, reply_markup: keyboard({ text: "A", callback_data: "a", ...fields }) });

/** What every method refuses that writes into a chat. */
function chatRows(method: string, params: Readonly<Record<string, unknown>>): WrongCall[] {
  const chats = method === "sendMessageDraft" ? "an integer" : "an integer or a username";
  return rows(
    method,
    ["an unknown chat", { ...params, chat_id: nobody }, "chat not found"],
    ["no chat", { ...params, chat_id: undefined }, "chat_id is empty"],
    ["a chat that is no number", { ...params, chat_id: "ada" }, `parameter "chat_id" must be ${chats}`, us],
    [
      "somebody who blocked the bot",
      { ...params, chat_id: blocked },
      "Forbidden: bot was blocked by the user",
      { status: 403 },
    ],
    [
      "a group that the bot has left",
      { ...params, chat_id: left },
      "Forbidden: bot is not a member of the supergroup chat",
      { status: 403 },
    ],
  );
}

function threadRows(method: string, params: Readonly<Record<string, unknown>>): WrongCall[] {
  return rows(
    method,
    ["a topic that is not there", { ...params, chat_id: ada, message_thread_id: 77 }, "message thread not found"],
    [
      "a thread of another type",
      { ...params, chat_id: ada, message_thread_id: "x" },
      'parameter "message_thread_id" must be an integer',
      us,
    ],
  );
}

function textRows(method: string, params: Readonly<Record<string, unknown>>): WrongCall[] {
  const withEntity = (fields: object, text = "hello") => ({
    ...params,
    text,
    entities: [{ offset: 0, length: 5, type: "bold", ...fields }],
  });
  return rows(
    method,
    ["a text too long", { ...params, text: "x".repeat(4097) }, "message is too long"],
    ["a source too long", { ...params, text: `x${" ".repeat(32_768)}y` }, "text is too long"],
    ["half a surrogate pair", { ...params, text: "a\ud83d" }, "strings must be encoded in UTF-8"],
    ["a text of another type", { ...params, text: 5 }, 'parameter "text" must be a string', us],
    ["a parse mode that does not exist", { ...params, text: "a", parse_mode: "BBCode" }, "unsupported parse_mode"],
    ["entities that are no JSON", { ...params, text: "a", entities: "[{" }, "can't parse entities JSON object", us],
    ["entities that are no list", { ...params, text: "a", entities: {} }, "can't parse entities JSON object", us],
    [
      "an entity that is no object",
      { ...params, text: "a", entities: [1] },
      "can't parse MessageEntity: expected an Object",
    ],
    [
      "an entity without a place",
      withEntity({ offset: undefined }),
      `can't parse MessageEntity: Can't find field "offset"`,
    ],
    ["an entity without a type", withEntity({ type: "" }), "can't parse MessageEntity: Type is not specified"],
    [
      "an entity of an unknown type",
      withEntity({ type: "blink" }),
      "can't parse MessageEntity: Unsupported type specified",
    ],
    [
      "an entity with an unknown field",
      withEntity({ colour: "red" }),
      'can\'t parse MessageEntity: unknown field "colour"',
      us,
    ],
    ["a link without address", withEntity({ type: "text_link" }), `can't parse MessageEntity: Can't find field "url"`],
    [
      "a place that is no number",
      withEntity({ offset: "0" }),
      'can\'t parse MessageEntity: Field "offset" must be a valid Number',
    ],
    ["a place before the text", withEntity({ offset: -1 }), "receive an entity with incorrect offset -1"],
    ["a length below nothing", withEntity({ length: -1 }), "receive an entity with incorrect length -1"],
    [
      "an entity behind the text",
      withEntity({ offset: 5 }),
      "entity begins after the end of the text at UTF-16 offset 5",
    ],
    [
      "an entity longer than the text",
      withEntity({ length: 6 }),
      "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 6",
    ],
    [
      "an entity that begins inside an emoji",
      withEntity({ offset: 1, length: 1 }, "😀a"),
      "entity begins in a middle of a UTF-16 symbol at byte offset 4",
    ],
    [
      "an entity that ends inside an emoji",
      withEntity({ length: 2 }, "a😀"),
      "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 5",
    ],
  );
}

function keyboardRows(method: string, params: Readonly<Record<string, unknown>>): WrongCall[] {
  const markup = (value: unknown) => ({ ...params, reply_markup: value });
  const key = (fields: object) => markup(keyboard({ text: "A", callback_data: "a", ...fields }));
  const where = "can't parse inline keyboard button";
  return rows(
    method,
    ["a keyboard that is no JSON", markup("{"), "can't parse reply keyboard markup JSON object"],
    ["a keyboard that is a list", markup([]), "object expected as reply markup"],
    [
      "a keyboard of another kind",
      markup({ force_reply: true }),
      'reply markup with "force_reply" is not emulated',
      us,
    ],
    ["rows that are no list", markup({ inline_keyboard: {} }), 'field "inline_keyboard" must be of type Array'],
    [
      "a row that is no list",
      markup({ inline_keyboard: [{}] }),
      'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
    ],
    ["a button that is no object", markup(keyboard("A")), `${where}: InlineKeyboardButton must be an Object`],
    ["a button without label", key({ text: undefined }), `${where}: Can't find field "text"`],
    ["a button with an empty label", key({ text: "" }), "inline keyboard button text must be non-empty"],
    [
      "a button that does nothing",
      key({ callback_data: undefined }),
      `${where}: Text buttons are unallowed in the inline keyboard`,
    ],
    ["empty data", key({ callback_data: "" }), `${where}: Text buttons are unallowed in the inline keyboard`],
    ["data of 65 bytes", key({ callback_data: "ö".repeat(33) }), "BUTTON_DATA_INVALID"],
    ["data of another type", key({ callback_data: 1 }), `${where}: Field "callback_data" must be of type String`],
    [
      "a button's address without a dot",
      key({ callback_data: undefined, url: "http://localhost" }),
      "inline keyboard button URL 'http://localhost' is invalid: Wrong HTTP URL",
    ],
    ["a style that does not exist", key({ style: "loud" }), `${where}: invalid button style specified`],
    ["a button with an unknown field", key({ colour: "red" }), `${where}: unknown field "colour"`, us],
    [
      "a button that does two things",
      key({ url: "https://example.com" }),
      `${where}: a button does one thing, not callback_data and url`,
      us,
    ],
    [
      "a text to copy that is empty",
      key({ callback_data: undefined, copy_text: { text: "" } }),
      "BUTTON_COPY_TEXT_INVALID",
    ],
    [
      "more than 100 buttons",
      markup(keyboard(...Array(101).fill({ text: "A", callback_data: "a" }))),
      "reply markup is too long",
    ],
  );
}

/** Of a new message; one that is edited takes no such keyboard. */
function replyKeyboardRows(method: string, params: Readonly<Record<string, unknown>>): WrongCall[] {
  const markup = (value: unknown) => ({ ...params, reply_markup: value });
  const with_ = (fields: object) => markup({ keyboard: [["A"]], ...fields });
  const where = "can't parse keyboard button";
  return rows(
    method,
    ["keys that are no list", markup({ keyboard: "A" }), 'field "keyboard" must be of type Array'],
    [
      "a row of keys that is no list",
      markup({ keyboard: ["A"] }),
      'field "keyboard" of the ReplyKeyboardMarkup must be an Array of Arrays',
    ],
    ["a key that is a number", markup({ keyboard: [[1]] }), `${where}: KeyboardButton must be a String or an Object`],
    ["a key without label", markup({ keyboard: [[{}]] }), `${where}: Can't find field "text"`],
    ["a key with an empty label", markup({ keyboard: [[" "]] }), "keyboard button text must be non-empty"],
    [
      "a key with a loud style",
      markup({ keyboard: [[{ text: "A", style: "loud" }]] }),
      `${where}: invalid button style specified`,
    ],
    [
      "a key that asks for a contact",
      markup({ keyboard: [[{ text: "A", request_contact: true }]] }),
      `${where}: unknown field "request_contact"`,
      us,
    ],
    ["a flag that is no boolean", with_({ one_time_keyboard: 1 }), 'field "one_time_keyboard" must be of type Boolean'],
    ["an unknown flag", with_({ on_time_keyboard: true }), 'unknown field "on_time_keyboard"', us],
    ["two kinds at once", with_({ inline_keyboard: [] }), 'unknown field "inline_keyboard"', us],
    [
      "a placeholder of 65 characters",
      with_({ input_field_placeholder: "x".repeat(65) }),
      'field "input_field_placeholder" must have 1 to 64 characters',
      us,
    ],
    ["more than 300 keys", markup({ keyboard: Array(301).fill(["A"]) }), "reply markup is too long", us],
    ["more than 12 keys in a row", markup({ keyboard: [Array(13).fill("A")] }), "reply markup is too long", us],
    [
      "a removal that is no boolean",
      markup({ remove_keyboard: "yes" }),
      'field "remove_keyboard" must be of type Boolean',
    ],
  );
}

const edit = { chat_id: ada, message_id: answer, text: "another answer" };
const draft = { chat_id: ada, draft_id: 7, text: "a dra" };
const document = { chat_id: ada, document: "BQAC000000000001" };
const photo = { chat_id: ada, photo: "BQAC000000000002" };
const voice = { chat_id: ada, voice: "BQAC000000000001" };
const sameKeyboard = keyboard({ text: "A", callback_data: "a" });

export const wrongCalls: readonly WrongCall[] = [
  ...chatRows("sendMessage", to),
  ...threadRows("sendMessage", to),
  ...textRows("sendMessage", { chat_id: ada }),
  ...keyboardRows("sendMessage", to),
  ...replyKeyboardRows("sendMessage", to),
  ...rows(
    "sendMessage",
    ["no text", { chat_id: ada }, "message text is empty"],
    ["an empty text", { ...to, text: "" }, "message text is empty"],
    ["a text of blanks", { ...to, text: " \n\t" }, "text must be non-empty"],
    ["a chat by an unknown name", { ...to, chat_id: "@nobody_here" }, "chat not found"],
    [
      "a date that is no date",
      entity({ type: "date_time", unix_time: 1, date_time_format: "x" }),
      "can't parse MessageEntity: Invalid date-time format specified",
    ],
    ["a mention of nobody", entity({ type: "text_mention" }), `can't parse MessageEntity: Can't find field "user"`],
    [
      "link preview options that are no JSON",
      { ...to, link_preview_options: "{" },
      "can't parse link preview options JSON object",
    ],
    [
      "link preview options that are a list",
      { ...to, link_preview_options: [] },
      "object expected as link preview options",
    ],
    [
      "a link preview that is no yes or no",
      { ...to, link_preview_options: { is_disabled: "true" } },
      'field "is_disabled" must be of type Boolean',
    ],
    [
      "an unknown link preview option",
      { ...to, link_preview_options: { disabled: true } },
      'unknown field "disabled"',
      us,
    ],
    [
      "a switch that is no yes or no",
      { ...to, disable_notification: 1 },
      'parameter "disable_notification" must be a boolean',
      us,
    ],
    [
      "a reply to a message that is not there",
      { ...to, reply_parameters: { message_id: 99 } },
      "message to be replied not found",
    ],
    ["a reply to nothing", { ...to, reply_parameters: { quote: "a" } }, `can't find field "message_id"`],
    [
      "a reply to no number",
      { ...to, reply_parameters: { message_id: "1" } },
      'field "message_id" must be a valid Number',
    ],
    ["a reply that is no JSON", { ...to, reply_parameters: "{" }, "can't parse reply parameters JSON object"],
    ["a reply that is a list", { ...to, reply_parameters: [] }, "object expected as reply parameters"],
    ["a reply in an unknown chat", { ...to, reply_parameters: { message_id: 1, chat_id: nobody } }, "chat not found"],
    [
      "a quote that is not in the message",
      { ...to, reply_parameters: { message_id: 1, quote: "no" } },
      "QUOTE_TEXT_INVALID",
    ],
    [
      "a reply with an unknown field",
      { ...to, reply_parameters: { message_id: 1, soon: true } },
      'unknown field "soon"',
      us,
    ],
    [
      "a label of another type",
      button({ text: 1 }),
      'can\'t parse inline keyboard button: Field "text" must be of type String',
    ],
    ["a forum's topic that is not there", { ...to, chat_id: forum, message_thread_id: 77 }, "message thread not found"],
  ),

  ...chatRows("editMessageText", edit),
  ...textRows("editMessageText", { chat_id: ada, message_id: answer }),
  ...keyboardRows("editMessageText", edit),
  ...rows(
    "editMessageText",
    [
      "a keyboard in place of the letters",
      { ...edit, reply_markup: { keyboard: [["A"]] } },
      "inline keyboard expected",
    ],
    ["its removal", { ...edit, reply_markup: { remove_keyboard: true } }, "inline keyboard expected"],
    ["a message that came with such a keyboard", { ...edit, message_id: withKeys }, "message can't be edited"],
    ["a message that took one away", { ...edit, message_id: withoutKeys }, "message can't be edited"],
  ),
  ...rows(
    "editMessageText",
    ["no text", { ...edit, text: undefined }, "message text is empty"],
    ["a text of blanks", { ...edit, text: "\n" }, "text must be non-empty"],
    ["the same again", { ...edit, text: " an answer ", reply_markup: sameKeyboard }, notModified],
    ["a message that is not there", { ...edit, message_id: 99 }, "message to edit not found"],
    ["no message", { ...edit, message_id: undefined }, "message to edit not found"],
    ["neither chat nor message", { text: "a" }, "message identifier is not specified"],
    ["a person's message", { ...edit, message_id: question }, "message can't be edited"],
    ["a file", { ...edit, message_id: file }, "there is no text in the message to edit"],
    ["a message that is no number", { ...edit, message_id: "two" }, 'parameter "message_id" must be an integer', us],
    ["a message by a fraction", { ...edit, message_id: 2.5 }, 'parameter "message_id" must be an integer', us],
  ),

  ...chatRows("editMessageReplyMarkup", { message_id: answer }),
  ...keyboardRows("editMessageReplyMarkup", { chat_id: ada, message_id: answer }),
  ...rows(
    "editMessageReplyMarkup",
    ["the same keyboard", { chat_id: ada, message_id: answer, reply_markup: sameKeyboard }, notModified],
    ["no keyboard where none is", { chat_id: ada, message_id: file }, notModified],
    ["a message that is not there", { chat_id: ada, message_id: 99 }, "message to edit not found"],
    ["a person's message", { chat_id: ada, message_id: question }, "message can't be edited"],
  ),

  ...rows(
    "deleteMessage",
    ["no chat", { message_id: answer }, "chat identifier is not specified"],
    ["no message", { chat_id: ada }, "message identifier is not specified"],
    ["an unknown chat", { chat_id: nobody, message_id: answer }, "chat not found"],
    ["a message that is not there", { chat_id: ada, message_id: 99 }, "message to delete not found"],
    ["a person's message in a group", { chat_id: group, message_id: 1 }, "message can't be deleted"],
  ),
  ...rows(
    "deleteMessages",
    ["no list", { chat_id: ada }, "message identifiers are not specified"],
    ["an empty list", { chat_id: ada, message_ids: [] }, "message identifiers are not specified"],
    ["what is no list", { chat_id: ada, message_ids: { a: 1 } }, "expected an Array of message identifiers"],
    ["what is no JSON", { chat_id: ada, message_ids: "[1" }, "can't parse message_ids JSON object"],
    ["more than 100", { chat_id: ada, message_ids: Array(101).fill(1) }, "too many message identifiers specified"],
    ["what is no number", { chat_id: ada, message_ids: [true] }, "message identifier must be a Number"],
    ["a fraction", { chat_id: ada, message_ids: [1.5] }, "can't parse message identifier as a Number"],
    ["a number below 1", { chat_id: ada, message_ids: [0] }, "invalid message identifier specified"],
    ["an unknown chat", { chat_id: nobody, message_ids: [1] }, "chat not found"],
    ["a person's message in a group", { chat_id: group, message_ids: [1] }, "message can't be deleted"],
  ),

  ...chatRows("sendMessageDraft", draft),
  ...threadRows("sendMessageDraft", draft),
  ...textRows("sendMessageDraft", { chat_id: ada, draft_id: 7 }),
  ...rows(
    "sendMessageDraft",
    ["a group", { ...draft, chat_id: group }, "TEXTDRAFT_PEER_INVALID"],
    ["no number", { ...draft, draft_id: undefined }, "RANDOM_ID_INVALID"],
    ["the number 0", { ...draft, draft_id: 0 }, "RANDOM_ID_INVALID"],
    ["a chat by its name", { ...draft, chat_id: "@ada" }, 'parameter "chat_id" must be an integer', us],
    ["a keyboard", { ...draft, reply_markup: sameKeyboard }, 'unknown parameter "reply_markup"', us],
  ),

  ...chatRows("sendChatAction", { action: "typing" }),
  ...threadRows("sendChatAction", { action: "typing" }),
  ...rows(
    "sendChatAction",
    ["no action", { chat_id: ada }, "wrong parameter action in request"],
    ["an action that does not exist", { chat_id: ada, action: "thinking" }, "wrong parameter action in request"],
  ),

  ...rows(
    "answerCallbackQuery",
    [
      "an unknown press",
      { callback_query_id: "1" },
      "query is too old and response timeout expired or query ID is invalid",
    ],
    ["no press", {}, "query is too old and response timeout expired or query ID is invalid"],
    ["a text too long", { callback_query_id: "1", text: "x".repeat(201) }, "MESSAGE_TOO_LONG"],
    ["an address that is no game's", { callback_query_id: "1", url: "https://example.com" }, "URL_INVALID"],
    ["a press by number", { callback_query_id: 1 }, 'parameter "callback_query_id" must be a string', us],
  ),

  ...chatRows("sendVoice", voice),
  ...threadRows("sendVoice", voice),
  ...rows(
    "sendVoice",
    ["no file", { chat_id: ada }, "there is no voice in the request"],
    ["an unknown file", { chat_id: ada, voice: "BQAC" }, "wrong file identifier/HTTP URL specified"],
    ["a caption too long", { ...voice, caption: "x".repeat(1025) }, "message caption is too long"],
  ),
  ...chatRows("sendPhoto", photo),
  ...threadRows("sendPhoto", photo),
  ...rows(
    "sendPhoto",
    ["no file", { chat_id: ada }, "there is no photo in the request"],
    ["an unknown file", { chat_id: ada, photo: "BQAC" }, "wrong file identifier/HTTP URL specified"],
    ["what is no picture", { chat_id: ada, photo: "BQAC000000000001" }, "IMAGE_PROCESS_FAILED"],
    ["a caption too long", { ...photo, caption: "x".repeat(1025) }, "message caption is too long"],
  ),
  ...chatRows("sendDocument", document),
  ...threadRows("sendDocument", document),
  ...keyboardRows("sendDocument", document),
  ...replyKeyboardRows("sendDocument", document),
  ...rows(
    "sendDocument",
    ["no file", { chat_id: ada }, "there is no document in the request"],
    [
      "a file that was not attached",
      { chat_id: ada, document: "attach://nothing" },
      "there is no document in the request",
    ],
    ["an unknown file", { chat_id: ada, document: "BQAC" }, "wrong file identifier/HTTP URL specified"],
    ["a caption too long", { ...document, caption: "x".repeat(1025) }, "message caption is too long"],
    [
      "an entity behind the caption",
      { ...document, caption: "a", caption_entities: [{ offset: 1, length: 1, type: "bold" }] },
      "entity begins after the end of the text at UTF-16 offset 1",
    ],
    ["a parse mode that does not exist", { ...document, caption: "a", parse_mode: "BBCode" }, "unsupported parse_mode"],
    [
      "a reply to a message that is not there",
      { ...document, reply_parameters: { message_id: 99 } },
      "message to be replied not found",
    ],
  ),
  ...rows(
    "getFile",
    ["no file", {}, "file_id not specified"],
    ["an unknown file", { file_id: "BQAC" }, "invalid file_id"],
  ),

  ...rows(
    "setMyCommands",
    ["what is no JSON", { commands: "[" }, "can't parse commands JSON object"],
    ["what is no list", { commands: {} }, "expected an Array of BotCommand"],
    ["what is no command", { commands: ["start"] }, "can't parse BotCommand: expected an Object"],
    [
      "a command without name",
      { commands: [{ description: "a" }] },
      `can't parse BotCommand: Can't find field "command"`,
    ],
    [
      "a command without words",
      { commands: [{ command: "a" }] },
      `can't parse BotCommand: Can't find field "description"`,
    ],
    ["an empty name", { commands: [{ command: "/", description: "a" }] }, "command must be non-empty"],
    [
      "a name too long",
      { commands: [{ command: "a".repeat(33), description: "a" }] },
      "command length must not exceed 32",
    ],
    ["capitals", { commands: [{ command: "Start", description: "a" }] }, "BOT_COMMAND_INVALID"],
    ["a name with a hyphen", { commands: [{ command: "re-do", description: "a" }] }, "BOT_COMMAND_INVALID"],
    ["empty words", { commands: [{ command: "a", description: " " }] }, "command description must be non-empty"],
    [
      "too many words",
      { commands: [{ command: "a", description: "x".repeat(257) }] },
      "command description length must not exceed 256",
    ],
    ["more than 100", { commands: Array(101).fill({ command: "a", description: "a" }) }, "BOT_COMMANDS_TOO_MUCH"],
    [
      "a scope that does not exist",
      { commands: [], scope: { type: "moon" } },
      "can't parse BotCommandScope: Unsupported type specified",
    ],
    [
      "a scope without its chat",
      { commands: [], scope: { type: "chat" } },
      "can't parse BotCommandScope: Empty chat_id specified",
    ],
    [
      "a scope that is no object",
      { commands: [], scope: [] },
      "can't parse BotCommandScope: BotCommandScope must be an Object",
    ],
    ["a language that is none", { commands: [], language_code: "english" }, "invalid language code specified"],
  ),
  ...rows("getMyCommands", ["a scope that is no JSON", { scope: "{" }, "can't parse BotCommandScope JSON object"]),
  ...rows("deleteMyCommands", [
    "a scope without its person",
    { scope: { type: "chat_member", chat_id: group } },
    "can't parse BotCommandScope: Invalid user_id specified",
  ]),
  ...rows("setMyDescription", ["too many words", { description: "x".repeat(513) }, "ABOUT_TOO_LONG"]),
  ...rows("getMyDescription", [
    "a language that is none",
    { language_code: "english" },
    "invalid language code specified",
  ]),
  ...rows("getMyShortDescription", [
    "a language that is none",
    { language_code: "e" },
    "invalid language code specified",
  ]),
  ...rows("setMyShortDescription", ["too many words", { short_description: "x".repeat(121) }, "ABOUT_TOO_LONG"]),

  ...rows("getChat", ["an unknown chat", { chat_id: nobody }, "chat not found"], ["no chat", {}, "chat_id is empty"]),
  ...rows(
    "getChatMember",
    ["no user", { chat_id: group }, "invalid user_id specified"],
    ["somebody who is not there", { chat_id: group, user_id: nobody }, "PARTICIPANT_ID_INVALID"],
    ["an unknown chat", { chat_id: nobody, user_id: ada }, "chat not found"],
  ),
  ...rows(
    "leaveChat",
    ["a private chat", { chat_id: ada }, "chat member status can't be changed in private chats"],
    [
      "a group that was left",
      { chat_id: left },
      "Forbidden: bot is not a member of the supergroup chat",
      { status: 403 },
    ],
    ["an unknown chat", { chat_id: nobody }, "chat not found"],
  ),

  ...rows(
    "setWebhook",
    ["what is no address", { url: "hook" }, "invalid webhook URL specified"],
    [
      "plain http to another machine",
      { url: "http://example.com/hook" },
      "bad webhook: An HTTPS URL must be provided for webhook",
    ],
    [
      "a secret with a blank",
      { url: "https://127.0.0.1/", secret_token: "a b" },
      "secret token contains unallowed characters",
    ],
    ["a secret too long", { url: "https://127.0.0.1/", secret_token: "a".repeat(257) }, "secret token is too long"],
    [
      "no connections",
      { url: "https://127.0.0.1/", max_connections: 0 },
      'parameter "max_connections" must be between 1 and 100',
      us,
    ],
    [
      "101 connections",
      { url: "https://127.0.0.1/", max_connections: 101 },
      'parameter "max_connections" must be between 1 and 100',
      us,
    ],
    [
      "updates of an unknown kind",
      { url: "https://127.0.0.1/", allowed_updates: ["messages"] },
      'unknown update kind "messages"',
      us,
    ],
  ),
  ...rows("deleteWebhook", [
    "no yes or no",
    { drop_pending_updates: "maybe" },
    'parameter "drop_pending_updates" must be a boolean',
    us,
  ]),
  ...rows(
    "getUpdates",
    ["no updates", { limit: 0 }, 'parameter "limit" must be between 1 and 100', us],
    ["101 updates", { limit: 101 }, 'parameter "limit" must be between 1 and 100', us],
    ["a wait of 51 s", { timeout: 51 }, 'parameter "timeout" must be between 0 and 50', us],
    ["updates of an unknown kind", { allowed_updates: ["messages"] }, 'unknown update kind "messages"', us],
    ["kinds that are no list", { allowed_updates: {} }, "expected an Array of allowed updates", us],
    ["an offset that is no number", { offset: "last" }, 'parameter "offset" must be an integer', us],
  ),
];

/** Refused while a webhook is set. */
export const wrongBesideWebhook: WrongCall = {
  method: "getUpdates",
  why: "polling beside a webhook",
  params: {},
  says: conflict,
  status: 409,
};

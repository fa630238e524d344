/** The methods of the Bot API, each as a function of its parameters, with Telegram's refusals. */
import { isOgg } from "../../base/ogg.ts";
import { sizeOfPicture } from "../pictures.ts";
import { chatAccess, type Writable } from "./access.ts";
import { createCommandMethods } from "./commands.ts";
import { checkLinkPreview, readKeyboard, readMarkup, readReply } from "./markup.ts";
import type { Method, MethodName, Parameters } from "./parameters.ts";
import type { Presses } from "./presses.ts";
import { badRequest } from "./refusal.ts";
import type { UploadedFile } from "./request.ts";
import { captionFields, type MessageRecord, type NewMessage, type TelegramState, textFields } from "./state.ts";
import { captionRules, draftRules, type FormattedText, formatText, messageRules, type TextRules } from "./text.ts";
import type { StoredFile } from "./types.ts";
import { createUpdateMethods, type Delivery } from "./update-methods.ts";
import { parseJson } from "./values.ts";

export interface MethodDeps {
  readonly state: TelegramState;
  readonly presses: Presses;
  readonly delivery: Delivery;
  /** Hears of what Telegram would mend or pass over in silence. */
  onViolation(what: string): void;
}

const chatActions: ReadonlySet<string | undefined> = new Set(
  (
    "cancel typing upload_photo record_video upload_video record_voice upload_voice record_audio upload_audio " +
    "upload_document choose_sticker find_location pick_up_location record_video_note upload_video_note"
  ).split(" "),
);
const mostDeletions = 100;
const longestNotification = 200;
const largestDownload = 20 * 2 ** 20;

/** All methods by name. */
export function createMethods(deps: MethodDeps): Readonly<Record<MethodName, Method>> {
  const { state, presses } = deps;
  const access = chatAccess(state);

  function textOf(params: Parameters, field: "text" | "caption", rules: TextRules, method: string): FormattedText {
    if (params.string("parse_mode") !== undefined) {
      deps.onViolation(`${method}: parse_mode was used, and only entities are emulated`);
      throw badRequest("unsupported parse_mode");
    }
    const entities = params.json(field === "text" ? "entities" : "caption_entities");
    return formatText(params.string(field) ?? "", entities, rules, (what) => deps.onViolation(`${method}: ${what}`));
  }

  function messageText(params: Parameters, method: string): FormattedText {
    if (params.string("text") === undefined) throw badRequest("message text is empty");
    const formatted = textOf(params, "text", messageRules, method);
    checkLinkPreview(params.json("link_preview_options"));
    return formatted;
  }

  /** The bot's own message that a call wants to change. */
  function messageToEdit(params: Parameters): Writable & { record: MessageRecord } {
    const id = params.integer("message_id");
    if (params.all["chat_id"] === undefined && id === undefined)
      throw badRequest("message identifier is not specified");
    const place = access.writable(params);
    const record = place.chat.messages.get(id ?? 0);
    if (record === undefined) throw badRequest("message to edit not found");
    if (!record.fromBot || record.unchangeable) throw badRequest("message can't be edited");
    return { ...place, record };
  }

  function send(params: Parameters, content: NewMessage["content"], file?: StoredFile) {
    const markup = readMarkup(params.json("reply_markup"));
    const reply = readReply(params.json("reply_parameters"));
    const { chat } = access.writable(params);
    const replyTo = reply === undefined ? undefined : access.replyTarget(chat, reply);
    const { threadId } = access.writableThread(params, replyTo);
    const from = state.bot;
    return state.addMessage(chat, { from, threadId, replyTo, content, markup, ...(file && { file }) }).message;
  }

  function edit(params: Parameters, content: FormattedText | undefined) {
    const replyMarkup = readKeyboard(params.json("reply_markup"));
    const { chat, record } = messageToEdit(params);
    if (content !== undefined && record.message.text === undefined) {
      throw badRequest("there is no text in the message to edit");
    }
    const shown = record.views.at(-1);
    const same =
      isSame(shown?.replyMarkup, replyMarkup) &&
      (content === undefined || (shown?.text === content.text && isSame(shown.entities, content.entities)));
    if (same) {
      throw badRequest(
        "message is not modified: specified new message content and reply markup are exactly the same as a current " +
          "content and reply markup of the message",
      );
    }
    state.editMessage(chat, record, replyMarkup, content);
    return record.message;
  }

  function fileOf(given: UploadedFile | string | undefined): StoredFile {
    if (given === undefined) throw badRequest("there is no document in the request");
    if (typeof given === "string") {
      const known = state.files.get(given);
      if (known === undefined) throw badRequest("wrong file identifier/HTTP URL specified");
      return known;
    }
    if (given.bytes.length === 0) throw badRequest("file must be non-empty");
    const mimeType = given.name.endsWith(".md") ? "text/markdown" : given.mimeType || "application/octet-stream";
    return state.files.add(given.name, mimeType, given.bytes);
  }

  return {
    ...createUpdateMethods(deps.delivery),
    ...createCommandMethods(state),
    getMe: () => ({
      ...state.bot,
      can_join_groups: true,
      can_read_all_group_messages: true,
      supports_guest_queries: false,
      supports_inline_queries: false,
      can_connect_to_business: false,
      has_main_web_app: false,
      has_topics_enabled: true,
      allows_users_to_create_topics: true,
      can_manage_bots: false,
    }),
    close: () => true,
    sendMessage: (params) => send(params, textFields(messageText(params, "sendMessage"))),
    sendDocument(params) {
      const given = params.file("document");
      const caption = textOf(params, "caption", captionRules, "sendDocument");
      const file = fileOf(given);
      const document = {
        file_id: file.fileId,
        file_unique_id: file.uniqueId,
        file_name: file.name,
        mime_type: file.mimeType,
        file_size: file.bytes.length,
      };
      return send(params, { document, ...captionFields(caption) }, file);
    },
    sendVoice(params) {
      const given = params.file("voice");
      const caption = textOf(params, "caption", captionRules, "sendVoice");
      if (given === undefined) throw badRequest("there is no voice in the request");
      const file = fileOf(given);
      // Anything else becomes an audio file or a document.
      if (!isOgg(file.bytes)) deps.onViolation("sendVoice: what is no Ogg is not shown as a voice message");
      const ids = { file_id: file.fileId, file_unique_id: file.uniqueId };
      const duration = params.integer("duration") ?? 0;
      const voice = { ...ids, duration, mime_type: "audio/ogg", file_size: file.bytes.length };
      return send(params, { voice, ...captionFields(caption) }, file);
    },
    sendPhoto(params) {
      const given = params.file("photo");
      const caption = textOf(params, "caption", captionRules, "sendPhoto");
      if (given === undefined) throw badRequest("there is no photo in the request");
      const file = fileOf(given);
      const picture = sizeOfPicture(file.bytes);
      // These are the only formats that the emulator reads.
      if (picture === undefined) throw badRequest("IMAGE_PROCESS_FAILED");
      const size = { width: picture.width, height: picture.height };
      if (size.width + size.height > 10_000) throw badRequest("PHOTO_INVALID_DIMENSIONS");
      const ids = { file_id: file.fileId, file_unique_id: file.uniqueId };
      const photo = [{ ...ids, ...size, file_size: file.bytes.length }];
      return send(params, { photo, ...captionFields(caption) }, file);
    },
    editMessageText: (params) => edit(params, messageText(params, "editMessageText")),
    editMessageReplyMarkup: (params) => edit(params, undefined),
    deleteMessage(params) {
      const id = params.integer("message_id");
      if (params.all["chat_id"] === undefined) throw badRequest("chat identifier is not specified");
      if (id === undefined || id === 0) throw badRequest("message identifier is not specified");
      const chat = access.readable(params);
      const record = chat.messages.get(id);
      if (record === undefined) throw badRequest("message to delete not found");
      if (!access.mayDelete(chat, record)) throw badRequest("message can't be deleted");
      state.deleteMessages(chat, [id]);
      return true;
    },
    deleteMessages(params) {
      const ids = messageIds(params.json("message_ids"));
      const chat = access.readable(params);
      const known = ids.filter((id) => chat.messages.has(id));
      for (const id of known) {
        const record = chat.messages.get(id);
        if (record !== undefined && !access.mayDelete(chat, record)) throw badRequest("message can't be deleted");
      }
      if (known.length > 0) state.deleteMessages(chat, known);
      return true;
    },
    sendMessageDraft(params) {
      const draftId = params.integer("draft_id");
      const formatted = textOf(params, "text", draftRules, "sendMessageDraft");
      const { chat, threadId } = access.writableThread(params);
      if (chat.chat.type !== "private") throw badRequest("TEXTDRAFT_PEER_INVALID");
      if (draftId === undefined || draftId === 0) throw badRequest("RANDOM_ID_INVALID");
      const flags = { canStop: params.boolean("can_stop"), keepOnStop: params.boolean("keep_on_stop") };
      state.showDraft(chat, { draftId, threadId, ...formatted, ...flags });
      return true;
    },
    sendChatAction(params) {
      const action = params.string("action")?.toLowerCase();
      if (action === undefined || !chatActions.has(action)) throw badRequest("wrong parameter action in request");
      const { chat, threadId } = access.writableThread(params);
      state.showTyping(chat, threadId, action);
      return true;
    },
    answerCallbackQuery(params) {
      const text = params.string("text");
      const url = params.string("url");
      if ((text?.length ?? 0) > longestNotification) throw badRequest("MESSAGE_TOO_LONG");
      if (url !== undefined) throw badRequest("URL_INVALID");
      const showAlert = params.boolean("show_alert");
      const answer = { text, showAlert: showAlert || undefined };
      if (!presses.answer(params.string("callback_query_id") ?? "", answer)) {
        throw badRequest("query is too old and response timeout expired or query ID is invalid");
      }
      return true;
    },
    getFile(params) {
      const fileId = params.string("file_id");
      if (fileId === undefined) throw badRequest("file_id not specified");
      const file = state.files.get(fileId);
      if (file === undefined) throw badRequest("invalid file_id");
      if (file.bytes.length > largestDownload) throw badRequest("file is too big");
      return {
        file_id: file.fileId,
        file_unique_id: file.uniqueId,
        file_size: file.bytes.length,
        file_path: state.files.pathOf(file),
      };
    },
    getChat(params) {
      const { chat } = access.readable(params);
      return { ...chat, accent_color_id: 0, max_reaction_count: 11, accepted_gift_types: {} };
    },
    getChatMember(params) {
      const userId = params.integer("user_id") ?? 0;
      if (userId <= 0) throw badRequest("invalid user_id specified");
      const { people } = access.readable(params);
      const user = [state.bot, ...people].find(({ id }) => id === userId);
      if (user === undefined) throw badRequest("PARTICIPANT_ID_INVALID");
      return { status: "member", user };
    },
    leaveChat(params) {
      const chat = access.readable(params);
      if (chat.chat.type === "private") throw badRequest("chat member status can't be changed in private chats");
      access.checkMember(chat);
      chat.botLeft = true;
      return true;
    },
  };
}

function messageIds(raw: unknown): number[] {
  if (raw === undefined) throw badRequest("message identifiers are not specified");
  const list = parseJson(raw, "can't parse message_ids JSON object");
  if (!Array.isArray(list)) throw badRequest("expected an Array of message identifiers");
  if (list.length > mostDeletions) throw badRequest("too many message identifiers specified");
  if (list.length === 0) throw badRequest("message identifiers are not specified");
  return list.map((id: unknown) => {
    if (typeof id !== "number") throw badRequest("message identifier must be a Number");
    if (!Number.isSafeInteger(id)) throw badRequest("can't parse message identifier as a Number");
    if (id <= 0) throw badRequest("invalid message identifier specified");
    return id;
  });
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

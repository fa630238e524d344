/** The parameters of each method, and what of a request fits them. */
import { badRequest } from "./refusal.ts";
import type { ApiRequest, UploadedFile } from "./request.ts";

/** `json`: an object or array, as JSON text or as itself. `chat`: an integer or `@username`. */
type ParameterType = "integer" | "boolean" | "string" | "chat" | "json" | "file";

type Table = Readonly<Record<string, ParameterType>>;

const message = {
  chat_id: "chat",
  message_thread_id: "integer",
  disable_notification: "boolean",
  protect_content: "boolean",
  allow_paid_broadcast: "boolean",
  message_effect_id: "string",
  reply_parameters: "json",
  reply_markup: "json",
} as const satisfies Table;

const text = { text: "string", parse_mode: "string", entities: "json" } as const satisfies Table;
const commandScope = { scope: "json", language_code: "string" } as const satisfies Table;

/** Every method that is emulated, with every parameter that it knows. */
export const parameterTables = {
  getMe: {},
  close: {},
  getUpdates: { offset: "integer", limit: "integer", timeout: "integer", allowed_updates: "json" },
  setWebhook: {
    url: "string",
    ip_address: "string",
    max_connections: "integer",
    allowed_updates: "json",
    drop_pending_updates: "boolean",
    secret_token: "string",
  },
  deleteWebhook: { drop_pending_updates: "boolean" },
  getWebhookInfo: {},
  sendMessage: { ...message, ...text, link_preview_options: "json" },
  editMessageText: {
    chat_id: "chat",
    message_id: "integer",
    ...text,
    link_preview_options: "json",
    reply_markup: "json",
  },
  editMessageReplyMarkup: { chat_id: "chat", message_id: "integer", reply_markup: "json" },
  deleteMessage: { chat_id: "chat", message_id: "integer" },
  deleteMessages: { chat_id: "chat", message_ids: "json" },
  sendMessageDraft: {
    chat_id: "integer",
    message_thread_id: "integer",
    draft_id: "integer",
    ...text,
    can_stop: "boolean",
    keep_on_stop: "boolean",
  },
  sendChatAction: { chat_id: "chat", message_thread_id: "integer", action: "string" },
  answerCallbackQuery: {
    callback_query_id: "string",
    text: "string",
    show_alert: "boolean",
    url: "string",
    cache_time: "integer",
  },
  sendDocument: {
    ...message,
    document: "file",
    caption: "string",
    parse_mode: "string",
    caption_entities: "json",
    disable_content_type_detection: "boolean",
  },
  sendVoice: {
    ...message,
    voice: "file",
    caption: "string",
    parse_mode: "string",
    caption_entities: "json",
    duration: "integer",
  },
  sendPhoto: {
    ...message,
    photo: "file",
    caption: "string",
    parse_mode: "string",
    caption_entities: "json",
    show_caption_above_media: "boolean",
    has_spoiler: "boolean",
  },
  getFile: { file_id: "string" },
  setMyCommands: { commands: "json", ...commandScope },
  getMyCommands: commandScope,
  deleteMyCommands: commandScope,
  getMyDescription: { language_code: "string" },
  getMyShortDescription: { language_code: "string" },
  setMyDescription: { description: "string", language_code: "string" },
  setMyShortDescription: { short_description: "string", language_code: "string" },
  getChat: { chat_id: "chat" },
  getChatMember: { chat_id: "chat", user_id: "integer" },
  leaveChat: { chat_id: "chat" },
} as const satisfies Readonly<Record<string, Table>>;

export type MethodName = keyof typeof parameterTables;

/** Telegram does not mind the case of a method's name. */
const methodNames: ReadonlyMap<string, MethodName> = new Map(
  (Object.keys(parameterTables) as MethodName[]).map((name) => [name.toLowerCase(), name]),
);

/** The method of this name; undefined when there is none. */
export function methodNamed(name: string): MethodName | undefined {
  return methodNames.get(name.toLowerCase());
}

/** The parameters of one call, checked for their types. An empty text counts as left out, as it does for Telegram. */
export interface Parameters {
  integer(name: string): number | undefined;
  boolean(name: string): boolean;
  string(name: string): string | undefined;
  /** Parsed only when it came in a JSON body. */
  json(name: string): unknown;
  file(name: string): UploadedFile | string | undefined;
  readonly all: Readonly<Record<string, unknown>>;
}

/** Carries out one call: throws a `Refused`, or has its `result`. `onClose` is given what to do when the bot hangs up. */
export type Method = (params: Parameters, onClose: (hangUp: () => void) => void) => unknown;

/**
 * Holds a request against its method's table. A parameter that the table does not name, or of another type, is refused:
 * Telegram would pass over it, and the slip would be found late.
 */
export function readParameters(method: MethodName, request: ApiRequest): Parameters {
  const table: Table = parameterTables[method];
  const values = new Map<string, unknown>();
  for (const [name, value] of Object.entries(request.params)) {
    const type = Object.hasOwn(table, name) ? table[name] : undefined;
    if (type === undefined) throw badRequest(`unknown parameter "${name}"`);
    if (value !== "" || type === "file") values.set(name, convert(name, type, value, request));
  }
  for (const name of request.files.keys()) {
    if (table[name] === "file" && !values.has(name)) values.set(name, request.files.get(name));
    else if (!isAttached(name, request)) throw badRequest(`unknown parameter "${name}"`);
  }
  return {
    integer: (name) => values.get(name) as number | undefined,
    boolean: (name) => values.get(name) === true,
    string: (name) => values.get(name) as string | undefined,
    json: (name) => values.get(name),
    file: (name) => values.get(name) as UploadedFile | string | undefined,
    all: request.params,
  };
}

function isAttached(name: string, request: ApiRequest): boolean {
  return Object.values(request.params).includes(`attach://${name}`);
}

function convert(name: string, type: ParameterType, value: unknown, request: ApiRequest): unknown {
  const wrong = (expected: string) => badRequest(`parameter "${name}" must be ${expected}`);
  switch (type) {
    case "integer": {
      const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
      if (!Number.isSafeInteger(number)) throw wrong("an integer");
      return number;
    }
    case "chat": {
      if (typeof value === "string" && /^@\w+$/.test(value)) return value;
      const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
      if (!Number.isSafeInteger(number)) throw wrong("an integer or a username");
      return number;
    }
    case "boolean":
      if (value === true || value === "true") return true;
      if (value === false || value === "false") return false;
      throw wrong("a boolean");
    case "string":
      if (typeof value !== "string") throw wrong("a string");
      return value;
    case "json":
      if (typeof value !== "string" && (typeof value !== "object" || value === null)) throw wrong("JSON");
      return value;
    case "file": {
      if (typeof value !== "string") throw wrong("a file");
      if (!value.startsWith("attach://")) return value === "" ? undefined : value;
      return request.files.get(value.slice("attach://".length));
    }
  }
}

/** The bot's menu and descriptions. */
import type { BotCommand } from "grammy/types";
import type { Method, Parameters } from "./parameters.ts";
import { badRequest } from "./refusal.ts";
import type { TelegramState } from "./state.ts";
import { checkFields, isObject, parseJson } from "./values.ts";

type CommandMethod =
  | "setMyCommands"
  | "getMyCommands"
  | "deleteMyCommands"
  | "setMyDescription"
  | "getMyDescription"
  | "setMyShortDescription"
  | "getMyShortDescription";

/** The list that everybody sees who has none of their own. */
export const defaultScope = '{"type":"default"} ';

const scopeTypes: ReadonlySet<unknown> = new Set([
  "default",
  "all_private_chats",
  "all_group_chats",
  "all_chat_administrators",
  "chat",
  "chat_administrators",
  "chat_member",
]);
const mostCommands = 100;

/** Keys of the descriptions that everybody sees who has none in their language. */
const longDescription = "long ";
const shortDescription = "short ";

/** The description that everybody sees in an empty chat; an empty one when there is none. */
export function descriptionOf(state: TelegramState): string {
  return state.descriptions.get(longDescription) ?? "";
}

/** The methods that change what people read about the bot. */
export function createCommandMethods(state: TelegramState): Record<CommandMethod, Method> {
  function put(params: Parameters, commands: readonly BotCommand[]): true {
    const key = scopeKey(params);
    if (commands.length === 0) state.commands.delete(key);
    else state.commands.set(key, commands);
    state.emit({ type: "commands-changed", commands: state.commands.get(defaultScope) ?? [] });
    return true;
  }

  function describe(key: string, params: Parameters, text: string | undefined, longest: number): true {
    if ((text?.length ?? 0) > longest) throw badRequest("ABOUT_TOO_LONG");
    state.descriptions.set(key + languageOf(params), text ?? "");
    if (key === longDescription) state.emit({ type: "description-changed", description: descriptionOf(state) });
    return true;
  }

  const described = (key: string, params: Parameters) => state.descriptions.get(key + languageOf(params)) ?? "";

  return {
    setMyCommands: (params) => put(params, readCommands(params.json("commands"))),
    deleteMyCommands: (params) => put(params, []),
    getMyCommands: (params) => state.commands.get(scopeKey(params)) ?? [],
    setMyDescription: (params) => describe(longDescription, params, params.string("description"), 512),
    getMyDescription: (params) => ({ description: described(longDescription, params) }),
    setMyShortDescription: (params) => describe(shortDescription, params, params.string("short_description"), 120),
    getMyShortDescription: (params) => ({ short_description: described(shortDescription, params) }),
  };
}

function readCommands(raw: unknown): BotCommand[] {
  if (raw === undefined) return [];
  const list = parseJson(raw, "can't parse commands JSON object");
  if (!Array.isArray(list)) throw badRequest("expected an Array of BotCommand");
  if (list.length > mostCommands) throw badRequest("BOT_COMMANDS_TOO_MUCH");
  return list.map(readCommand);
}

function readCommand(value: unknown): BotCommand {
  const fields = checkFields(value, { command: "string", description: "string" }, "can't parse BotCommand");
  const command = String(fields["command"]).trim().replace(/^\//, "");
  const description = String(fields["description"]).trim();
  if (command === "") throw badRequest("command must be non-empty");
  if (command.length > 32) throw badRequest("command length must not exceed 32");
  if (description === "") throw badRequest("command description must be non-empty");
  if (description.length > 256) throw badRequest("command description length must not exceed 256");
  if (!/^[a-z0-9_]+$/.test(command)) throw badRequest("BOT_COMMAND_INVALID");
  return { command, description };
}

function scopeKey(params: Parameters): string {
  const raw = params.json("scope") ?? { type: "default" };
  const language = languageOf(params);
  const scope = parseJson(raw, "can't parse BotCommandScope JSON object");
  const where = "can't parse BotCommandScope";
  if (!isObject(scope)) throw badRequest(`${where}: BotCommandScope must be an Object`);
  checkFields(scope, { type: "string", chat_id: "identifier?", user_id: "integer?" }, where);
  const { type } = scope;
  if (!scopeTypes.has(type)) throw badRequest(`${where}: Unsupported type specified`);
  if (String(type).startsWith("chat") && scope["chat_id"] === undefined) {
    throw badRequest(`${where}: Empty chat_id specified`);
  }
  if (type === "chat_member" && scope["user_id"] === undefined) throw badRequest(`${where}: Invalid user_id specified`);
  return `${JSON.stringify(scope)} ${language}`;
}

function languageOf(params: Parameters): string {
  const language = params.string("language_code") ?? "";
  if (language !== "" && !/^[a-z]{2}$/.test(language)) throw badRequest("invalid language code specified");
  return language;
}

/** Whether an update holds what the bot goes by: its chat, its sender, its words. Pure. */
import type { Update } from "grammy/types";
import { UnaddressableError } from "../base/errors.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Throws an `UnaddressableError` that names the first field without which an update is of no use. */
export function checkShape(update: Update): void {
  const fields: Fields = { ...update };
  for (const kind of ["message", "edited_message"]) if (kind in fields) checkMessage(fields[kind], kind);
  if ("callback_query" in fields) checkPress(fields["callback_query"], "callback_query");
  if ("stopped_message_generation" in fields) {
    const path = "stopped_message_generation";
    const stopped = objectAt(fields[path], path);
    checkChat(stopped, path);
    wholeAt(stopped["draft_id"], `${path}.draft_id`);
    ifGiven(stopped["message_thread_id"], `${path}.message_thread_id`, wholeAt);
  }
  if ("my_chat_member" in fields) {
    const change = objectAt(fields["my_chat_member"], "my_chat_member");
    checkChat(change, "my_chat_member");
    const path = "my_chat_member.new_chat_member";
    textAt(objectAt(change["new_chat_member"], path)["status"], `${path}.status`);
  }
}

function checkMessage(value: unknown, path: string): void {
  const message = objectAt(value, path);
  wholeAt(message["message_id"], `${path}.message_id`);
  checkChat(message, path);
  for (const id of ["message_thread_id", "migrate_to_chat_id", "migrate_from_chat_id"]) {
    ifGiven(message[id], `${path}.${id}`, wholeAt);
  }
  checkContent(message, path);
}

/** Of a message that is replied to, too: its place is not asked for. */
function checkContent(value: unknown, path: string): void {
  const message = objectAt(value, path);
  for (const sender of ["from", "sender_chat"]) ifGiven(message[sender], `${path}.${sender}`, checkIdentity);
  for (const words of ["text", "caption"]) ifGiven(message[words], `${path}.${words}`, textAt);
  for (const list of ["entities", "caption_entities"]) ifGiven(message[list], `${path}.${list}`, checkEntities);
  ifGiven(message["reply_to_message"], `${path}.reply_to_message`, checkContent);
}

function checkPress(value: unknown, path: string): void {
  const query = objectAt(value, path);
  textAt(query["id"], `${path}.id`);
  checkIdentity(query["from"], `${path}.from`);
  ifGiven(query["data"], `${path}.data`, textAt);
  // Of a message with a button only its place is read.
  ifGiven(query["message"], `${path}.message`, (below, at) => {
    const message = objectAt(below, at);
    wholeAt(message["message_id"], `${at}.message_id`);
    checkChat(message, at);
    ifGiven(message["message_thread_id"], `${at}.message_thread_id`, wholeAt);
  });
}

function checkChat(parent: Fields, path: string): void {
  checkIdentity(parent["chat"], `${path}.chat`);
  textAt(objectAt(parent["chat"], `${path}.chat`)["type"], `${path}.chat.type`);
}

function checkIdentity(value: unknown, path: string): void {
  wholeAt(objectAt(value, path)["id"], `${path}.id`);
}

function checkEntities(value: unknown, path: string): void {
  if (!Array.isArray(value)) throw new UnaddressableError(`${path} is no list`);
  for (const [index, one] of value.entries()) {
    const entity = objectAt(one, `${path}[${index}]`);
    textAt(entity["type"], `${path}[${index}].type`);
    for (const name of ["offset", "length"]) wholeAt(entity[name], `${path}[${index}].${name}`);
  }
}

function ifGiven(value: unknown, path: string, check: (value: unknown, path: string) => void): void {
  if (value !== undefined) check(value, path);
}

function objectAt(value: unknown, path: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new UnaddressableError(`${path} is ${value === undefined ? "missing" : "no object"}`);
}

function wholeAt(value: unknown, path: string): void {
  if (Number.isSafeInteger(value)) return;
  throw new UnaddressableError(`${path} is ${value === undefined ? "missing" : "no whole number"}`);
}

function textAt(value: unknown, path: string): void {
  if (typeof value === "string") return;
  throw new UnaddressableError(`${path} is ${value === undefined ? "missing" : "no text"}`);
}

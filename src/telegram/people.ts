/** Who an update is from, as other people are shown it. Pure. */
import type { Chat, Update, User } from "grammy/types";
import type { Person } from "../ports/directory.ts";
import { senderOf } from "./senders.ts";

/** Longer names are a joke, or an attack on whoever reads a list. In characters. */
const maxNameLength = 64;

/** The sender of an update; undefined when it names nobody. */
export function personIn(update: Update): Person | undefined {
  const id = senderOf(update);
  const message = update.message ?? update.edited_message;
  const { from } = message ?? update.callback_query ?? {};
  const chats = [message?.sender_chat, message?.chat, update.callback_query?.message?.chat];
  const found = [from, ...chats].find((one) => one !== undefined && one.id === id);
  return found === undefined ? undefined : asPerson(found);
}

/** The person or chat that wrote a message, as it would be found by its own updates. */
function asPerson(one: User | Chat): Person {
  const names = "first_name" in one ? [one.first_name, one.last_name] : [one.title];
  const name = names.filter((part) => typeof part === "string").join(" ");
  const called = typeof one.username === "string" ? { username: one.username } : {};
  return { id: one.id, name: plain(name), ...called };
}

/** One line, in which no sign turns the text around. */
function plain(name: string): string {
  const line = name.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
  return [...line].slice(0, maxNameLength).join("");
}

/** What stands under a user's id in Redis, removed. */
import type { Redis } from "ioredis";

const keysAtOnce = 1_000;
/** Of these the key is that of a conversation. */
const ofConversations = ["settings", "turns", "turn-order", "history", "history-order"];

/**
 * Removes it, a few keys at a time: no list says which topics a user's chat has, so all keys are looked through. `hold` is waited
 * for before each step, and its rejection ends it.
 */
export async function eraseUser(
  redis: Redis,
  prefix: string,
  userId: number,
  hold: () => Promise<void>,
): Promise<void> {
  const pattern = `${prefix}*${userId}*`;
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", keysAtOnce);
    const found = keys.filter((key) => standsUnder(key.slice(prefix.length), String(userId)));
    await hold();
    if (found.length > 0) await redis.del(...found);
    cursor = next;
  } while (cursor !== "0");
}

/** Whether a key, without the prefix, is of this user's own. */
function standsUnder(key: string, id: string): boolean {
  const kind = key.slice(0, key.indexOf(":"));
  const rest = key.slice(kind.length + 1);
  const isOwn = (conversation: string) => conversation === id || conversation.startsWith(`${id}:`);
  if (ofConversations.includes(kind)) return isOwn(rest);
  if (["blocked", "facts", "told"].includes(kind)) return rest === id;
  if (kind === "answer") return rest.startsWith(`${id}:`);
  if (kind === "left") return isOwn(rest.split("/")[0] ?? "");
  if (kind === "dialog") {
    const [conversation = "", sender] = rest.split("/");
    return isOwn(conversation) || sender === id;
  }
  // Behind what a notice is about stands who it is for.
  return kind === "first" && isOwn(rest.slice(rest.indexOf(":") + 1));
}

/** What stands under a user's id in Redis, removed. */
import type { Redis } from "ioredis";
import type { DeadUpdate } from "../../ports/queue.ts";

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

/** Removes the parts of albums that are kept aside and meant; in a minute they go by themselves. Resolves with their number. */
export async function eraseAside(
  redis: Redis,
  prefix: string,
  matches: (update: DeadUpdate) => boolean,
): Promise<number> {
  const before = `${prefix}aside:`;
  let count = 0;
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", `${before}*`, "COUNT", keysAtOnce);
    for (const key of keys) {
      const [conversation = ""] = key.slice(before.length).split(" ");
      const parts = Object.entries(await redis.hgetall(key));
      const meant = parts.filter(([, part]) => matches(asideOf(part, conversation))).map(([message]) => message);
      if (meant.length > 0) count += await redis.hdel(key, ...meant);
    }
    cursor = next;
  } while (cursor !== "0");
  return count;
}

/** When it came, its units, its id and what it says, a line each; see `gathering-scripts.ts`. */
function asideOf(part: string, conversation: string): DeadUpdate {
  const [at = "", , id = "", ...body] = part.split("\n");
  const update = { updateId: Number(id), receivedAt: Number(at), body: body.join("\n") };
  return { ...update, conversation, lane: "turn", reason: "" };
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

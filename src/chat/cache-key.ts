/** How a conversation is known to the cache of a provider. */
import { createHash } from "node:crypto";
import type { ConversationId } from "../ports/updates.ts";

/** The same for a conversation in every process and after every start; it tells nobody which one it is. */
export function cacheKeyOf(conversation: ConversationId): string {
  return createHash("sha256").update(`conversation:${conversation}`).digest("hex").slice(0, 32);
}

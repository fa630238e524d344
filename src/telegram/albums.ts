/** An album comes as several messages, and is one thing to who sent it: it gets one notice. */
import type { Message } from "grammy/types";
import type { Store } from "../ports/store.ts";

/** Longer than its parts may wait in their lanes. */
const rememberedMs = 24 * 3_600_000;

type Firsts = Pick<Store, "firstWithin">;

function album(what: "notice" | "note", { chat, media_group_id }: Message): string {
  return `album-${what}:${chat.id}:${media_group_id}`;
}

/** A part of an album has arrived that asks something: its answer will say what has to be said. */
export async function claimAlbum(store: Firsts, message: Message): Promise<void> {
  if (message.media_group_id !== undefined) await store.firstWithin(album("notice", message), rememberedMs);
}

/** Whether a message that the bot cannot read gets its notice: of an album the first one, unless another part asks. */
export async function getsNotice(store: Firsts, message: Message): Promise<boolean> {
  if (message.media_group_id === undefined) return true;
  if (!(await store.firstWithin(album("notice", message), rememberedMs))) return false;
  await store.firstWithin(album("note", message), rememberedMs);
  return true;
}

/** Whether the answer to a message says what could not be seen: not if a notice, or another answer, has said it. */
export async function getsNote(store: Firsts, message: Message): Promise<boolean> {
  return message.media_group_id === undefined || (await store.firstWithin(album("note", message), rememberedMs));
}

/** One question in several messages: an album, a text that the client has cut, forwards, a question and its picture. Pure. */
import type { Message, Update } from "grammy/types";
import type { Content, ContentPart } from "../ports/content.ts";
import type { ActiveUpdate } from "../ports/queue.ts";
import type { QuestionPart } from "../ports/turns.ts";
import { type Me, rawWords } from "./mentions.ts";
import { shownIn } from "./pieces.ts";
import { contentOf, questionOf, wordsOf } from "./question.ts";

/** A client cuts at a break, which the server then trims, or, where there is none, exactly here. In UTF-16 units. */
const longestMessage = 4_096;

/** The updates of a question, in the order of their messages. */
export function updatesOf({ body, parts }: Pick<ActiveUpdate, "body" | "parts">): readonly Update[] {
  return (parts ?? [{ body }]).map((part) => JSON.parse(part.body) as Update);
}

/** The message that a question's update is about. */
export function messageIn(update: Update): Message | undefined {
  return update.message ?? update.edited_message;
}

/** The update that stands for all of them, and is replied to: the one with the words of an album, or the last one. */
export function speakerOf(updates: readonly Update[], updateId: number): Update | undefined {
  const own = updates.find((update) => update.update_id === updateId);
  if (updates.length < 2 || own?.message === undefined) return own ?? updates[0];
  const captioned = updates.find((update) => messageIn(update)?.caption !== undefined);
  const isAlbum = updates.every((update) => messageIn(update)?.media_group_id !== undefined);
  const speaker = captioned ?? (isAlbum ? updates[0] : updates.at(-1));
  // Edited, one of them stands there as what it was edited to.
  return speaker?.message === undefined ? own : speaker;
}

/** What each message of a question asks; nothing when none of them asks anything. `knownTo`: see `questionOf`. */
export function questionParts(
  messages: readonly Message[],
  me: Me,
  knownTo: (message: Message) => readonly number[],
): readonly QuestionPart[] {
  const asks = (message: Message) => questionOf(message, me, knownTo(message)).length > 0;
  if (!messages.some(asks)) return [];
  return messages.map((message) => {
    const shows = shownIn(message);
    return {
      message: message.message_id,
      asked: contentOf(message, me, knownTo(message)),
      ...(message.text !== undefined && rawWords(message).text.length === longestMessage ? { cut: true } : {}),
      ...(shows === undefined ? {} : { shows }),
      ...(shows !== undefined && wordsOf(message, me) !== "" ? { caption: true } : {}),
    };
  });
}

const names = { picture: "Picture", file: "File" };

/** The question that they make together: where several pictures or files have words, these say of which they are. */
export function joinedParts(parts: readonly QuestionPart[]): Content {
  const named = parts.filter(({ caption }) => caption).length > 1;
  const counts = { picture: 0, file: 0 };
  const joined: ContentPart[] = [];
  let seam = "";
  for (const { asked, cut, caption, shows } of parts) {
    if (shows !== undefined) counts[shows]++;
    let name = named && caption && shows !== undefined ? `${names[shows]} ${counts[shows]}: ` : "";
    for (const part of asked) {
      const former = joined.at(-1);
      if (part.type !== "text") joined.push(part);
      else if (former?.type !== "text" || former.by !== part.by) joined.push({ ...part, text: `${name}${part.text}` });
      else joined[joined.length - 1] = { ...former, text: `${former.text}${seam}${name}${part.text}` };
      if (part.type === "text") name = "";
      seam = "\n";
    }
    seam = cut ? "" : "\n";
  }
  return joined;
}

/** The parts of a question of which one message was edited. */
export function editedParts(parts: readonly QuestionPart[], edited: QuestionPart): readonly QuestionPart[] {
  return parts.map((part) => (part.message === edited.message ? edited : part));
}

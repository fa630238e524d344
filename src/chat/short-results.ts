/** Results of tools for a model that cannot read all of them: the beginning and the end of each. Pure. */
import { textOf, textParts } from "../ports/content.ts";
import type { ChatMessage } from "../ports/models.ts";
import { cutMiddle } from "./cut-middle.ts";

/** About 2,000 characters of English. */
const mostTokens = 500;
/** Whoever reads fewer tokens than these at once gets them so from the beginning: some servers cut in silence. */
export const smallContext = 16_000;

/** Whether any of the messages is a result that would be shortened. */
export function hasLongResults(messages: readonly ChatMessage[]): boolean {
  return messages.some((message) => shortened(message) !== message);
}

/** The messages with the results among them shortened; frames around what comes from outside stay whole. */
export function withShortResults(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  return messages.map(shortened);
}

function shortened(message: ChatMessage): ChatMessage {
  if (message.role !== "tool") return message;
  const text = textOf(message.content);
  const short = cutMiddle(text, mostTokens);
  if (short === text) return message;
  return { ...message, content: [...textParts(short), ...message.content.filter(({ type }) => type !== "text")] };
}

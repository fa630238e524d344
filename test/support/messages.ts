/** Messages of words alone, in the short form in which tests write them. */

import type { AskedMessage } from "../../src/chat/pictures.ts";
import { textOf, textParts } from "../../src/ports/content.ts";
import type { ChatMessage } from "../../src/ports/models.ts";

export interface Worded {
  readonly role: ChatMessage["role"];
  readonly content: string;
}

export function asMessages(worded: readonly Worded[]): ChatMessage[] {
  return worded.map(({ role, content }) => ({ role, content: textParts(content) }));
}

export function inWords(messages: readonly (ChatMessage | AskedMessage)[]): Worded[] {
  return messages.map(({ role, content }) => ({ role, content: textOf(content) }));
}

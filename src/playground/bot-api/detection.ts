/** Finds what every Telegram client turns into a link: commands, mentions, hashtags, addresses of the web and of mail. */
import type { MessageEntity } from "grammy/types";

type Detected = "bot_command" | "mention" | "hashtag" | "url" | "email";

const patterns: readonly (readonly [Detected, RegExp, string])[] = [
  ["url", /https?:\/\/[^\s<>"'`]*[^\s<>"'`.,:;!?)\]}]/gi, "://"],
  ["email", /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?![\w-])/gi, "@"],
  // A bare domain counts when it ends as well-known ones do.
  [
    "url",
    /(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|ai|app|me|info|edu|gov)(?:\/[^\s<>"'`]*)?(?![\w@-])/gi,
    ".",
  ],
  ["bot_command", /(?<![\w/<>@.:\p{L}])\/\w{1,64}(?:@\w{3,32})?(?![\w/])/gu, "/"],
  ["mention", /(?<![\w@./\p{L}])@[a-z]\w{3,31}(?!\w)/giu, "@"],
  ["hashtag", /(?<![\p{L}\p{N}_#&])#(?=[\p{L}\p{N}_]*[\p{L}_])[\p{L}\p{N}_]{1,256}/gu, "#"],
];

/** The entities of a text, in their order, none inside another. */
export function detectEntities(text: string): MessageEntity[] {
  const found: MessageEntity[] = [];
  for (const [type, pattern, mark] of patterns) {
    if (!text.includes(mark)) continue;
    for (const match of text.matchAll(pattern)) {
      const offset = match.index;
      const length = match[0].length;
      if (found.some((other) => other.offset < offset + length && other.offset + other.length > offset)) continue;
      found.push({ type, offset, length });
    }
  }
  return found.sort((one, other) => one.offset - other.offset);
}

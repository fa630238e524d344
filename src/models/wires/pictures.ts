/** What of the pictures in a conversation a model is sent, and how. Pure. */
import { type ImagePart, isText, type ModelContent, type TextPart, textOf, wordsOf } from "../../ports/content.ts";
import type { ChatMessage } from "../../ports/models.ts";

/** What is sent in the place of a picture to a model that cannot see. */
const unseen = "[a picture that this model cannot see]";
/** The same of one that a tool has returned. */
const unseenResult = "[picture shown to the user]";

/**
 * The messages with as many of the newest pictures as the model takes, and words in the place of the others: a picture that a
 * model refuses would make it refuse everything that is asked later.
 */
export function withPictures(
  messages: readonly ChatMessage[],
  { sees, most }: { readonly sees: boolean; readonly most: number },
): readonly ChatMessage[] {
  let left = sees ? most : 0;
  const fitted = (part: ImagePart | TextPart, instead: string): ImagePart | TextPart =>
    part.type === "text" || --left >= 0 ? part : { type: "text", text: sees ? wordsOf(part) : instead };
  return messages
    .toReversed()
    .map((message) => {
      if (isText(message.content)) return message;
      const instead = message.role === "tool" ? unseenResult : unseen;
      const content = message.content.toReversed().map((part) => fitted(part, instead));
      return { ...message, content: content.toReversed() };
    })
    .toReversed();
}

/** Whether there are pictures in these messages. */
export function holdPictures(messages: readonly ChatMessage[]): boolean {
  return messages.some(({ content }) => !isText(content));
}

/** Words alone as a plain string, which every server takes; else each part as `write` says. */
export function written<Part>(
  content: ModelContent,
  write: { text(text: string): Part; image(image: ImagePart): Part },
): string | readonly Part[] {
  if (isText(content)) return textOf(content);
  return content.map((part) => (part.type === "text" ? write.text(part.text) : write.image(part)));
}

/** The bytes of a picture as they stand in JSON. */
export function base64Of({ data }: ImagePart): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
}

/** A picture as an address that holds it. */
export function dataUrlOf(image: ImagePart): string {
  return `data:${image.mime};base64,${base64Of(image)}`;
}

/** Telegram's rules for text and entities, as pure functions: what breaks one would be refused, repaired or dropped. */
import type { MessageEntity } from "grammy/types";

const splittable = new Set(["bold", "italic", "underline", "strikethrough", "spoiler"]);
const quotes = new Set(["blockquote", "expandable_blockquote"]);

/** All violations by a message's text and entities, each as one line; none when Telegram keeps it as it is. */
export function judgeText(text: string, entities: readonly MessageEntity[]): string[] {
  return [...judgeCharacters(text), ...judgeEntities(text, entities)];
}

/** Violations by the text alone. */
function judgeCharacters(text: string): string[] {
  const faults: string[] = [];
  if (text === "") faults.push("the text is empty");
  if (text.length > 4096) faults.push(`the text has ${text.length} UTF-16 units`);
  if (text !== text.trim()) faults.push("the text is not trimmed");
  if (!text.isWellFormed()) faults.push("a surrogate stands alone");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
  const control = /[\u0000-\u0009\u000b-\u001f\u007f\u2028-\u202e]|\u0333|\u033f|\u030a/u.exec(text);
  if (control !== null) faults.push(`the text holds U+${control[0].charCodeAt(0).toString(16)}`);
  return faults;
}

/** Violations by the entities. */
function judgeEntities(text: string, entities: readonly MessageEntity[]): string[] {
  const faults: string[] = [];
  if (entities.length > 100) faults.push(`${entities.length} entities`);
  const open: MessageEntity[] = [];
  let previous: MessageEntity | undefined;
  for (const entity of entities) {
    const name = `${entity.type} ${entity.offset}+${entity.length}`;
    const end = entity.offset + entity.length;
    if (!Number.isInteger(entity.offset) || !Number.isInteger(entity.length)) faults.push(`${name} is no range`);
    if (entity.length <= 0) faults.push(`${name} is empty`);
    if (entity.offset < 0 || end > text.length) faults.push(`${name} reaches out of the text`);
    if (cutsPair(text, entity.offset) || cutsPair(text, end)) faults.push(`${name} cuts a surrogate pair`);
    const covered = text.slice(entity.offset, end);
    if (covered.trim() === "") faults.push(`${name} covers only white space`);
    if (covered !== covered.trimEnd()) faults.push(`${name} ends with white space`);
    // Code may begin with indentation, and so may a quote that begins with code.
    const beginsWithCode = entities.some((inner) => inner.type === "pre" && inner.offset === entity.offset);
    if (beginsWithCode ? covered.startsWith("\n") : covered !== covered.trimStart()) {
      faults.push(`${name} begins with white space`);
    }
    if (entity.type === "text_link" && !/^(?:https?:\/\/|tg:\/\/resolve)/.test(entity.url))
      faults.push(`${name}: ${entity.url}`);
    if (entity.type === "text_mention" || entity.type === "mention") faults.push(`${name} pings`);
    if (previous !== undefined) {
      const later = entity.offset - previous.offset || previous.length - entity.length;
      if (later < 0) faults.push(`${name} is not in order`);
    }
    previous = entity;
    while (open.length > 0 && endOf(open.at(-1)!) <= entity.offset) open.pop();
    for (const outer of open) {
      const both = `${name} in ${outer.type} ${outer.offset}+${outer.length}`;
      if (end > endOf(outer)) faults.push(`${both}: overlap`);
      if (outer.type === entity.type) faults.push(`${both}: the same twice`);
      if (outer.type === "pre" || outer.type === "code") faults.push(`${both}: within code`);
      if ((entity.type === "pre" || entity.type === "code") && !quotes.has(outer.type))
        faults.push(`${both}: code within`);
      if (quotes.has(entity.type) && quotes.has(outer.type)) faults.push(`${both}: nested quotes`);
      if (quotes.has(entity.type) && !splittable.has(outer.type)) faults.push(`${both}: quote within`);
    }
    open.push(entity);
  }
  return faults;
}

function endOf(entity: MessageEntity): number {
  return entity.offset + entity.length;
}

function cutsPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

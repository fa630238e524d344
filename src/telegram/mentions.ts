/** Names of bots in a text: ours, and those of others. Pure. */
import type { Message, MessageEntity } from "grammy/types";
import { withoutStatus } from "../screen/status-lines.ts";
import { richWords } from "./rich-text.ts";
import type { Cut } from "./written-text.ts";

/** Ourselves, as far as addressing needs it. */
export interface Me {
  readonly id: number;
  readonly username: string;
}

/** The words of a message: its text, or the caption of what it carries. */
export interface Words {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

/** Inside of these a name is not meant for anybody. */
const sealed: ReadonlySet<string> = new Set(["code", "pre", "url", "email", "text_link"]);

/** What a message says in words; empty when it has none. */
export function rawWords(message: Message): Words {
  // One of ours may be replied to, or forwarded, while it is written.
  if (message.text !== undefined) return { text: withoutStatus(message.text), entities: message.entities ?? [] };
  if (message.rich_message !== undefined) return { text: richWords(message.rich_message), entities: [] };
  return { text: message.caption ?? "", entities: message.caption_entities ?? [] };
}

/** Whether the text or caption names us: `@username` as a whole word in any case, or a mention by id. */
export function mentions(message: Message, me: Me): boolean {
  const words = rawWords(message);
  if (namesIn(words, me.username).length > 0) return true;
  return words.entities.some((entity) => entity.type === "text_mention" && entity.user?.id === me.id);
}

/** Whether a command or a mention names a bot that is not us, or was not us when we last asked. */
export function namesOtherBot(message: Message, me: Me): boolean {
  const ours = me.username.toLowerCase();
  const { text, entities } = rawWords(message);
  const [command] = entities.filter(({ type, offset }) => type === "bot_command" && offset === 0);
  const called = command === undefined ? undefined : text.slice(0, command.length).toLowerCase().split("@")[1];
  if (called !== undefined && called !== ours) return true;
  // Names of bots end so, but for a few that were bought.
  return [...text.matchAll(/@(\w+)/g)].some(([, name = ""]) => {
    const lower = name.toLowerCase();
    return lower.endsWith("bot") && lower !== ours;
  });
}

/** Where our name stands in a text, each with the one blank that joined it to the words around. */
export function mentionCuts(words: Words, me: Me): readonly Cut[] {
  const isSealed = sealedIn(words);
  const cuts: Cut[] = [];
  for (const name of namesIn(words, me.username)) {
    const former = cuts.at(-1);
    const adjoins = former?.to === name.from;
    if (adjoins) cuts.pop();
    cuts.push(withBlank(words.text, { from: adjoins ? former.from : name.from, to: name.to }, isSealed));
  }
  return cuts;
}

function withBlank(text: string, { from, to }: Cut, isSealed: (at: number) => boolean): Cut {
  const before = from === 0 || isSealed(from - 1) ? "" : text.charAt(from - 1);
  const after = isSealed(to) ? "" : text.charAt(to);
  if (from === 0) return { from, to: /\s/.test(after) ? to + 1 : to };
  if (to === text.length) return { from: /\s/.test(before) ? from - 1 : from, to };
  return { from, to: /\s/.test(before) && /[^\S\n]/.test(after) ? to + 1 : to };
}

function namesIn(words: Words, username: string): Cut[] {
  if (!words.text.toLowerCase().includes(`@${username.toLowerCase()}`)) return [];
  const isSealed = sealedIn(words);
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_@])@${username}(?![\\p{L}\\p{N}_])`, "giu");
  return [...words.text.matchAll(/\S+/g)].flatMap(({ index: start, 0: token }) => {
    // An address that Telegram has not marked as one is an address all the same.
    const address = token.indexOf("://");
    return [...token.matchAll(pattern)].flatMap(({ index, 0: name }) => {
      const from = start + index;
      return isSealed(from) || (address >= 0 && address < index) ? [] : [{ from, to: from + name.length }];
    });
  });
}

/** Tells of places, asked in their order, whether they are inside an entity that is no speech. */
function sealedIn({ entities }: Words): (at: number) => boolean {
  const ranges = entities.filter(({ type }) => sealed.has(type)).sort((one, other) => one.offset - other.offset);
  let next = 0;
  let end = 0;
  return (at) => {
    for (let range = ranges[next]; range !== undefined && range.offset <= at; range = ranges[next]) {
      end = Math.max(end, range.offset + range.length);
      next += 1;
    }
    return at < end;
  };
}

/** What users want remembered, as models are told it: behind the persona, and only those that may see it. */
import { textOf, textParts } from "../ports/content.ts";
import { type Fact, type FactSnapshot, type FactStore, ownerOf } from "../ports/facts.ts";
import type { ChatMessage, ModelRequest } from "../ports/models.ts";
import type { Note, RememberedNote } from "../ports/notes.ts";
import type { Step } from "../ports/steps.ts";
import type { Settings } from "../ports/store.ts";
import type { Tool } from "../ports/tools.ts";
import type { ConversationId } from "../ports/updates.ts";
import { toolGuide } from "./step-messages.ts";

/** Where users may have facts remembered. */
export interface Memory {
  /** Whether `provider/model` may be told of them. */
  mayBeTold(model: string): boolean;
}

/** Whose settings say whether anything is remembered: those of the chat, whatever the topic. */
export function memoryOwner(conversation: ConversationId): ConversationId {
  return String(ownerOf(conversation));
}

/** Whether facts are wanted in a chat with these settings. */
export function remembersIn(memory: Memory | undefined, settings: Pick<Settings, "memory">): boolean {
  return memory !== undefined && settings.memory !== "off";
}

/**
 * What the conversation is told: the facts that there were when it began, without those that were forgotten since. `begins`: it
 * begins now, or loses its beginning, so that nothing of what is told has to stay as it was.
 */
export async function toldFacts(
  store: Pick<FactStore, "readFacts" | "keepFacts">,
  conversation: ConversationId,
  known: FactSnapshot | undefined,
  begins: boolean,
): Promise<readonly Fact[]> {
  if (known === undefined || begins) return (await store.keepFacts(conversation)).facts;
  // Of most nothing is remembered: theirs are not read again with each question.
  if (known.facts.length === 0) return [];
  const numbers = new Set((await store.readFacts(ownerOf(conversation))).map(({ number }) => number));
  return known.facts.filter(({ number }) => numbers.has(number));
}

/** How facts stand in the system text; nothing where there are none. */
export function factsInWords(conversation: ConversationId, facts: readonly Fact[]): string {
  if (facts.length === 0) return "";
  const whose = conversation.startsWith("-") ? "this group" : "the user";
  const lines = facts.map(({ number, text }) => `${number}. ${text}`);
  return `What ${whose} wants you to remember, by number. Go by it where it matters, and do not recite it.\n${lines.join("\n")}`;
}

/**
 * What is said below the answer of what its turn has had remembered: in these steps, and in runs before, whose line goes with
 * their answer.
 */
export function rememberedNote(
  userId: number,
  steps: readonly Pick<Step, "calls">[],
  former: readonly Note[] = [],
): RememberedNote | undefined {
  const before = former.flatMap((note) => (note.kind === "remembered" ? note.facts : [])).filter((one) => !one.undone);
  const now = steps.flatMap(({ calls }) => calls.flatMap(({ result }) => result?.remembered ?? []));
  const all = [...before, ...now.map(({ fact, text }) => ({ number: fact, text }))];
  // Of several that have had one number the last stands.
  const facts = [...new Map(all.map((one) => [one.number, one])).values()];
  return facts.length === 0 ? undefined : { kind: "remembered", userId, facts };
}

/** What `tailored` leaves out for some. */
export interface Withheld {
  /** As it stands in the system text. */
  readonly facts: string;
  readonly tools: readonly Tool[];
}

/** See `ModelRequest.tailored`. */
export function tailoring(
  memory: Memory | undefined,
  { facts, tools }: Withheld,
): NonNullable<ModelRequest["tailored"]> {
  const all = tools.length === 0 ? undefined : tools;
  const others = tools.filter(({ ofMemory }) => !ofMemory);
  return (model, messages) => {
    if (memory === undefined || memory.mayBeTold(model)) return { messages, tools: all };
    const said = facts === "" ? messages : without(messages, facts);
    if (all === undefined || others.length > 0) return { messages: said, tools: all && others };
    return { messages: without(said, toolGuide), tools: undefined };
  };
}

/** Without this block of the system text. */
function without(messages: readonly ChatMessage[], block: string): readonly ChatMessage[] {
  const [first, ...others] = messages;
  if (first?.role !== "system") return messages;
  const text = textOf(first.content);
  const at = text.indexOf(block);
  if (at < 0) return messages;
  const kept = [text.slice(0, at).trimEnd(), text.slice(at + block.length).trimStart()].filter((part) => part !== "");
  return kept.length === 0 ? others : [{ ...first, content: textParts(kept.join("\n\n")) }, ...others];
}

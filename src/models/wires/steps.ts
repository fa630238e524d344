/** The steps of a turn that is going on, calls and results included, in a form that the model that is asked understands. Pure. */
import { createHash } from "node:crypto";
import { type ImagePart, isText, type ModelContent, type TextPart, textOf, textParts } from "../../ports/content.ts";
import type { ChatMessage, ModelCall, NativeStep } from "../../ports/models.ts";
import { isFields } from "./fields.ts";

export interface StepsReader {
  /** `provider/model`: its own steps go back to it as it has written them. */
  readonly name: string;
  /** It is offered tools. Others are told of calls and results in words. */
  readonly calls: boolean;
  /** Steps of its own that it has refused to take back. */
  readonly refused: Pick<WeakSet<NativeStep>, "has">;
}

/** Mistral takes no other length. */
const idLength = 9;
const noWords = "(nothing)";
const done = "What was done for this so far, and what came of it:";

/** The messages for this model: `native` and ids that are not ours are left only where they are its own. */
export function stepsFor(messages: readonly ChatMessage[], reader: StepsReader): readonly ChatMessage[] {
  if (!messages.some(isOfStep)) return messages;
  return reader.calls ? called(messages, reader) : inWords(messages);
}

/** Those of its own steps that a model is given back. */
export function nativeSteps(messages: readonly ChatMessage[], name: string): readonly NativeStep[] {
  return messages.flatMap(({ native }) => (native?.model === name ? [native] : []));
}

/** Whether anything was called. */
export function holdSteps(messages: readonly ChatMessage[]): boolean {
  return messages.some(isOfStep);
}

/** The arguments of a call as an object: what is none goes back as nothing, since its result says what was wrong. */
export function argumentsOf({ arguments: json }: Pick<ModelCall, "arguments">): object {
  try {
    const parsed: unknown = JSON.parse(json);
    return isFields(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** What came of a call: never nothing, which some refuse. */
export function resultOf(content: ModelContent): ModelContent {
  return content.length === 0 ? textParts(noWords) : content;
}

/** The same with the pictures of results in a user's message behind all results of their step. */
export function withPicturesBehind(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  if (!messages.some(({ role, content }) => role === "tool" && !isText(content))) return messages;
  const moved: ChatMessage[] = [];
  let pictures: (ImagePart | TextPart)[] = [];
  const put = (): void => {
    if (pictures.length > 0) moved.push({ role: "user", content: pictures });
    pictures = [];
  };
  for (const message of messages) {
    const { role, content, answers } = message;
    if (role !== "tool") put();
    if (role !== "tool" || isText(content)) {
      moved.push(message);
      continue;
    }
    const images = content.filter((part) => part.type === "image");
    pictures.push(...textParts(`From ${answers?.name ?? "the tool"}:`), ...images);
    moved.push({ ...message, content: textParts(textOf(content)) });
  }
  put();
  return moved;
}

function isOfStep({ role, calls }: ChatMessage): boolean {
  return role === "tool" || (calls !== undefined && calls.length > 0);
}

function called(messages: readonly ChatMessage[], { name, refused }: StepsReader): readonly ChatMessage[] {
  let steps = 0;
  let renamed = new Map<string, string>();
  return messages.map((message) => {
    const { role, calls = [], native, answers } = message;
    if (role === "tool") {
      const id = answers === undefined ? undefined : renamed.get(answers.id);
      return answers === undefined || id === undefined ? message : { ...message, answers: { ...answers, id } };
    }
    renamed = new Map();
    if (calls.length === 0) return message;
    steps += 1;
    if (native?.model === name && !refused.has(native)) return message;
    renamed = new Map(calls.map(({ id }, at) => [id, neutralId(`${steps}.${at}.${id}`)]));
    const neutral = calls.map((call) => ({ ...call, id: renamed.get(call.id) ?? call.id, native: undefined }));
    return { ...message, calls: neutral, native: undefined };
  });
}

/** The same for the same call, so that the beginning of a prompt stays what it is. */
function neutralId(seed: string): string {
  return createHash("sha256").update(seed).digest("hex").slice(0, idLength);
}

/**
 * Calls and results stand in the user's messages: what is in brackets in its own, a model imitates. Two messages of a user never
 * follow each other, which some refuse.
 */
function inWords(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const told: ChatMessage[] = [];
  let calls: readonly ModelCall[] = [];
  let told1 = false;
  for (const message of messages) {
    const { role, content, answers } = message;
    if (role === "tool") {
      const call = calls.find(({ id }) => id === answers?.id);
      const heading = `${answers?.name ?? call?.name ?? "tool"} ${call?.arguments ?? ""}`.trim();
      const lead = textParts(told1 ? heading : `${done}\n\n${heading}`);
      told1 = true;
      add(told, { role: "user", content: [...lead, ...resultOf(content)] });
      continue;
    }
    told1 = false;
    calls = message.calls ?? [];
    if (calls.length === 0) add(told, message);
    else if (content.length > 0) told.push({ role, content });
  }
  return told;
}

function add(told: ChatMessage[], message: ChatMessage): void {
  const last = told.at(-1);
  if (message.role !== "user" || last?.role !== "user") told.push(message);
  else told[told.length - 1] = { ...last, content: [...last.content, ...message.content] };
}

/** What one event of a stream says. Providers agree on the words, hardly ever on where they stand. Pure. */
import type { TokenUsage } from "../../ports/models.ts";
import { usageOf } from "./usage.ts";

export interface ChunkSays {
  /** The event tells of a failure; all the rest of it is nothing. */
  readonly isError: boolean;
  /** The next piece of the content. */
  readonly text: string;
  /** A text where a piece was due: the whole content so far, or a piece after all. */
  readonly message: string;
  /** Characters of thoughts in a field of their own. */
  readonly thought: number;
  /** The model gave a sign of life, visible or not. */
  readonly alive: boolean;
  readonly pictures: number;
  /** Pictures of a message: all that came so far. */
  readonly messagePictures: number;
  /** In the provider's own words. */
  readonly finishReason: string | undefined;
  readonly usage: TokenUsage | undefined;
  /** Nothing but counts. */
  readonly onlyUsage: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads an event's JSON. */
export function readChunk(given: Fields): ChunkSays {
  const failed = isError(given);
  const chunk = unwrapped(given);
  const choice = choiceOf(chunk);
  const usage = usageIn(chunk, choice);
  if (choice === undefined) return { ...nothing, isError: failed, usage, onlyUsage: usage !== undefined };
  const { delta, message } = choice;
  const finishReason = reasonIn(
    choice["finish_reason"] ?? choice["done_reason"] ?? (choice["done"] === true ? "stop" : undefined),
  );
  const text = textOf(delta) || textOf(choice["text"] ?? (message === undefined ? choice["response"] : undefined));
  const whole = textOf(message);
  const thought = thoughtsIn(delta) + thoughtsIn(message);
  const pictures = picturesIn(delta);
  const messagePictures = picturesIn(message);
  const says = text !== "" || whole !== "" || thought > 0 || pictures + messagePictures > 0;
  const alive = says || isBusy(delta) || isBusy(message);
  const onlyUsage = usage !== undefined && !alive && finishReason === undefined;
  return {
    isError: failed,
    text,
    message: whole,
    thought,
    alive,
    pictures,
    messagePictures,
    finishReason,
    usage,
    onlyUsage,
  };
}

const nothing = {
  text: "",
  message: "",
  thought: 0,
  alive: false,
  pictures: 0,
  messagePictures: 0,
  finishReason: undefined,
};

function usageIn(chunk: Fields, choice: Fields | undefined): TokenUsage | undefined {
  return usageOf(chunk["usage"]) ?? usageOf(choice?.["usage"]) ?? usageOf(fieldsOf(chunk["x_groq"])["usage"]);
}

/** Some put it all into another object. There a `response` is the whole answer. */
function unwrapped(chunk: Fields): Fields {
  const inner = [chunk["result"], chunk["data"]].find(isFields);
  if (inner === undefined || "choices" in chunk) return chunk;
  return typeof inner["response"] === "string" ? { ...inner, message: inner["response"], delta: {} } : inner;
}

/** The first choice; Ollama's own streams have a message or a response where the choices would be. */
function choiceOf(chunk: Fields): Fields | undefined {
  const choices = chunk["choices"];
  const first = Array.isArray(choices) ? choices[0] : choices;
  if (isFields(first)) return first;
  const bare =
    !("choices" in chunk) &&
    (isFields(chunk["message"]) || isFields(chunk["delta"]) || typeof chunk["response"] === "string");
  return bare ? chunk : undefined;
}

function isError(chunk: Fields): boolean {
  if (isFault(chunk["error"]) || isFault(fieldsOf(chunk["x_groq"])["error"])) return true;
  if (chunk["object"] === "error" || chunk["type"] === "error" || chunk["success"] === false) return true;
  if (chunk["choices"] !== undefined) return false;
  if (chunk["detail"] || (Array.isArray(chunk["errors"]) ? chunk["errors"].length > 0 : chunk["errors"])) return true;
  const code = chunk["code"] ?? chunk["status_code"] ?? chunk["status"];
  const fine =
    code === undefined || code === null || /^(?:0|2\d\d|ok|success|processing|pending|queued)$/i.test(String(code));
  return !fine && ["message", "msg", "error_msg"].some((field) => typeof chunk[field] === "string");
}

/** Some write in every chunk that there is no error: an empty object, a code of 0. */
function isFault(error: unknown): boolean {
  return isFields(error) ? Object.values(error).some(Boolean) : Boolean(error);
}

/** Content nests at most as deep as this: a list of parts, each with its text. */
const deepest = 4;

/** The text of a delta, of a message, of content in parts: whatever is no thought and no picture. */
function textOf(content: unknown, depth = 0): string {
  if (typeof content === "string") return content;
  if (typeof content === "number") return String(content);
  if (depth > deepest) return "";
  if (Array.isArray(content)) return content.map((part) => textOf(part, depth + 1)).join("");
  if (!isFields(content)) return "";
  const { type } = content;
  // Mistral's `thinking` parts hold their text one level deeper.
  if (typeof type === "string" && /^(?:thinking|reasoning)/.test(type)) return "";
  const text = content["content"] ?? content["text"] ?? content["value"];
  return textOf(text, depth + 1) + textOf(content["refusal"], depth + 1);
}

const thoughtFields = ["reasoning_content", "reasoning", "reasoning_text", "thinking"];

function thoughtsIn(delta: unknown): number {
  if (!isFields(delta)) return 0;
  for (const name of thoughtFields) {
    const thought = delta[name];
    if (thought) return Math.max(1, textOf(thought).length);
  }
  return 0;
}

function picturesIn(delta: unknown): number {
  if (!isFields(delta)) return 0;
  const { images, content } = delta;
  const parts = Array.isArray(content) ? content.filter((part) => /image/.test(String(fieldsOf(part)["type"]))) : [];
  return (Array.isArray(images) ? images.length : isFields(images) ? 1 : 0) + parts.length;
}

/** What nobody is shown is a sign of life, too. */
function isBusy(delta: unknown): boolean {
  return isFields(delta) && (Boolean(delta["tool_calls"]) || Array.isArray(delta["content"]));
}

/** Some write that there is no reason yet, in words. */
function reasonIn(reason: unknown): string | undefined {
  if (typeof reason !== "string") return undefined;
  const word = reason.trim().slice(0, 100);
  return /^(?:|null|none|nil|undefined)$/i.test(word) ? undefined : word;
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

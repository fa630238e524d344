/** What one event of a stream says on the chat wire. Providers agree on the words, hardly ever on where they stand. Pure. */
import type { TokenUsage } from "../../ports/models.ts";
import type { CallPiece } from "./calls.ts";
import { type Fields, fieldsOf, isFields, stringIn } from "./fields.ts";
import { type ChunkSays, isError, nothing } from "./says.ts";
import { usageOf } from "./usage.ts";

/** Reads an event's JSON. */
export function readChunk(given: Fields): ChunkSays {
  const failed = isError(given);
  const chunk = unwrapped(given);
  const choice = choiceOf(chunk);
  const usage = usageIn(chunk, choice);
  if (choice === undefined) {
    return { ...nothing, failure: failed ? given : undefined, usage, onlyUsage: usage !== undefined };
  }
  const { delta, message } = choice;
  const finishReason = reasonIn(
    choice["finish_reason"] ?? choice["done_reason"] ?? (choice["done"] === true ? "stop" : undefined),
  );
  const text = textIn(delta) || textIn(choice["text"] ?? (message === undefined ? choice["response"] : undefined));
  const whole = textIn(message);
  const thought = thoughtsIn(delta) + thoughtsIn(message);
  const pictures = picturesIn(delta);
  const messagePictures = picturesIn(message);
  const says = text !== "" || whole !== "" || thought > 0 || pictures + messagePictures > 0;
  const alive = says || isBusy(delta) || isBusy(message);
  const onlyUsage = usage !== undefined && !alive && finishReason === undefined;
  return {
    failure: failed ? given : undefined,
    text,
    message: whole,
    thought,
    summary: thought > 0 ? summaryIn(delta) : "",
    alive,
    kept: false,
    pictures,
    drawn: nothing.drawn,
    messagePictures,
    calls: callsIn(delta),
    wholeCalls: callsIn(message),
    finishReason,
    usage,
    onlyUsage,
    done: false,
  };
}

/** What of an event has to go back to the model that has sent it: its thoughts, in the provider's own form. */
export function thoughtFieldsIn(given: Fields): Fields {
  const choice = fieldsOf(choiceOf(unwrapped(given)));
  const [delta, message] = [fieldsOf(choice["delta"]), fieldsOf(choice["message"])];
  return thoughtsIn(delta) > 0 ? delta : message;
}

function usageIn(chunk: Fields, choice: Fields | undefined): TokenUsage | undefined {
  return usageOf(chunk["usage"]) ?? usageOf(choice?.["usage"]) ?? usageOf(fieldsOf(chunk["x_groq"])["usage"]);
}

/** Some put it all into another object. There a `response` is the whole answer. */
function unwrapped(chunk: Fields): Fields {
  if ("choices" in chunk) return chunk;
  const inner = [chunk["result"], chunk["data"]].find(isFields);
  if (inner === undefined) return chunk;
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

/** Content nests at most as deep as this: a list of parts, each with its text. */
const deepest = 4;

/** The text of a delta, of a message, of content in parts: whatever is no thought and no picture. */
function textIn(content: unknown, depth = 0): string {
  if (typeof content === "string") return content;
  if (typeof content === "number") return String(content);
  if (depth > deepest) return "";
  if (Array.isArray(content)) return content.map((part) => textIn(part, depth + 1)).join("");
  if (!isFields(content)) return "";
  const { type } = content;
  // Mistral's `thinking` parts hold their text one level deeper.
  if (typeof type === "string" && /^(?:thinking|reasoning)/.test(type)) return "";
  const text = content["content"] ?? content["text"] ?? content["value"];
  return textIn(text, depth + 1) + textIn(content["refusal"], depth + 1);
}

const thoughtFields = ["reasoning_content", "reasoning", "reasoning_text", "thinking"];

function thoughtsIn(delta: unknown): number {
  if (!isFields(delta)) return 0;
  for (const name of thoughtFields) {
    const thought = delta[name];
    if (thought) return Math.max(1, textIn(thought).length);
  }
  // Some of OpenRouter's have nothing else: a summary, or what is encrypted.
  return hasDetails(delta) ? Math.max(1, summaryInDetails(delta).length) : 0;
}

function hasDetails(delta: Fields): boolean {
  const details = delta["reasoning_details"];
  return Array.isArray(details) ? details.length > 0 : isFields(details);
}

function summaryInDetails(delta: Fields): string {
  if (!hasDetails(delta)) return "";
  const details = [delta["reasoning_details"]].flat();
  return details.map((detail) => stringIn(fieldsOf(detail)["summary"])).join("");
}

/** OpenRouter says which of its thoughts may be shown; others offer them as they come. */
function summaryIn(delta: unknown): string {
  if (!isFields(delta)) return "";
  return summaryInDetails(delta) || thoughtFields.map((name) => textIn(delta[name])).find((text) => text !== "") || "";
}

function callsIn(delta: unknown): readonly CallPiece[] {
  if (!isFields(delta)) return nothing.calls;
  const { tool_calls: calls, function_call: only } = delta;
  if (isFields(only)) return [{ index: 0, ...functionIn(only) }];
  if (!calls) return nothing.calls;
  return [calls].flat().filter(isFields).map(callIn);
}

function callIn(call: Fields): CallPiece {
  const index = call["index"];
  return {
    index: typeof index === "number" ? index : undefined,
    id: stringIn(call["id"]),
    ...functionIn(isFields(call["function"]) ? call["function"] : call),
    native: call["extra_content"],
  };
}

function functionIn(called: Fields): CallPiece {
  return { name: stringIn(called["name"]), arguments: called["arguments"] };
}

function picturesIn(delta: unknown): number {
  if (!isFields(delta)) return 0;
  const { images, image, content } = delta;
  const parts = Array.isArray(content) ? content.filter((part) => /image/.test(String(fieldsOf(part)["type"]))) : [];
  return (Array.isArray(images) ? images.length : isFields(images ?? image) ? 1 : 0) + parts.length;
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

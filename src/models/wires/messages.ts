/** Claude's `/v1/messages`: how a question is written. */
import { type ImagePart, textOf } from "../../ports/content.ts";
import type { ChatMessage } from "../../ports/models.ts";
import { cacheMinimum, thinksUnasked } from "./claude-models.ts";
import { fieldsOf } from "./fields.ts";
import { createMessagesReader } from "./messages-reader.ts";
import { base64Of, written } from "./pictures.ts";
import { longestAnswer, withoutSystem } from "./requests.ts";
import { portableSchema, wholeSchema } from "./schemas.ts";
import { argumentsOf, resultOf } from "./steps.ts";
import { messagesThinking } from "./thinking.ts";
import type { OptionalFields, Wire, WireRequest } from "./wire.ts";

const version = "2023-06-01";
/** The wire wants a limit. Where nobody has set one, it is as much as anybody reads, if the model is known to write as much. */
const mostMaxTokens = 32_000;
/** What every current model may write. */
const usualMaxTokens = 8_192;
const highestTemperature = 1;
/** A mark that is placed in vain costs nothing: rather too few characters for a token than too many. */
const charactersPerToken = 3;

interface Turn {
  readonly role: ChatMessage["role"];
  readonly content: string | readonly unknown[];
}

export const messagesWire: Wire = {
  path: "/messages",
  headers: (apiKey, provider) => ({ "anthropic-version": version, ...keyHeaders(apiKey, provider) }),
  optionalFields,
  body,
  createChunkReader: createMessagesReader,
};

/** Those who serve this wire beside Claude look for the key at either place. */
function keyHeaders(apiKey: string | undefined, provider: string): Record<string, string> {
  if (apiKey === undefined) return {};
  const own = { "x-api-key": apiKey };
  return provider === "anthropic" ? own : { ...own, authorization: `Bearer ${apiKey}` };
}

function maxTokensOf(request: WireRequest): number {
  // Thoughts count against it.
  const isMuch = request.can.answerTokens !== undefined || request.effort === "high";
  const maxTokens = request.maxTokens ?? (isMuch ? mostMaxTokens : usualMaxTokens);
  return longestAnswer({ ...request, maxTokens }) ?? maxTokens;
}

function optionalFields(request: WireRequest): OptionalFields {
  const { dialect, model, temperature, thoughts = false, can } = request;
  const thinking = goesOnThinking(request) ? request.thinking : undefined;
  // A model that thinks takes no temperature but its own.
  const thinks = thinking !== undefined && thinking.level !== "off";
  const highest = thinks ? 0 : Math.min(dialect.maxTemperature(model), highestTemperature);
  const stoppable = can.efforts.includes("off");
  const unasked = thinksUnasked(model) || (can.efforts.length > 0 && !stoppable);
  return {
    ...messagesThinking(thinking, { thoughts, maxTokens: maxTokensOf(request), unasked, stoppable }),
    // Not a field of the body: it marks where the prefix ends that the next request will begin with.
    cache_control: { type: "ephemeral" },
    ...(temperature !== undefined && highest > 0 ? { temperature: Math.min(temperature, highest) } : {}),
    ...(request.tools !== undefined && request.noCalls ? { tool_choice: { type: "none" } } : {}),
  };
}

/** Models that think by a budget take no step back that has no thoughts before its calls. */
function goesOnThinking({ thinking, messages }: WireRequest): boolean {
  const byBudget = thinking?.level === "budget" || thinking?.level === "on";
  return !byBudget || messages.every(({ calls = [], native }) => calls.length === 0 || native !== undefined);
}

function body(request: WireRequest, fields: OptionalFields): Record<string, unknown> {
  const { model, manner } = request;
  const { cache_control: cache, ...others } = fields;
  const messages = manner.takesSystem ? request.messages : withoutSystem(request.messages);
  const said = messages.filter(({ role }) => role !== "system");
  const system = textOfAll(messages.filter(({ role }) => role === "system"));
  const fewest = cache === undefined ? Number.POSITIVE_INFINITY : cacheMinimum(model) * charactersPerToken;
  const turns = together(said.map((message) => turnOf(message, request)).filter(({ content }) => content.length > 0));
  // Tools stand before the persona, which stays when the history is cut; and all that is said so far is the beginning of what is
  // asked next.
  const tools = toolsOf(request);
  const head = system.length + (tools === undefined ? 0 : JSON.stringify(tools).length);
  const isLong = head + textOfAll(said).length >= fewest;
  return {
    model,
    max_tokens: maxTokensOf(request),
    ...(tools === undefined ? {} : { tools: system === "" && head >= fewest ? lastMarked(tools, cache) : tools }),
    ...(system === ""
      ? {}
      : { system: head >= fewest ? [{ type: "text", text: system, cache_control: cache }] : system }),
    messages: isLong ? turns.map((turn, at) => (at === turns.length - 1 ? marked(turn, cache) : turn)) : turns,
    stream: manner.streams,
    ...others,
  };
}

function textOfAll(messages: readonly ChatMessage[]): string {
  return messages.map(({ content }) => textOf(content)).join("\n\n");
}

function toolsOf({ tools, dialect, manner, model }: WireRequest): readonly object[] | undefined {
  const schemaOf = manner.plainSchemas || dialect.plainSchemas(model) ? portableSchema : wholeSchema;
  return tools?.map(({ name, description, parameters }) => ({ name, description, input_schema: schemaOf(parameters) }));
}

function turnOf(message: ChatMessage, { name }: WireRequest): Turn {
  const { role, content, native, calls = [], answers } = message;
  if (native?.model === name) return { role, content: native.content };
  const parts = { text: textBlock, image: blockOf };
  if (role === "tool") {
    const result = written<object>(resultOf(content), parts);
    return { role: "user", content: [{ type: "tool_result", tool_use_id: answers?.id, content: result }] };
  }
  const said = written<object>(content, parts);
  if (calls.length === 0) return { role, content: said };
  const blocks = typeof said !== "string" ? said : said === "" ? [] : [textBlock(said)];
  const uses = calls.map((call) => ({ type: "tool_use", id: call.id, name: call.name, input: argumentsOf(call) }));
  return { role, content: [...blocks, ...uses] };
}

/** All results of a step in one message of the user's, or they count as missing. */
function together(turns: readonly Turn[]): readonly Turn[] {
  const joined: Turn[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    if (last === undefined || !holdsResults(last) || turn.role !== "user") joined.push(turn);
    else joined[joined.length - 1] = { role: "user", content: [...blocksOf(last), ...blocksOf(turn)] };
  }
  return joined;
}

function holdsResults({ content }: Turn): boolean {
  return typeof content !== "string" && fieldsOf(content[0])["type"] === "tool_result";
}

function blocksOf({ content }: Turn): readonly unknown[] {
  return typeof content === "string" ? [textBlock(content)] : content;
}

function textBlock(text: string): object {
  return { type: "text", text };
}

function blockOf(image: ImagePart): object {
  return { type: "image", source: { type: "base64", media_type: image.mime, data: base64Of(image) } };
}

function marked(turn: Turn, cache: unknown): Turn {
  return { role: turn.role, content: lastMarked(blocksOf(turn), cache) };
}

function lastMarked(blocks: readonly unknown[], cache: unknown): readonly unknown[] {
  return blocks.map((block, at) => (at === blocks.length - 1 ? { ...fieldsOf(block), cache_control: cache } : block));
}

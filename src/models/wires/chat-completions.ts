/** Chat Completions: what nearly every provider speaks. */
import type { ImagePart } from "../../ports/content.ts";
import type { ChatMessage } from "../../ports/models.ts";
import { readChunk } from "./chunk.ts";
import { dataUrlOf, written } from "./pictures.ts";
import { longestAnswer, withoutSystem } from "./requests.ts";
import type { OptionalFields, Wire, WireRequest } from "./wire.ts";

/** Each event is understood without the others. */
const chunks = { read: readChunk, native: () => undefined };

export const chatCompletions: Wire = {
  path: "/chat/completions",
  headers: (apiKey) => (apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  optionalFields,
  body: ({ model, messages, manner }, fields) => ({
    model,
    messages: (manner.takesSystem ? messages : withoutSystem(messages)).map(wireMessage),
    stream: manner.streams,
    ...fields,
  }),
  createChunkReader: () => chunks,
};

function optionalFields(request: WireRequest): OptionalFields {
  const { dialect, model, manner, temperature, cacheKey, effort, thinking } = request;
  const maxTokens = longestAnswer(request);
  const unasked = effort === undefined ? dialect.extra(model) : {};
  const fields: Record<string, unknown> = { ...unasked, ...(thinking && dialect.tellThinking(thinking, maxTokens)) };
  if (dialect.streamOptions && manner.streams) fields["stream_options"] = { include_usage: true };
  if (maxTokens !== undefined) fields[dialect.lengthField] = maxTokens;
  const highest = dialect.maxTemperature(model);
  if (temperature !== undefined && highest > 0) fields["temperature"] = Math.min(temperature, highest);
  if (dialect.cacheKeyIn?.includes("chat") && cacheKey !== undefined) fields["prompt_cache_key"] = cacheKey;
  return fields;
}

/** Words alone are a plain string: many servers refuse a list of parts. */
function wireMessage({ role, content }: ChatMessage): { readonly role: string; readonly content: unknown } {
  const parts = {
    text: (text: string) => ({ type: "text", text }),
    image: (image: ImagePart) => ({ type: "image_url", image_url: { url: dataUrlOf(image) } }),
  };
  return { role, content: written<object>(content, parts) };
}

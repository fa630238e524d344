/** Chat Completions: what nearly every provider speaks. */
import { textOf } from "../../ports/content.ts";
import type { ChatMessage } from "../../ports/models.ts";
import { readChunk } from "./chunk.ts";
import { withoutSystem } from "./requests.ts";
import type { OptionalFields, Wire, WireRequest } from "./wire.ts";

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
  // Each event is understood without the others.
  createChunkReader: () => readChunk,
};

function optionalFields({ dialect, model, manner, maxTokens, temperature }: WireRequest): OptionalFields {
  const fields: Record<string, unknown> = { ...dialect.extra(model) };
  if (dialect.streamOptions && manner.streams) fields["stream_options"] = { include_usage: true };
  if (maxTokens !== undefined) fields[dialect.lengthField] = maxTokens;
  const highest = dialect.maxTemperature(model);
  if (temperature !== undefined && highest > 0) fields["temperature"] = Math.min(temperature, highest);
  return fields;
}

/** Words alone are a plain string: many servers refuse a list of parts. */
function wireMessage({ role, content }: ChatMessage): { readonly role: string; readonly content: string } {
  return { role, content: textOf(content) };
}

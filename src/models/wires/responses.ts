/** OpenAI's Responses: how a question is written. Nothing is kept at the provider: all that was said goes along each time. */
import type { ImagePart } from "../../ports/content.ts";
import type { ChatMessage } from "../../ports/models.ts";
import { type Fields, fieldsOf } from "./fields.ts";
import { dataUrlOf, written } from "./pictures.ts";
import { longestAnswer, withoutSystem } from "./requests.ts";
import { createResponsesReader } from "./responses-reader.ts";
import { portableSchema, wholeSchema } from "./schemas.ts";
import { argumentsOf, resultOf, withPicturesBehind } from "./steps.ts";
import { responsesThinking } from "./thinking.ts";
import type { OptionalFields, Wire, WireRequest } from "./wire.ts";

/** Less is refused. */
const fewestTokens = 16;

export const responsesWire: Wire = {
  path: "/responses",
  headers: (apiKey) => (apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  optionalFields,
  body(request, fields) {
    const { model, messages, manner, dialect } = request;
    const all = manner.takesSystem ? messages : withoutSystem(messages);
    const said = dialect.picturesInResults ? all : withPicturesBehind(all);
    return {
      model,
      input: said.flatMap((message) => itemsOf(message, request)),
      ...toolsOf(request),
      stream: manner.streams,
      ...fields,
    };
  },
  createChunkReader: createResponsesReader,
};

function optionalFields(request: WireRequest): OptionalFields {
  const { dialect, model, temperature, cacheKey, thinking, thoughts = false, can } = request;
  const shown = thoughts && can.efforts.length > 0;
  const fields: Record<string, unknown> = { store: false, ...responsesThinking(thinking, shown) };
  // Asked of a model that has no thoughts, that is refused.
  if (dialect.encryptedReasoning && can.efforts.length > 0) fields["include"] = ["reasoning.encrypted_content"];
  const maxTokens = longestAnswer(request);
  if (maxTokens !== undefined) fields["max_output_tokens"] = Math.max(maxTokens, fewestTokens);
  const highest = dialect.maxTemperature(model);
  if (temperature !== undefined && highest > 0) fields["temperature"] = Math.min(temperature, highest);
  if (dialect.cacheKeyIn?.includes("responses") && cacheKey !== undefined) fields["prompt_cache_key"] = cacheKey;
  if (request.tools !== undefined && request.noCalls) fields["tool_choice"] = "none";
  return fields;
}

/** `strict` would be taken as set: schemas of others do not fit what it asks for. */
function toolsOf({ tools, dialect, manner, model }: WireRequest): { readonly tools?: readonly object[] } {
  if (tools === undefined) return {};
  const schemaOf = manner.plainSchemas || dialect.plainSchemas(model) ? portableSchema : wholeSchema;
  return {
    tools: tools.map(({ name, description, parameters }) => ({
      type: "function",
      ...{ name, description, parameters: schemaOf(parameters) },
      strict: false,
    })),
  };
}

function itemsOf(message: ChatMessage, { name }: WireRequest): readonly unknown[] {
  const { role, content, native, calls = [], answers } = message;
  if (native?.model === name) return givenBack(native.content.map(fieldsOf));
  const parts = {
    text: (text: string) => ({ type: "input_text", text }),
    image: (image: ImagePart) => ({ type: "input_image", image_url: dataUrlOf(image) }),
  };
  if (role === "tool") {
    const output = written<object>(resultOf(content), parts);
    return [{ type: "function_call_output", call_id: answers?.id, output }];
  }
  const said = written<object>(content, parts);
  const called = calls.map((call) => ({
    ...{ type: "function_call", call_id: call.id, name: call.name },
    arguments: JSON.stringify(argumentsOf(call)),
  }));
  return said === "" ? called : [{ role, content: said }, ...called];
}

/**
 * Of what was thought only the encrypted form is taken back; a bare id means nothing, since nothing is kept there, and what
 * stands beside it under an id of its own would be missed without it.
 */
function givenBack(items: readonly Fields[]): readonly unknown[] {
  const bare = items.some(({ type, encrypted_content: encrypted }) => type === "reasoning" && !encrypted);
  return items.flatMap((item) => {
    const { type, encrypted_content: encrypted, summary, content: _content, status: _status, ...others } = item;
    if (type === "reasoning") {
      return encrypted ? [{ ...others, type, summary: summary ?? [], encrypted_content: encrypted }] : [];
    }
    const { id: _id, ...nameless } = item;
    return [bare ? nameless : item];
  });
}

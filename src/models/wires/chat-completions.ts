/** Chat Completions: what nearly every provider speaks. */
import { type ImagePart, textOf } from "../../ports/content.ts";
import type { ChatMessage, ModelCall } from "../../ports/models.ts";
import { createChatReader } from "./chat-reader.ts";
import { fieldsOf } from "./fields.ts";
import { dataUrlOf, written } from "./pictures.ts";
import { longestAnswer, withoutSystem } from "./requests.ts";
import { portableSchema, wholeSchema } from "./schemas.ts";
import { argumentsOf, resultOf, withPicturesBehind } from "./steps.ts";
import type { OptionalFields, Wire, WireRequest } from "./wire.ts";

/** What Gemini takes in the place of a signature that it has not written. */
const unsigned = { google: { thought_signature: "skip_thought_signature_validator" } };

export const chatCompletions: Wire = {
  path: "/chat/completions",
  headers: (apiKey) => (apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  optionalFields,
  body(request, fields) {
    const { model, messages, manner, dialect } = request;
    const all = manner.takesSystem ? messages : withoutSystem(messages);
    const said = dialect.resultsLast ? all : withPicturesBehind(all);
    return {
      model,
      messages: said.map((message) => wireMessage(message, request)),
      ...toolsOf(request),
      stream: manner.streams,
      ...fields,
    };
  },
  createChunkReader: createChatReader,
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
  if (dialect.drawsWhenAsked?.(model)) fields["modalities"] = ["image", "text"];
  if (request.tools !== undefined && manner.callsUnthinking) fields["reasoning_effort"] = "none";
  if (request.tools !== undefined && request.noCalls) fields["tool_choice"] = "none";
  return fields;
}

function toolsOf({ tools, dialect, manner, model }: WireRequest): { readonly tools?: readonly object[] } {
  if (tools === undefined) return {};
  const schemaOf = manner.plainSchemas || dialect.plainSchemas(model) ? portableSchema : wholeSchema;
  return {
    tools: tools.map(({ name, description, parameters }) => ({
      type: "function",
      function: { name, description, parameters: schemaOf(parameters) },
    })),
  };
}

/** Words alone are a plain string: many servers refuse a list of parts. */
function wireMessage(message: ChatMessage, request: WireRequest): object {
  const { role, content, answers } = message;
  const parts = {
    text: (text: string) => ({ type: "text", text }),
    image: (image: ImagePart) => ({ type: "image_url", image_url: { url: dataUrlOf(image) } }),
  };
  if (role === "tool") return { role, tool_call_id: answers?.id, content: textOf(resultOf(content)) };
  const said = written<object>(content, parts);
  return message.calls === undefined || message.calls.length === 0
    ? { role, content: said }
    : {
        role,
        content: said === "" ? null : said,
        ...thoughtsOf(message, request),
        tool_calls: callsOf(message, request),
      };
}

/** Of what the model has written itself: its thoughts in the form in which this provider wants them back. */
function thoughtsOf({ native }: ChatMessage, { dialect, manner, thinking }: WireRequest): object {
  const { reasoning_content: thoughts = "", reasoning_details: details } = fieldsOf(native?.content[0]);
  const thinks = thinking !== undefined && thinking.level !== "off";
  const wanted = manner.wantsThoughts || (dialect.thoughtsBack && thinks);
  return {
    ...(wanted ? { reasoning_content: thoughts } : {}),
    ...(details === undefined ? {} : { reasoning_details: details }),
  };
}

function callsOf({ calls = [], native }: ChatMessage, { dialect, manner, model }: WireRequest): readonly object[] {
  const signed = (call: ModelCall, at: number): unknown => {
    if (native !== undefined) return call.native;
    return at === 0 && (manner.signsCalls || dialect.signsCalls?.(model)) ? unsigned : undefined;
  };
  return calls.map((call, at) => {
    const { id, name } = call;
    const extra = signed(call, at);
    return {
      id,
      type: "function",
      function: { name, arguments: JSON.stringify(argumentsOf(call)) },
      ...(extra === undefined ? {} : { extra_content: extra }),
    };
  });
}

/** The body of a request, and how it is mended after a refusal. Pure. */
import { textOf, textParts } from "../../ports/content.ts";
import type { ChatMessage } from "../../ports/models.ts";
import type { OptionalFields } from "./dialects.ts";

/** How a model of a provider wants to be asked; what a refusal has taught holds for the life of the process. */
export interface Manner {
  readonly fields: OptionalFields;
  /** The length limit goes under its other name already. */
  readonly swapped: boolean;
  readonly streams: boolean;
  /** False: the persona goes into the first question. */
  readonly takesSystem: boolean;
}

/** The body of a request. */
export function requestBody(model: string, messages: readonly ChatMessage[], manner: Manner): Record<string, unknown> {
  const { stream_options: options, ...others } = manner.fields;
  return {
    model,
    messages: (manner.takesSystem ? messages : withoutSystem(messages)).map(wireMessage),
    stream: manner.streams,
    ...others,
    ...(manner.streams && options !== undefined ? { stream_options: options } : {}),
  };
}

/** Words alone are a plain string: many servers refuse a list of parts. */
function wireMessage({ role, content }: ChatMessage): { readonly role: string; readonly content: string } {
  return { role, content: textOf(content) };
}

/** What is to be asked instead after a refusal, and why; undefined when it names nothing that can be mended. */
export function mended(
  manner: Manner,
  messages: readonly ChatMessage[],
  refusal: { readonly status: number; readonly text: string },
): { readonly manner: Manner; readonly why: string } | undefined {
  const { status, text } = refusal;
  const isComplaint = status === 400 || status === 422;
  const fields = isComplaint ? mendedFields(manner.fields, text, manner.swapped) : undefined;
  if (fields !== undefined) {
    const swapped = manner.swapped || lengthFieldOf(fields) !== lengthFieldOf(manner.fields);
    const left = Object.keys(fields).join(", ") || "none";
    return {
      manner: { ...manner, fields, swapped },
      why: `the provider refuses a field; from now on it gets only these: ${left}`,
    };
  }
  if (manner.streams && (isComplaint || status === 403 || status === 501) && refusesToStream(text)) {
    return {
      manner: { ...manner, streams: false },
      why: "the provider refuses to stream this model; from now on its answers come in one piece",
    };
  }
  const hasSystem = messages.some(({ role }) => role === "system");
  // llama.cpp calls what its template throws an error of its own.
  if (manner.takesSystem && hasSystem && (isComplaint || status === 500) && refusesSystem(text)) {
    return {
      manner: { ...manner, takesSystem: false },
      why: "the model takes no system message; from now on the persona goes into its first question",
    };
  }
  return undefined;
}

/** The persona before the first question, for models that know only two roles. */
function withoutSystem(messages: readonly ChatMessage[]): ChatMessage[] {
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => textOf(content));
  const others = messages.filter(({ role }) => role !== "system");
  const first = others.findIndex(({ role }) => role === "user");
  return others.map((message, at) =>
    at === first ? { ...message, content: textParts([...system, textOf(message.content)].join("\n\n")) } : message,
  );
}

/** "Your organization must be verified to stream this model", and its like. */
function refusesToStream(text: string): boolean {
  if (!/\b(?:stream|streaming|streamed)\b/.test(text)) return false;
  return /verif|not support|unsupported|n't support|not allowed|not enabled|not available|not implemented|disabled|(?:must|should|has to) be false|to false|non-stream/.test(
    text,
  );
}

/** "System role not supported", "Developer instruction is not enabled", "roles must alternate user/assistant", … */
function refusesSystem(text: string): boolean {
  if (
    /roles? must alternate|first message.{0,20}must.{0,20}user|only (?:the )?user(?:,| and| or)|role.{0,80}(?:should|must|has to|one of).{0,40}user/.test(
      text,
    )
  ) {
    return true;
  }
  const named =
    /\b(?:system|developer)['"`]?\s(?:role|message|instruction|prompt)|role\W{1,4}(?:system|developer)|['"`](?:system|developer)['"`]|support\W{1,3}(?:system|developer)/;
  return named.test(text) && refused.test(text);
}

const refused =
  /\b(?:not|cannot|unsupported|disabled|invalid|unknown|unexpected|unrecognized|disallowed)\b|(?:do|does|is|are|can)n't/;

/** Drops the field that the refusal names first; the length limit goes on under its other name before that. */
function mendedFields(fields: OptionalFields, refusal: string, swapped: boolean): OptionalFields | undefined {
  const named = Object.keys(fields)
    .filter((field) => new RegExp(`(^|[^a-z_])${field}([^a-z_]|$)`).test(refusal))
    // "Use 'max_completion_tokens' instead" names two; the one that was sent is the one to mend.
    .sort((a, b) => refusal.indexOf(a) - refusal.indexOf(b))[0];
  if (named === undefined) return undefined;
  const { [named]: value, ...others } = fields;
  if (swapped) return others;
  if (named === "max_tokens") return { ...others, max_completion_tokens: value };
  if (named === "max_completion_tokens") return { ...others, max_tokens: value };
  return others;
}

function lengthFieldOf(fields: OptionalFields): string | undefined {
  return ["max_tokens", "max_completion_tokens"].find((field) => field in fields);
}

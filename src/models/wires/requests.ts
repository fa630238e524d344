/** How a model wants to be asked, as its refusals have taught. Pure. */
import { textOf, textParts } from "../../ports/content.ts";
import type { ChatMessage } from "../../ports/models.ts";
import type { Manner, OptionalFields, WireRequest } from "./wire.ts";

/** Before anything was refused. */
export const untaught: Manner = {
  refused: new Set(),
  swapped: false,
  streams: true,
  takesSystem: true,
  hidesThoughts: false,
  callsUnthinking: false,
  wantsThoughts: false,
  signsCalls: false,
  plainSchemas: false,
};

const otherName: Readonly<Record<string, string>> = {
  max_tokens: "max_completion_tokens",
  max_completion_tokens: "max_tokens",
};

/** The fields that are left of a request, under the names that they go by. */
export function fieldsAsTaught(fields: OptionalFields, { refused, swapped }: Manner): OptionalFields {
  return Object.fromEntries(
    Object.entries(fields)
      .map(([name, value]) => [swapped ? (otherName[name] ?? name) : name, value] as const)
      .filter(([name]) => !refused.has(name)),
  );
}

/** How long an answer may be at most, in tokens; undefined where nobody has said so. */
export function longestAnswer({ maxTokens, manner, can }: WireRequest): number | undefined {
  const mostTokens = manner.mostTokens ?? can.answerTokens;
  return maxTokens === undefined || mostTokens === undefined ? maxTokens : Math.min(maxTokens, mostTokens);
}

/** The same after a refusal to show thoughts, which says nothing of how much may be thought. */
export function mendedThoughts(
  manner: Manner,
  thoughts: boolean | undefined,
  { status, text }: { readonly status: number; readonly text: string },
): { readonly manner: Manner; readonly why: string } | undefined {
  const isComplaint = status === 400 || status === 422;
  if (!thoughts || !isComplaint || !/reasoning[._ ]summar|thinking\.\w{0,20}\.?display/.test(text)) return undefined;
  return {
    manner: { ...manner, hidesThoughts: true },
    why: "the provider shows no summary of this model's thoughts; from now on none is asked for",
  };
}

/** What is to be asked instead after a refusal, and why; undefined when it names nothing that can be mended. */
export function mended(
  manner: Manner,
  request: { readonly messages: readonly ChatMessage[]; readonly fields: OptionalFields },
  refusal: { readonly status: number; readonly text: string },
): { readonly manner: Manner; readonly why: string } | undefined {
  const { status, text } = refusal;
  const { messages, fields } = request;
  const isComplaint = status === 400 || status === 422;
  const mostTokens = isComplaint && manner.mostTokens === undefined ? mostTokensIn(text) : undefined;
  if (mostTokens !== undefined) {
    return {
      manner: { ...manner, mostTokens },
      why: `the model writes at most ${mostTokens} tokens; from now on it is asked for no more`,
    };
  }
  const sent = fieldsAsTaught(fields, manner);
  const named = isComplaint ? fieldNamedIn(text, sent) : undefined;
  if (named !== undefined) {
    // The length limit goes on under its other name before it is given up.
    const swaps = !manner.swapped && Object.hasOwn(otherName, named);
    const better = swaps ? { ...manner, swapped: true } : { ...manner, refused: new Set([...manner.refused, named]) };
    const left = Object.keys(fieldsAsTaught(fields, better)).join(", ") || "none";
    return { manner: better, why: `the provider refuses a field; from now on it gets only these: ${left}` };
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
export function withoutSystem(messages: readonly ChatMessage[]): ChatMessage[] {
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => textOf(content));
  const others = messages.filter(({ role }) => role !== "system");
  const first = others.findIndex(({ role }) => role === "user");
  return others.map((message, at) => {
    if (at !== first) return message;
    const pictures = message.content.filter(({ type }) => type !== "text");
    const words = textOf(message.content.filter(({ type }) => type === "text"));
    return { ...message, content: [...pictures, ...textParts([...system, words].join("\n\n"))] };
  });
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

/** Fields whose names stand in sentences about something else, too. */
const ordinaryWords: ReadonlySet<string> = new Set(["include", "store"]);

/** The field of these that a refusal names. "Use 'max_completion_tokens' instead" names two: the one that was sent counts. */
export function fieldNamedIn(refusal: string, fields: OptionalFields): string | undefined {
  return Object.keys(fields)
    .filter((field) => (ordinaryWords.has(field) ? asName(field) : asWord(field)).test(refusal))
    .sort((a, b) => refusal.indexOf(a) - refusal.indexOf(b))[0];
}

function asWord(field: string): RegExp {
  return new RegExp(`(^|[^a-z_])${field}([^a-z_]|$)`);
}

/** In quotes, before a colon or behind one. */
function asName(field: string): RegExp {
  return new RegExp(`['"\`]${field}(?:['"\`.[])|(?:^|\\s)${field}:|: ?${field}(?:\\W|$)`);
}

/** "max_tokens: 100000 > 8192, which is the maximum", "supports at most 16384 completion tokens", "range of max_tokens is [1, 8192]". */
function mostTokensIn(refusal: string): number | undefined {
  const found =
    /max_(?:completion_|output_)?tokens\D{1,9}\d{1,9} > (\d{1,9})/.exec(refusal) ??
    /at most (\d{1,9}) (?:completion|output) tokens/.exec(refusal) ??
    /range of max_tokens is \[\d, ?(\d{1,9})\]/.exec(refusal) ??
    /max_(?:completion_|output_)?tokens\W{1,3}(?:must|should) be less than or equal to\W{1,3}(\d{1,9})/.exec(refusal);
  return found?.[1] === undefined ? undefined : Number(found[1]) || undefined;
}

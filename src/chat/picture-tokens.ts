/** What pictures cost, estimated: before a call, and where a provider sends no usage. Pure. */
import { type ImagePart, textParts } from "../ports/content.ts";
import type { ChatMessage } from "../ports/models.ts";
import type { ToolDefinition } from "../ports/tool-results.ts";
import { countTokens, estimatedTokens } from "./tokens.ts";

type Size = Pick<ImagePart, "width" | "height">;

/** How models count, by their names; fitted to a public measurement of autumn 2026. */
const formulas: readonly (readonly [names: RegExp, tokens: (size: Size) => number])[] = [
  [/gemini/, () => 1_090],
  [/gpt-4o|gpt-4\.1/, (size) => 85 + 170 * tiles(size, 512)],
  [/gpt|\bo\d/, (size) => Math.ceil(1.2 * tiles(size, 32))],
];

/** Estimates the tokens of the pictures in a prompt for `provider/model`. Of an unknown one, rather too many. */
export function pictureTokens(model: string, messages: readonly ChatMessage[]): number {
  const tokensOf = formulas.find(([names]) => names.test(model))?.[1] ?? ((size: Size) => tiles(size, 28));
  return messages
    .flatMap(({ content }) => content)
    .reduce((sum, part) => (part.type === "image" ? sum + tokensOf(part) : sum), 0);
}

/** Estimates what a model reads of messages and of the tools it is offered. `factor`: how far it is off for words. */
export function inputOf(
  {
    model,
    messages,
    tools = [],
  }: {
    readonly model: string;
    readonly messages: readonly ChatMessage[];
    readonly tools?: readonly ToolDefinition[] | undefined;
  },
  factor: number,
  estimate = estimatedTokens,
): number {
  const read = tools.length === 0 ? messages : [...messages, inWords(tools)];
  return Math.ceil(factor * estimate(read)) + pictureTokens(model, messages) + thoughtTokens(model, messages);
}

/** Where thoughts stand in a step as its model has written it, on any wire; what is encrypted is counted by its length. */
const thoughtFields: ReadonlySet<string> = new Set(["thinking", "reasoning_content", "reasoning"]);
const sealedFields: ReadonlySet<string> = new Set(["encrypted_content", "data"]);
/** Base64 of about as many bytes as a token of thoughts has letters. */
const sealedUnitsPerToken = 5;

/** Estimates the tokens of thoughts that go back to this model with its own steps: their text and calls are counted as words. */
export function thoughtTokens(model: string, messages: readonly ChatMessage[]): number {
  return messages.reduce(
    (sum, { native }) => (native?.model === model ? sum + thoughtsIn(native.content, false) : sum),
    0,
  );
}

/** `isThought`: whatever text stands in it is one. */
function thoughtsIn(value: unknown, isThought: boolean): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + thoughtsIn(one, isThought), 0);
  if (typeof value !== "object" || value === null) return 0;
  const kind = "type" in value && typeof value.type === "string" ? value.type : "";
  const isReasoning = isThought || kind.startsWith("reasoning");
  return Object.entries(value).reduce((sum, [field, held]) => {
    if (typeof held !== "string") return sum + thoughtsIn(held, isReasoning || thoughtFields.has(field));
    if (sealedFields.has(field)) return sum + Math.ceil(held.length / sealedUnitsPerToken);
    const said = thoughtFields.has(field) || (isReasoning && field === "text");
    return said ? sum + countTokens(held) : sum;
  }, 0);
}

/** The definitions of tools as a model reads them, about: to be counted. */
export function inWords(tools: readonly ToolDefinition[]): ChatMessage {
  const definitions = tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
  return { role: "system", content: textParts(JSON.stringify(definitions)) };
}

function tiles({ width, height }: Size, side: number): number {
  return Math.ceil(width / side) * Math.ceil(height / side);
}

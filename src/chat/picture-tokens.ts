/** What pictures cost, estimated: before a call, and where a provider sends no usage. Pure. */
import { type ImagePart, textParts } from "../ports/content.ts";
import type { ChatMessage } from "../ports/models.ts";
import type { ToolDefinition } from "../ports/tool-results.ts";
import { estimatedTokens } from "./tokens.ts";

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
  return Math.ceil(factor * estimate(read)) + pictureTokens(model, messages);
}

/** The definitions of tools as a model reads them, about: to be counted. */
export function inWords(tools: readonly ToolDefinition[]): ChatMessage {
  const definitions = tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
  return { role: "system", content: textParts(JSON.stringify(definitions)) };
}

function tiles({ width, height }: Size, side: number): number {
  return Math.ceil(width / side) * Math.ceil(height / side);
}

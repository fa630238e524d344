/** The vocabulary of micromark's constructs, as far as formulas need it. */
import type { gfm } from "micromark-extension-gfm";
import type {} from "micromark-util-types";

/** An extension of micromark's syntax. */
export type Syntax = ReturnType<typeof gfm>;
type ConstructRecord = NonNullable<Syntax["text"]>;
export type Construct = Extract<NonNullable<ConstructRecord[string]>, { tokenize: unknown }>;
export type Tokenizer = Construct["tokenize"];
export type Context = ThisParameterType<Tokenizer>;
export type Effects = Parameters<Tokenizer>[0];
export type State = Parameters<Tokenizer>[1];
/** A character's code; negative for line ends and tabs, null at the end. */
export type Code = Parameters<State>[0];

declare module "micromark-util-types" {
  interface TokenTypeMap {
    mathFlow: "mathFlow";
    mathFlowFence: "mathFlowFence";
    mathFlowFenceSequence: "mathFlowFenceSequence";
    mathFlowValue: "mathFlowValue";
    mathText: "mathText";
    mathTextData: "mathTextData";
    mathTextSequence: "mathTextSequence";
  }
}

/** Codes of the characters that open a formula. */
export const dollar = 36;
export const backslash = 92;

/** Whether the code is a line end. */
export function isLineEnd(code: Code): boolean {
  return code !== null && code < -2;
}

/** Whether the code is a space or a part of a tab. */
export function isBlank(code: Code): boolean {
  return code === -2 || code === -1 || code === 32;
}

/** The character of a code; a line end at the end of all. */
export function textOf(code: Code): string {
  if (code === null || isLineEnd(code)) return "\n";
  return code < 0 ? " " : String.fromCharCode(code);
}

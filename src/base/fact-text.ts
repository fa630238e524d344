/** What may be remembered: one line, not too long, and nothing that would be a secret. */
import { createHash } from "node:crypto";
import { seenText } from "./characters.ts";
import { type SecretKind, secretIn } from "./secrets-in-text.ts";

/** Of one user, or one group. */
export const mostFacts = 50;
/** Of one fact, as people count characters. */
export const longestFact = 200;

export type FactText =
  | { readonly text: string }
  | { readonly problem: "empty" | SecretKind }
  | { readonly problem: "too-long"; readonly length: number };

/** Tells a fact from others that had its number, in a few characters. */
export function factMark(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 8);
}

/** Makes a fact of what somebody has written. */
export function readFact(given: string): FactText {
  const text = seenText(given).replaceAll(/\s+/g, " ").trim();
  if (text === "") return { problem: "empty" };
  const secret = secretIn(text);
  if (secret !== undefined) return { problem: secret };
  const { length } = [...text];
  return length > longestFact ? { problem: "too-long", length } : { text };
}

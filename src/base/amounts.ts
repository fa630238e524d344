/** Amounts of what may be spent, as people write them: US dollars (`0.50`) or tokens (`200000t`). Pure. */

export interface Amount {
  readonly unit: "money" | "tokens";
  /** Whole billionths of a US dollar, or tokens. */
  readonly amount: number;
}

/** The most that anybody can have meant. */
export const mostDollars = 1_000_000;
export const mostTokens = 1e12;

/** Undefined when it is none, or an absurd one. */
export function readAmount(text: string): Amount | undefined {
  const tokens = /^(\d{1,13})t$/.exec(text)?.[1];
  if (tokens !== undefined) {
    const amount = Number(tokens);
    return amount >= 1 && amount <= mostTokens ? { unit: "tokens", amount } : undefined;
  }
  if (!/^\$?\d{1,7}(\.\d{1,6})?$/.test(text)) return undefined;
  const amount = Math.round(Number(text.replace("$", "")) * 1e9);
  return amount > 0 && amount <= mostDollars * 1e9 ? { unit: "money", amount } : undefined;
}

/** A number with as many decimals as it needs, at most and at least so many; never with an exponent. */
export function withDecimals(value: number, fewest: number, most: number): string {
  const text = value.toFixed(most);
  const least = text.length - (most - fewest);
  let end = text.length;
  while (end > least && text[end - 1] === "0") end -= 1;
  return text.slice(0, text[end - 1] === "." ? end - 1 : end);
}

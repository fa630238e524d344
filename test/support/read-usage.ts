/** What a user has used, as most tests want to know it. */
import type { UsageTotals } from "../../src/ports/ledger.ts";
import type { Store } from "../../src/ports/store.ts";

/** Since the beginning of the day (UTC) that `since` is in; 0: ever. */
export async function readUsage({ ledger }: Store, userId: number, since: number): Promise<UsageTotals> {
  const [sum] = await ledger.totals({ of: { userId }, from: since === 0 ? undefined : since });
  if (sum === undefined) throw new Error("the one sum is always there");
  const { key: _key, cacheWriteTokens: _written, reasoningTokens: _reasoning, ...totals } = sum;
  return totals;
}

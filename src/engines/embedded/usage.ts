/** What answers have cost, in the embedded database. */
import type { UsageEntry, UsageTotals } from "../../ports/ledger.ts";
import type { Store } from "../../ports/store.ts";
import type { Database } from "./database.ts";

export interface Usage extends Pick<Store, "readUsage"> {
  /** To be called inside `Database.write`. */
  add(entry: UsageEntry): void;
}

/** Creates the store's part for usage. */
export function createUsage({ statement: sql }: Database): Usage {
  return {
    add(entry) {
      sql(
        `INSERT INTO usage (user_id, at, model, input_tokens, cached_tokens, output_tokens, cost, estimated)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ).run(
        entry.userId,
        entry.at,
        entry.model,
        entry.inputTokens,
        entry.cachedTokens,
        entry.outputTokens,
        entry.cost ?? null,
        entry.estimated ? 1 : 0,
      );
    },
    async readUsage(userId, since) {
      const row = sql(
        `SELECT count(*) AS answers, coalesce(sum(input_tokens), 0) AS inputTokens,
           coalesce(sum(cached_tokens), 0) AS cachedTokens, coalesce(sum(output_tokens), 0) AS outputTokens,
           total(cost) AS cost, count(*) - count(cost) AS unpriced
         FROM usage WHERE user_id = ? AND at >= ?`,
      ).get(userId, since);
      return { ...row } as unknown as UsageTotals;
    },
  };
}

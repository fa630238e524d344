/** What is no mistake in a configuration, but worth a thought: said at the start, and by the doctor. */
import type { Config } from "../config/config.ts";

/** A line each. */
export function remarksOn({ access, adminToken, redis }: Config): readonly string[] {
  const remarks: string[] = [];
  if (access.allowed.size === 0 && access.allowedChats.size === 0)
    remarks.push("ALLOWED_USER_IDS is empty: everyone who finds this bot can spend your key's money");
  if (adminToken !== undefined && redis === undefined)
    remarks.push("ADMIN_TOKEN does nothing without REDIS_URL: only a queue in Redis has a dashboard");
  return remarks;
}

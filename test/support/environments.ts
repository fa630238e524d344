/** Environments that a configuration is read from. */

import { StartError } from "../../src/base/errors.ts";
import { readConfig } from "../../src/config/config.ts";

export const token = "123456:TEST-abcdefghijklmnopqrstuvwxyz";
export const good = { BOT_TOKEN: token, OPENAI_API_KEY: "sk-openai-0123456789" };

/** The lines that a start with this environment ends in; none when it starts. */
export function mistakes(
  env: Record<string, string>,
  mode: Parameters<typeof readConfig>[0] = "start",
): readonly string[] {
  try {
    readConfig(mode, env);
  } catch (error) {
    if (error instanceof StartError) return error.lines;
    throw error;
  }
  return [];
}

/** Models of a test of which nobody has said anything. */
import type { Capabilities } from "../../src/ports/models.ts";

export function capabilities(): Capabilities {
  return { known: false, sees: false, tools: true, efforts: ["off", "low", "high"], contextTokens: 32_768 };
}

/** The wires by name. */
import type { WireName } from "../../config/providers.ts";
import { chatCompletions } from "./chat-completions.ts";
import type { Wire } from "./wire.ts";

const wires: Readonly<Partial<Record<WireName, Wire>>> = { chat: chatCompletions };

/** The wire of this name; Chat Completions without one. */
export function wireOf(name: WireName = "chat"): Wire {
  return wires[name] ?? chatCompletions;
}

/** The wires by name. */
import type { WireName } from "../../config/providers.ts";
import { chatCompletions } from "./chat-completions.ts";
import { messagesWire } from "./messages.ts";
import { responsesWire } from "./responses.ts";
import type { Wire } from "./wire.ts";

const wires: Readonly<Record<WireName, Wire>> = {
  chat: chatCompletions,
  responses: responsesWire,
  messages: messagesWire,
};

/** The wire of this name; Chat Completions without one. */
export function wireOf(name: WireName = "chat"): Wire {
  return wires[name];
}

/**
 * The commands as data: Telegram's menu, `/help`, the README's table, the lanes and the tests read this list. Each has its
 * handler in `features/`.
 */
import type { LaneKind } from "../ports/updates.ts";

export interface Command {
  readonly name: string;
  /** For the menu and `/help`; up to 256 characters. */
  readonly description: string;
  readonly lane: LaneKind;
  /** What it does to the answer that is being written, at the moment it arrives. */
  readonly interrupt?: "stop" | "new";
  /** It asks the model, so it counts against the rate limit and can be dropped by an interrupt. */
  readonly asks?: boolean;
}

export const commands = [
  { name: "start", description: "say hello", lane: "quick" },
  { name: "help", description: "what I can do", lane: "quick" },
  { name: "new", description: "start a new conversation", lane: "turn", interrupt: "new" },
  { name: "reset", description: "new conversation, default persona and model", lane: "turn", interrupt: "new" },
  { name: "model", description: "switch the model", lane: "quick" },
  { name: "system", description: "give me a persona", lane: "turn" },
  { name: "stop", description: "stop the answer that is being written", lane: "quick", interrupt: "stop" },
  { name: "retry", description: "answer the last question again", lane: "turn", asks: true },
  { name: "stats", description: "how the bot is doing", lane: "quick" },
  { name: "usage", description: "your tokens and their cost", lane: "quick" },
  { name: "export", description: "this conversation as a Markdown file", lane: "quick" },
] as const satisfies readonly Command[];

export type CommandName = (typeof commands)[number]["name"];

/** The command of this name, in the shape that lists optional fields. */
export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name);
}

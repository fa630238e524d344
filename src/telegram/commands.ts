/**
 * The commands as data: Telegram's menu, `/help`, the README's table, the lanes and the tests read this list. Each has its
 * handler in `features/`.
 */
import type { LaneKind } from "../ports/updates.ts";
import type { CommandLine } from "../texts/facts.ts";
import type { Texts } from "../texts/texts.ts";

export type CommandName = keyof Texts["commands"];

export interface Command {
  readonly name: CommandName;
  readonly lane: LaneKind;
  /** For whoever is no admin it only tells something, without a dialog, and waits behind no answer. */
  readonly quickForOthers?: boolean;
  /** What it does to the answer that is being written, at the moment it arrives. */
  readonly interrupt?: "stop" | "new";
  /** It asks the model, so it counts against the rate limit and can be dropped by an interrupt. */
  readonly asks?: boolean;
  /** To everybody else it is unknown: neither the menu nor `/help` names it. */
  readonly forAdmins?: boolean;
}

export const commands: readonly Command[] = [
  { name: "start", lane: "quick" },
  { name: "help", lane: "quick" },
  { name: "new", lane: "turn", interrupt: "new" },
  { name: "reset", lane: "turn", interrupt: "new" },
  { name: "model", lane: "quick" },
  { name: "think", lane: "quick" },
  { name: "system", lane: "turn" },
  { name: "stop", lane: "quick", interrupt: "stop" },
  { name: "retry", lane: "turn", asks: true },
  { name: "image", lane: "turn", asks: true },
  { name: "voice", lane: "quick" },
  { name: "tools", lane: "quick" },
  { name: "memory", lane: "quick" },
  { name: "forget", lane: "quick" },
  { name: "stats", lane: "quick" },
  { name: "usage", lane: "quick" },
  { name: "export", lane: "quick" },
  { name: "privacy", lane: "quick" },
  { name: "delete", lane: "quick" },
  { name: "budget", lane: "turn", quickForOthers: true },
  { name: "grant", lane: "quick", forAdmins: true },
  { name: "doctor", lane: "quick", forAdmins: true },
];

/** The command of this name, if there is one. */
export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name);
}

/** The commands with what they do, in the words of a language: those for everybody, or all. */
export function commandLines(texts: Texts, forWhom: "everybody" | "admins"): readonly CommandLine[] {
  const named = commands.filter(({ forAdmins }) => forWhom === "admins" || forAdmins !== true);
  return named.map(({ name }) => ({ name, description: texts.commands[name] }));
}

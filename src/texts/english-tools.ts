/** English: what is said of tools. */
import type { ListedTool, ToolActivity } from "../ports/tools.ts";

/** Longer ones would push the answer off a phone's screen. In UTF-16 units. */
const longestShown = 60;

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= longestShown ? line : `${line.slice(0, longestShown - 1)}…`;
}

function atWork(tool: ToolActivity): string {
  switch (tool.doing) {
    case "searching":
      return `🔎 Searching: ${short(tool.query)}`;
    case "reading-page":
      return `🌐 Reading ${short(tool.host)}`;
    case "reading-file":
      return tool.name === undefined ? "📄 Reading on in the file" : `📄 Reading on in ${short(tool.name)}`;
    case "calculating":
      return "🧮 Calculating";
    case "drawing":
      return "🎨 Drawing";
    case "remembering":
      return "📝 Remembering";
    case "calling":
      return `🔧 Using ${short(tool.name)}`;
  }
}

const disabledBecause: Readonly<Record<NonNullable<ListedTool["disabled"]>, string>> = {
  changed: "its server has changed it",
  unreachable: "its server cannot be reached",
  "name-taken": "another tool has its name",
  "no-room": "there are too many others",
};

/** What a tool of our own is for. Its description is for models. */
const ownTools: Readonly<Record<string, string>> = {
  web_search: "searches the web",
  read_page: "reads web pages",
  calculate: "calculates exactly, with small programs",
  read_file: "reads on in a long file that you have sent",
  draw: "draws pictures",
  remember: "remembers what you want me to know in all conversations",
  forget: "forgets some of that",
};

/** One line of a description is enough to choose by. */
const longestDescription = 100;

function lineOf({ name, description, server, asks, off, disabled }: ListedTool): string {
  if (off) return `• ${name}: off in this conversation`;
  if (disabled !== undefined) return `🚫 ${name}: off, since ${disabledBecause[disabled]}`;
  const [line = ""] = ((server === undefined ? ownTools[name] : undefined) ?? description).split("\n");
  const said = line.length <= longestDescription ? line : `${line.slice(0, longestDescription - 1)}…`;
  return `• ${name}${asks ? " (asks first)" : ""}: ${said}`;
}

/** So much fits into a message beside the rest. In UTF-16 units. */
const longestList = 3_500;

function listOf(listed: readonly ListedTool[]): string {
  const lines: string[] = [];
  let units = 0;
  for (const tool of listed) {
    const line = lineOf(tool);
    units += line.length + 1;
    if (units > longestList) return [...lines, `and ${listed.length - lines.length} more`].join("\n");
    lines.push(line);
  }
  return lines.join("\n");
}

interface ToolList {
  readonly on: boolean;
  readonly listed: readonly ListedTool[];
  readonly admin: boolean;
}

function toolList({ on, listed, admin }: ToolList): string {
  const state = on ? "🧰 I use these tools in this conversation:" : "🧰 Tools are off in this conversation. There are:";
  const changed = listed.find(({ disabled }) => disabled === "changed");
  const hint = admin && changed !== undefined ? `\n\n/tools confirm ${changed.name} takes it as it is now.` : "";
  return listed.length === 0 ? "🧰 There are no tools for this chat." : `${state}\n\n${listOf(listed)}${hint}`;
}

export const toolTexts = {
  noTools: "🧰 There are no tools here.",
  noSuchTool: (name: string) =>
    `There is no tool "${name.slice(0, 64)}" for this chat. /tools lists those that there are.`,
  toolList,
  toolConfirmed: (name: string) => `✅ ${name} is used as it is now.`,
  toolNotChanged: (name: string) => `There is no changed tool "${name}".`,
  /** Before the arguments of a call. */
  mayI: (name: string, fromOutside: boolean) =>
    `🔐 May I use ${name} with this?${fromOutside ? " I have read something from outside here, and it may be what asks for this: look closely." : ""}`,
  permitted: {
    once: "✅ Allowed once",
    always: "✅ Allowed in this conversation",
    refuse: "✖ Refused",
  },
  notYours: "Only who has asked the question can decide this.",
  toolAtWork: (tool: ToolActivity) => `${atWork(tool)}…`,
};

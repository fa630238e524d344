/** English: what is said of tools. */
import type { ToolActivity } from "../ports/tools.ts";

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

export const toolTexts = {
  toolAtWork: (tool: ToolActivity) => `${atWork(tool)}…`,
};

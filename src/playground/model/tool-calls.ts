/** Which tools the scripted model calls, and what it says of their results: data, chosen by what the question wants. Pure. */
import type { Script, ScriptedRequest } from "./script.ts";

interface Wish {
  /** Tried in order on the question's words. */
  readonly asks: RegExp;
  readonly tool: string;
  /** What it is called with; undefined when the words want something else. */
  readonly args: (match: RegExpExecArray) => object | undefined;
  /** Said when it is not offered, though others are. */
  readonly missing?: string;
}

const mostQuoted = 600;
const noSearch =
  "Nobody searches the web for this playground yet. Set `TAVILY_API_KEY`, `BRAVE_API_KEY`, `EXA_API_KEY`, `SERPER_API_KEY` or `SEARXNG_URL` in `.env`, and I look it up.";

const wishes: readonly Wish[] = [
  {
    asks: /^(?:what is|what's|how much is|calculate|compute) ([\d.,]{1,20}) ?(?:%|percent) of ([\d.,]{1,20})/i,
    tool: "calculate",
    args: ([, part = "", whole = ""]) => ({ code: `${plain(whole)} * ${plain(part)} / 100` }),
  },
  {
    asks: /\bdays (?:from|between) (\d{4}-\d\d-\d\d) (?:to|and|until) (\d{4}-\d\d-\d\d)/i,
    tool: "calculate",
    args: ([, from = "", to = ""]) => ({ code: `(new Date("${to}") - new Date("${from}")) / 86_400_000` }),
  },
  {
    asks: /^(?:what is|what's|how much is|calculate|compute) ([-+*/×÷^().,\d ]{3,200})\??$/i,
    tool: "calculate",
    args: ([, sum = ""]) => (/\d ?[-+*/×÷^]/.test(sum) ? { code: programOf(sum) } : undefined),
  },
  {
    asks: /^(?:read|open) (https?:\/\/\S{1,2000})/i,
    tool: "read_page",
    args: ([, url = ""]) => ({ url: url.replace(/[.,;:!?)]{1,8}$/, "") }),
  },
  {
    asks: /^read on\b(?:\D{0,60}(\d{1,6}))?/i,
    tool: "read_file",
    args: ([, from]) => (from === undefined ? {} : { from: Number(from) }),
  },
  {
    asks: /^(?:look up|search for) (.+)/is,
    tool: "web_search",
    args: ([, query = ""]) => ({ query: query.trim() }),
    missing: noSearch,
  },
  { asks: /^remember that (.+)/is, tool: "remember", args: ([, fact = ""]) => ({ fact: fact.trim() }) },
  { asks: /^note(?: that|:) (.+)/is, tool: "notebook_write", args: ([, text = ""]) => ({ text: text.trim() }) },
  { asks: /^(?:read|show) (?:my|the) note(?:s|book)\b/i, tool: "notebook_read", args: () => ({}) },
  { asks: /^draw (?!only\b)(.+)/is, tool: "draw", args: ([, prompt = ""]) => ({ prompt: prompt.trim() }) },
];

/** What a question to a model with tools gets; undefined when its words want none of those that are offered. */
export function answerWithTools(request: ScriptedRequest, words: string): Script | undefined {
  const offered = new Set(toolsIn(request));
  if (offered.size === 0) return undefined;
  for (const { asks, tool, args, missing } of wishes) {
    const match = asks.exec(words);
    const given = match === null ? undefined : args(match);
    if (given === undefined) continue;
    const results = resultsIn(request);
    if (results.length > 0) return { text: told(tool, given, results.join("\n\n")) };
    if (!offered.has(tool)) return missing === undefined ? undefined : { text: missing };
    return request["tool_choice"] === "none" ? undefined : { calls: [{ name: tool, arguments: given }] };
  }
  return undefined;
}

function toolsIn(request: ScriptedRequest): readonly string[] {
  const tools = request["tools"];
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: { function?: { name?: string } }) => tool.function?.name ?? []);
}

/** What the calls of the newest question have returned. */
function resultsIn({ messages }: ScriptedRequest): readonly string[] {
  const newest = messages.findLastIndex(({ role }) => role === "user");
  return messages.slice(newest).flatMap(({ role, content }) => (role === "tool" ? unframed(content) : []));
}

/** Without the two lines between which stands what somebody else has written. */
function unframed(content: string): string {
  const [, mark] = /\n(--- \w+)\n/.exec(content) ?? [];
  const [, inside] = mark === undefined ? [] : content.split(mark);
  return (inside ?? content).trim();
}

function told(tool: string, given: object, result: string): string {
  if (tool === "calculate" && "code" in given && /^-?[\d.,]+$/.test(result)) {
    return `It is **${result}**. I have not guessed it: \`${given.code}\` was calculated.`;
  }
  const cut = result.length > mostQuoted ? `${result.slice(0, mostQuoted)}…` : result;
  return `I have called \`${tool}\`, and this came back:\n\n${cut.replaceAll(/^/gm, "> ")}`;
}

/** As a program writes a number. */
function plain(number: string): string {
  return number.replaceAll(",", "").replace(/\.$/, "");
}

function programOf(sum: string): string {
  return plain(sum).replaceAll("×", "*").replaceAll("÷", "/").replaceAll("^", "**").trim();
}

/** What the scripted model says: data, chosen by what the question wants. */
import { greyJpeg } from "../pictures.ts";
import type { Script, ScriptedRequest } from "./script.ts";
import { answerToSeen, readQuestion } from "./seen.ts";
import { answerWithTools } from "./tool-calls.ts";

interface Intent {
  /** Tried in order on the trimmed question. */
  readonly asks: RegExp;
  /** Its answer goes on with a former one, which has said already that no model wrote it. */
  readonly goesOn?: true;
  /** It fails, whatever comes with the words. */
  readonly fails?: true;
  /** `tries`: how often the same has been asked before, in a row. */
  readonly answer: (question: string, match: RegExpExecArray, former: string, tries: number) => Script;
}

const label = "*(scripted demo model: no AI here)*";

/** Answers a request that was made `tries` times before; `labelled` answers begin by saying that no model wrote them. */
export function answerTo(request: ScriptedRequest, labelled: boolean, tries = 0): Script {
  const question = readQuestion(newestOf(request, "user"));
  const asked = question.words;
  const former = newestOf(request, "assistant");
  const withTools = answerWithTools(request, asked);
  if (withTools !== undefined) return withLabel(withTools, labelled);
  const seen = answerToSeen(question);
  for (const { asks, answer, goesOn, fails } of intents) {
    const match = asks.exec(asked);
    if (match === null) continue;
    const script = fails || seen === undefined ? answer(asked, match, former, tries) : { text: seen };
    return withLabel(script, labelled && !goesOn);
  }
  return {};
}

function withLabel(script: Script, labelled: boolean): Script {
  return labelled && script.text ? { ...script, text: `${label}\n\n${script.text}` } : script;
}

function newestOf(request: ScriptedRequest, role: "user" | "assistant"): string {
  return request.messages.findLast((message) => message.role === role)?.content ?? "";
}

const help = `I am a scripted stand-in, so that you can try the chat without a key. Ask me for:

- **markdown** — everything that a message can show: a table, code, a quote, a list, a formula
- **long** — an answer of several thousand characters, which needs more than one message
- **length** — an answer that is cut at the length limit, twice, good for pressing Continue
- **slow** — an answer that takes its time, good for pressing Stop
- **echo** followed by any text — the same text back, Markdown included
- **think** — a pause for thought first, with the seconds counted
- **busy** — two refusals before the answer, good for seeing it tried again
- **What is 17% of 2,340?** — a tool that calculates, so that nothing is guessed; /tools lists them all
- **note that the milk is out** — a tool that asks you before it acts; **read my notes** — one that need not
- **remember that I am vegan** — a fact for /memory, with Undo below the answer
- **look up** something, **read https://…**, **read on** in a long file — what is found is quoted
- **draw** something — a picture; **draw only** — one without a word
- **photos** and **documents** — what I was sent of them, and **fail 429** below one all the same
- **fail 429**, **fail 500**, **fail cut**, **fail empty**, **fail silence** — the faults of real providers

Anything else gets a short answer. With a real key in \`.env\`, a real model answers instead.`;

const fibonacci = `\`\`\`python
def fibonacci(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
\`\`\``;

const code = `Fibonacci numbers, in Python:

${fibonacci}

Each is the sum of the two before it. Call it with \`fibonacci(10)\`, which gives 55.`;

const showcase = `# What a message can show

Plain text with **bold**, *italic*, ~~struck~~ and \`inline code\`, and a [link](https://core.telegram.org/bots/api).

> A quote, which may well
> run over several lines.

1. First, a numbered list
2. then a nested one:
   - with a bullet
   - and another

| City | Country | Population |
| :--- | :---: | ---: |
| Tokyo | Japan | 37,400,000 |
| Delhi | India | 32,900,000 |
| 上海 | 中国 | 29,200,000 |

${fibonacci}

The golden ratio is $\\varphi = \\frac{1 + \\sqrt{5}}{2}$, and

$$\\lim_{n \\to \\infty} \\frac{F_{n+1}}{F_n} = \\varphi$$

---

That is all, with an emoji to end on: 🎉`;

const paragraphs = [
  "A message sets out from a phone, and the first thing that matters is that it is written down before anybody is told that it has arrived. What is written down can be found again after a crash; what is only remembered cannot.",
  "Then it waits in its lane. Every conversation has a lane of its own, so that a long answer in one chat never holds up a short one in another, and two questions in the same chat are answered in the order in which they were asked.",
  "The answer comes in small pieces. Showing each of them would be too much for the network and for the reader, so the pieces are gathered, and the message on the screen is brought up to date about once a second.",
  "When the answer grows beyond what one message can hold, it goes on in the next one. The cut falls where a reader would make it: between paragraphs if possible, between sentences if not, and never inside a word.",
  "At the end the last edit is always made, whatever happened to those before it. The text on the screen is then exactly the text that was written, no more and no less.",
];

const long = `## A long answer\n\n${Array.from(
  { length: 6 },
  (_, part) => `### Part ${part + 1}\n\n${paragraphs.join("\n\n")}`,
).join("\n\n")}\n\nThat was the long answer.`;

const greetings = [
  "Hello! What would you like to talk about? Say *help* to see what I can show you.",
  "Hi there. Ask me anything; I will answer from a script. *help* lists what is in it.",
  "Good to see you. Try *markdown* or *long*, or just write something.",
];

const shortAnswers: readonly ((topic: string) => string)[] = [
  (topic) =>
    `You asked: “${topic}”. A real model would now think of something clever. I can only say that I heard you.`,
  (topic) =>
    `“${topic}” is a fine question. There are **three** things to say about it: it was asked, it arrived, and it was answered.`,
  (topic) =>
    `About “${topic}”: it depends. On the one hand there is this, on the other hand there is that, and the script ends here.`,
  (topic) =>
    `Let me put it briefly. “${topic}” has many sides:\n\n- the one you see\n- the one you do not\n- and the one in this list`,
];

const faults: Readonly<Record<string, Script>> = {
  "400": { status: 400, body: { error: { message: "scripted refusal", type: "invalid_request_error" } } },
  "401": { status: 401, body: { error: { message: "scripted refusal of the key", code: "invalid_api_key" } } },
  "402": { status: 402, body: { error: { message: "scripted lack of credits" } } },
  "404": { status: 404, body: { error: { message: "scripted: no such model", code: "model_not_found" } } },
  "429": { status: 429, body: { error: { message: "scripted rate limit", type: "rate_limit_error" } } },
  "500": { status: 500, body: { error: { message: "scripted server error", type: "server_error" } } },
  "503": { status: 503, body: { error: { message: "scripted overload", type: "server_error" } } },
  cut: {
    text: "This answer breaks off in the middle, because the connection is cut before the sentence has come to its end.",
    cutAfterChunks: 18,
  },
  error: {
    text: "This answer ends with an error event after some words of it, and what would have followed is lost.",
    errorEventAfterChunks: 16,
  },
  empty: { text: "" },
  silence: {
    text: "This answer falls silent after a few words and never goes on, however long one waits for it.",
    stallAfterChunks: 15,
  },
  hang: { hangBeforeHeaders: true },
};

/** An answer in three parts, the first two of which end in the middle of a sentence. */
const lengthParts = partsOf(paragraphs.slice(0, 3).join("\n\n"));

function partsOf(text: string): readonly string[] {
  const third = Math.floor(text.length / 3);
  return [text.slice(0, third), text.slice(third, 2 * third), text.slice(2 * third)];
}

/** The part behind the one that the former answer ends with. */
function nextPart(former: string): Script {
  const before = lengthParts.findIndex((part) => former.endsWith(part));
  const text = lengthParts[before + 1] ?? " That was all.";
  return { text, ...(before + 2 < lengthParts.length && before >= 0 ? { finishReason: "length" } : {}) };
}

const busy: Script = { ...faults["429"], headers: { "retry-after": "3" } };

const intents: readonly Intent[] = [
  { asks: /^Your answer was cut off\b/, goesOn: true, answer: (_, _match, former) => nextPart(former) },
  {
    asks: /^fail\s+(\w+)\b/i,
    fails: true,
    answer: (_, match) => faults[match[1]?.toLowerCase() ?? ""] ?? { status: 500 },
  },
  { asks: /^echo\s+([\s\S]+)/i, answer: (_, match) => ({ text: match[1] ?? "" }) },
  {
    asks: /^(hi|hello|hey|hallo|good (morning|day|evening)|привет|hola|bonjour|ciao)\b|^привет/i,
    answer: (question) => ({ text: pick(greetings, question) }),
  },
  {
    asks: /^\[(?:live location|location|place|contact|poll|dice|animated sticker)\b/,
    answer: (question) => ({ text: `What you have sent reaches me in words:\n\n${question.replaceAll(/^/gm, "> ")}` }),
  },
  { asks: /\blength\b/i, answer: () => ({ text: lengthParts[0] ?? "", finishReason: "length" }) },
  { asks: /\bdraw only\b/i, answer: (question) => ({ pictures: [drawn(question)] }) },
  { asks: /\bdraw\b/i, answer: (question) => ({ text: "Here is a grey picture.", pictures: [drawn(question)] }) },
  { asks: /\bhelp\b|what can you do|who are you|commands?\b/i, answer: () => ({ text: help }) },
  { asks: /\bmarkdown\b|\bshow\s?case\b|\bformat|\btables?\b/i, answer: () => ({ text: showcase }) },
  { asks: /\bcode\b|\bprogram/i, answer: () => ({ text: code }) },
  {
    asks: /\bslow(ly)?\b/i,
    answer: () => ({ text: paragraphs.join("\n\n"), delayFirstMs: 2_000, tokensPerSecond: 6 }),
  },
  { asks: /\bbusy\b/i, answer: (question, _match, _former, tries) => (tries % 3 < 2 ? busy : short(question)) },
  {
    asks: /\bthink\b|\breason/i,
    answer: (question) => ({ ...short(question), reasoning: `${paragraphs.join("\n")}\n`.repeat(2) }),
  },
  { asks: /\blong(er)?\b|\bessay\b|\bstory\b/i, answer: () => ({ text: long, tokensPerSecond: 200 }) },
  { asks: /(?:)/, answer: short },
];

function drawn(question: string): Uint8Array {
  return greyJpeg({ width: 640, height: 480 }, question.slice(0, 200));
}

function short(question: string): Script {
  const line = question.replace(/\s+/g, " ").trim();
  const topic = line.length > 120 ? `${[...line].slice(0, 120).join("")}…` : line || "nothing at all";
  return { text: pick(shortAnswers, question)(topic) };
}

/** The same question always gets the same choice. */
function pick<T>(choices: readonly [T, ...T[]] | readonly T[], question: string): T {
  let sum = 0;
  for (const character of question) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return choices[sum % choices.length] as T;
}

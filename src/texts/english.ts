/** English: every sentence that a person reads in Telegram. Plain text: no markup, so nothing can fail to parse. */
import type { ModelErrorKind } from "../base/errors.ts";
import type { AutoReason } from "../ports/notes.ts";
import { modelFailureWords } from "./english-failures.ts";
import { mediaTexts } from "./english-media.ts";
import { memoryTexts } from "./english-memory.ts";
import { moneyTexts } from "./english-money.ts";
import { autoReasons, noteLine, stopped } from "./english-notes.ts";
import { operatorTexts } from "./english-operators.ts";
import { privacyTexts } from "./english-privacy.ts";
import { thinkWords } from "./english-think.ts";
import { toolTexts } from "./english-tools.ts";
import type { CommandLine, StatsLines } from "./facts.ts";

const whatTheBotReads =
  "So far I read text, photos, stickers and documents, look at the covers of videos, and listen to voice messages.";

function statsLines({ requests, errors, uptimeSeconds, p50Ms, p95Ms, queue, megabytes }: StatsLines): string[] {
  const lines = [`Requests: ${requests}, errors: ${errors}`, `Up for ${duration(uptimeSeconds)}`];
  if (queue === undefined) return lines;
  return [
    ...lines,
    `Answer time p50 ${seconds(p50Ms)}, p95 ${seconds(p95Ms)}`,
    `Queue: ${queue.waiting} waiting (oldest ${seconds(queue.oldestWaitingMs)}), ${queue.active} active, ${queue.delayed} delayed, ${queue.dead} dead`,
    `Memory: ${megabytes} MB`,
  ];
}

function seconds(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "–" : `${(milliseconds / 1000).toFixed(1)} s`;
}

function duration(totalSeconds: number): string {
  const days = Math.floor(totalSeconds / 86_400);
  const hours = Math.floor((totalSeconds % 86_400) / 3_600);
  const minutes = Math.floor((totalSeconds % 3_600) / 60);
  return days > 0 ? `${days} d ${hours} h` : hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min`;
}

/** Sentences by what they are for. */
export const english = {
  /** Labels of buttons. A label that holds a model's name is made in `telegram/model-list.ts`. */
  labels: {
    stop: "⏹ Stop",
    regenerate: "🔄 Regenerate",
    asFile: "📄 As a file",
    voiceOff: "Off",
    voiceOn: "On",
    voiceAsked: "As I ask",
    toolsOn: "On",
    toolsOff: "Off",
    memoryOn: "On",
    memoryOff: "Off",
    undo: "↩️ Undo",
    forgetFact: (number: number) => `🗑 ${number}`,
    allowOnce: "✅ Allow once",
    allowAlways: "✅ Allow in this conversation",
    refuse: "✖ Refuse",
    retry: "🔁 Retry",
    continue: "▶️ Continue",
    earlier: "↩️ Bring the earlier messages back",
    save: "💾 Save",
    default: "↩️ Default",
    thinkOff: "Off",
    thinkLow: "Low",
    thinkHigh: "High",
    showThoughts: "💭 Show thoughts",
    hideThoughts: "💭 Hide thoughts",
    cancel: "✖ Cancel",
    erase: "🗑 Delete everything",
    grant: "Grant…",
    close: "✖ Close",
    allProviders: "‹ All providers",
    pageBack: (page: number) => `‹ Page ${page}`,
    pageOn: (page: number) => `Page ${page} ›`,
  },
  /** For the menu and `/help`; up to 256 characters each. */
  commands: {
    start: "say hello",
    help: "what I can do",
    new: "start a new conversation",
    reset: "new conversation, default persona and model",
    model: "switch the model",
    think: "how much the model thinks before it answers",
    system: "give me a persona, or the default one again",
    stop: "stop the answer that is being written",
    retry: "answer the last question again",
    image: "draw what you describe, or change the picture you reply to",
    voice: "whether I also speak my answers",
    tools: "what I may look up and do here",
    memory: "what I remember in all conversations",
    forget: "forget one fact, or all",
    stats: "how the bot is doing",
    usage: "your tokens and their cost",
    export: "this conversation, and what I remember, as a Markdown file",
    privacy: "what I keep, and who reads along",
    delete: "delete everything I keep about you",
    budget: "what may still be spent",
    grant: "for admins: add to somebody's budget",
    doctor: "for admins: check that everything works",
  },
  /** Questions that `/start` offers; each is sent as it stands. */
  examples: [
    "Explain black holes to a ten-year-old",
    "Write a birthday poem for my best friend",
    "Plan a weekend in Lisbon for two",
  ],
  start: (model: string) =>
    `Hello! Write me anything and I will answer with ${model}.\n\n/model switches the model, /new starts a new conversation, /help shows all commands.`,
  /** In the empty box that a user writes into; up to 64 characters. */
  examplesPlaceholder: "Ask me anything",
  /** What Telegram shows in an empty chat with the bot (512 characters), and in its profile (120). */
  description:
    "Write me anything: I pass it on to a language model, and you see the answer while it is being written.\n\nYou can stop an answer, have it written again, edit your question, switch the model and give me a persona. In a group, mention me or reply to me.",
  shortDescription: "Answers your questions with a language model, while you watch.",
  help: (commands: readonly CommandLine[]) =>
    `Write me a message and I answer. Commands:\n\n${commands.map((c) => `/${c.name}: ${c.description}`).join("\n")}\n\nEdit your last message and I answer it again. In a group, mention me or reply to me. ${whatTheBotReads}`,
  unknownCommand: "I do not know this command. /help shows what I can do.",
  unsupported: `${whatTheBotReads} Please write your question as text.`,
  emptyMention: "Yes? Write your question in the same message as my name.",
  newConversation: "New conversation. I have forgotten what we talked about here.",
  reset: (model: string) => `Back to the start: conversation forgotten, default persona, model ${model}.`,
  stopped,
  nothingToStop: "There is nothing to stop.",
  dropped: (count: number) =>
    count === 1 ? "⏹ One waiting question was dropped." : `⏹ ${count} waiting questions were dropped.`,
  nothingToRetry: "There is no question here that I could answer again. Just write one.",
  notTheNewest: "Only the newest answer can be written again.",
  notContinued: "Only the newest answer can be continued, and only once.",
  broughtBack: "I see the earlier messages again, from your next question on.",
  oldButton: "This button is too old.",
  alreadyFinished: "This answer is already finished.",
  waiting: (provider: string) => `⏳ Waiting for a free place at ${provider}…`,
  readingFiles: "📄 Reading what you sent…",
  waitingForBudget: "⏳ Waiting until it is clear what other answers cost…",
  tryingAgain: (reason: ModelErrorKind) => `🔁 Trying again… (${modelFailureWords[reason]})`,
  thinking: (seconds: number) => (seconds === 0 ? "💭 Thinking…" : `💭 Thinking… ${seconds} s`),
  ...toolTexts,
  /** A note below an answer: one short line. */
  note: noteLine,
  turnDied: "⚠️ Something went wrong on my side and I could not answer this. Please ask again.",
  withBehind: (model: string, behind: readonly string[]) => `${model} (when it fails: ${behind.join(", ")})`,
  chooseModel: (current: string) => `Model: ${current}. Choose another one:`,
  chooseFromMany: (current: string) => `Model: ${current}. Choose another one, or write /model and a part of its name:`,
  modelsOf: (current: string, provider: string) => `Model: ${current}. The models of ${provider}:`,
  modelsFound: (current: string, search: string) => `Model: ${current}. These match "${search}":`,
  unknownModel: (name: string) => `I do not know the model "${name}". Choose one of these:`,
  /** Where the model is chosen anew for each question: what that was for the last one. */
  autoChose: (model: string, because: AutoReason) => `The last question went to ${model}: ${autoReasons[because]}.`,
  modelSet: (model: string) => `Model: ${model}. It answers from your next question on.`,
  think: thinkWords,
  /** A summary of what a model has thought, folded below its answer. */
  thoughts: (summary: string) => `💭 ${summary}`,
  modelGone: "This model is no longer offered. /model shows the current list.",
  personaAsk: (current: string | undefined, group: boolean) => {
    const standing =
      current === undefined ? "No persona of your own is set here. " : `The persona here is:\n\n${current}\n\n`;
    const how = group ? " Reply to this message, so that I see it." : "";
    return `${standing}Send me the new one: who should I be, and how should I answer?${how}`;
  },
  personaPreview: (persona: string) => `The new persona would be:\n\n${persona}\n\nSave it? Or send another text.`,
  personaSaved: "Saved. It applies from your next question on.",
  personaDefault: "The default persona is back. It applies from your next question on.",
  personaCancelled: "Nothing was changed.",
  personaTooLong: (limit: number, length: number) =>
    `A persona may have ${limit} characters; yours has ${length}. Please send a shorter one.`,
  dialogOver: (command: "system" | "budget") => `This dialog is over. /${command} starts a new one.`,
  rateLimited: (seconds: number) => `You are writing faster than I may answer. Please wait ${seconds} s and try again.`,
  laneFull:
    "Too many messages are waiting here already, so I had to drop the newest. Please wait until I have caught up.",
  notAllowed: (userId: number) =>
    `This bot is private. If you should have access, give its operator your id: ${userId}`,
  groupNotAllowed: (chatId: number) =>
    `This bot is private. If this group should have access, give the bot's operator the group's id: ${chatId}`,
  ...moneyTexts,
  stats: (stats: StatsLines) => statsLines(stats).join("\n"),
  ...privacyTexts,
  ...operatorTexts,
  ...mediaTexts,
  ...memoryTexts,
  exportEmpty: "There is no conversation here to export yet.",
  exportTooSoon: "I sent you an export less than a minute ago. Please wait a moment before the next one.",
  exportCaption: (which?: { readonly part: number; readonly of: number }) =>
    which === undefined
      ? "Your conversation as a Markdown file."
      : `Your conversation as Markdown, part ${which.part} of ${which.of}.`,
  /** How an exported file begins, in Markdown. */
  exportHead: (about: {
    readonly model: string;
    /** Left out when the conversation has none of its own. */
    readonly persona?: string | undefined;
    readonly time: string;
    /** Stands for what the model is not shown any more. */
    readonly summary?: string | undefined;
    /** What is remembered for the user, or the group. */
    readonly facts?: readonly { readonly number: number; readonly text: string }[];
    readonly part?: number;
    readonly of?: number;
  }) => {
    const persona = about.persona?.replaceAll("\n", "\n  ") ?? "the bot's own";
    const part = about.part === undefined ? "" : `- Part: ${about.part} of ${about.of}\n`;
    const summary =
      about.summary === undefined ? "" : `\n## Summary that the model has of the older messages\n\n${about.summary}\n`;
    const remembered = about.facts?.map(({ number, text }) => `${number}. ${text}\n`) ?? [];
    const facts = remembered.length === 0 ? "" : `\n## What I remember in all conversations\n\n${remembered.join("")}`;
    return `# Conversation\n\n- Model: ${about.model}\n- Persona: ${persona}\n- Exported: ${about.time}\n${part}${facts}${summary}`;
  },
  /** Behind the name of an exported file; every system takes Latin letters and digits. */
  exportFilePart: ({ part, of }: { readonly part: number; readonly of: number }) => `part ${part} of ${of}`,
  wholeAnswer: "The whole answer as a file.",
  wholeAnswerFile: "answer.md",
  restInFile: "📄 The rest is in the file below.",
};

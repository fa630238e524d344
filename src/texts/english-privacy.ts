/** English: what is kept of people, and how they have it deleted. */
import type { PrivacyFacts } from "./facts.ts";

export const privacyTexts = {
  privacy: privacyWords,
  deleteAsk: (group: boolean) => {
    const stays = group
      ? "What was said in this group belongs to the group and stays; /new makes me forget it."
      : "What was said in groups belongs to them and stays.";
    return [
      "Shall I delete everything I keep about you? This cannot be undone.",
      "I delete our private conversation with all its topics, what I remember about you, your choices, your name, and your id beside what your answers have cost. An answer that I am writing to you ends.",
      `${stays} If this bot has budgets, how much you have used of yours stays for 31 days. The messages in Telegram stay until you delete the chat.`,
    ].join("\n\n");
  },
  deleted: (budgets: boolean) =>
    `Deleted. I no longer know anything about you${budgets ? ", but for 31 days how much you have used of your budget" : ""}. What your answers have cost is kept without a name. Your next message starts afresh.`,
  deletedJustNow: "I deleted everything about you less than a minute ago. Please wait a moment before you do it again.",
  deleteCancelled: "Nothing was deleted.",
  deleteExpired: "Nothing was deleted: this question is more than ten minutes old. /delete asks it again.",
  deleteAsYourself: "I can only delete what is a person's own. Please send me /delete in a private chat.",
  notYourButton: "Only the person who asked can press this.",
};

/** What `/privacy` says, in plain words. */
function privacyWords(facts: PrivacyFacts): string {
  const { conversationDays, answers, ledgerDays, directoryDays, deadDays, shared, providers, media, search, memory } =
    facts;
  const place = shared ? "in a Redis database of its operator" : "in a database on the machine that it runs on";
  return [
    "What this bot keeps",
    "",
    `💬 What we write to each other, and a summary of it when it is long, so that we can go on talking: until /new, or until nothing was asked here for ${days(conversationDays)}.`,
    "📎 Of a file that you send, what it says, and of a picture only where Telegram has it: as part of the conversation.",
    ...(answers === undefined ? [] : [answersLine(answers)]),
    "⚙️ Your choices, such as model and persona: until you change them.",
    ...(memory === undefined
      ? []
      : [
          `📝 What you, or a group, want remembered, up to ${memory.most} facts, without keys, cards and passwords: until /forget. What I remember about you alone is told in no group.`,
        ]),
    `📥 What Telegram delivers: until it is handled. What could not be handled: for ${days(deadDays)}.`,
    `👤 Your id, your name, and the day of your last message: for ${days(directoryDays)} after it.`,
    `💰 For each answer its model, its number of tokens and its cost, with your id, but nothing that was written: for ${days(ledgerDays)}.`,
    "",
    `All of it is ${place}. In a group the conversation belongs to the group.`,
    "",
    "Who reads along",
    "",
    ...providers.map(providerLine),
    "",
    "Your question, with its pictures and what its files say, and the conversation before it go to the provider of the model that answers; when it fails, another of these may be asked, and another one may be asked to summarise a long conversation. What they keep is up to them. Telegram keeps the chat itself.",
    ...(memory === undefined ? [] : ["", memoryLine(memory.toldTo)]),
    ...(media ? ["", mediaLine] : []),
    ...(search === undefined ? [] : ["", searchLine(search)]),
    "",
    "/export gives you the conversation, /delete removes what is yours.",
  ].join("\n");
}

const mediaLine =
  "Voice messages go to one of them to be heard, and of these I keep the words alone, with the conversation. So does what is spoken or drawn for you; what /image was asked for I keep for a day.";

function memoryLine(toldTo: readonly string[] | undefined): string {
  return toldTo === undefined
    ? "What I remember goes along with your questions, until /memory off."
    : `What I remember goes along with your questions to ${toldTo.join(", ")} alone, until /memory off; what an answer has said of it is part of the conversation.`;
}

function searchLine(search: string): string {
  return `What a model looks up on the web goes to ${search}, in the model's words and without your name; pages that it reads are fetched by this bot.`;
}

function answersLine({ days: count, toEverybody }: NonNullable<PrivacyFacts["answers"]>): string {
  const whose = toEverybody ? "for everybody who asks the same, without a name, also after /delete" : "for this chat";
  return `♻️ Answers to questions that stand alone, ${whose}, also after /new: for ${days(count)}.`;
}

function providerLine({ name, host, own }: PrivacyFacts["providers"][number]): string {
  return own ? `• ${name}, on a machine of this bot's operator` : `• ${name} (${host})`;
}

function days(count: number): string {
  if (count >= 1) return Math.round(count) === 1 ? "1 day" : `${Math.round(count)} days`;
  const hours = Math.ceil(count * 24);
  return hours === 1 ? "1 hour" : `${hours} hours`;
}

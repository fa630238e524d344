/** Many people who ask one numbered question after another, and the account of what they got: lost, twice, out of order. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BotApi, MessageView } from "../../src/playground/bot-api.ts";
import type { Script, ScriptedRequest } from "../../src/playground/script.ts";
import { answersIn, buttonsOf } from "./bot-process.ts";

/** What came of all questions. */
export interface Account {
  readonly asked: number;
  /** Questions without a complete answer. */
  readonly lost: number;
  /** Questions with more than one complete answer. */
  readonly twice: number;
  /** Answers that stand above the answer of an earlier question. */
  readonly outOfOrder: number;
}

export interface Conversations {
  readonly asked: number;
  /** Asks so many questions a second, chat after chat, until `signal` is aborted. */
  feed(questionsPerSecond: number, signal: AbortSignal): Promise<void>;
  /** Asks the next question of the next chat. */
  ask(): void;
  /** Questions that have a complete answer. */
  answered(): number;
  account(): Account;
}

const questionOf = (number: number) => `Question ${number} of this conversation?`;
const answerOf = (number: number) => `The answer to question ${number} is here.`;

/** What the scripted model answers to such a question. */
export function answerInNumbers({ messages }: ScriptedRequest, script: Script = {}): Script | undefined {
  const number = /^Question (\d+) /.exec(messages.at(-1)?.content ?? "")?.[1];
  return number === undefined ? undefined : { text: answerOf(Number(number)), tokensPerSecond: 200, ...script };
}

/** Opens the chats. */
export function createConversations(botApi: BotApi, chats: number, firstChatId = 5_000_001): Conversations {
  const chatIds = Array.from({ length: chats }, (_, index) => firstChatId + index);
  for (const id of chatIds) botApi.user.createPrivateChat({ userId: id, firstName: `Asker ${id}` });
  let asked = 0;

  function ask(): void {
    const chatId = chatIds[asked % chats] ?? firstChatId;
    botApi.user.sendText(chatId, chatId, questionOf(Math.floor(asked / chats) + 1));
    asked += 1;
  }

  /** The numbers of the complete answers in a chat, in the order in which they stand. */
  function completeIn(chatId: number): number[] {
    return answersIn(botApi, chatId).flatMap((message) => {
      const number = Number(/^The answer to question (\d+) is here\.$/.exec(message.text)?.[1] ?? 0);
      return number > 0 && !isCopy(message) ? [number] : [];
    });
  }

  return {
    get asked() {
      return asked;
    },
    async feed(questionsPerSecond, signal) {
      const began = performance.now();
      for (let sent = 0; !signal.aborted; ) {
        const due = Math.floor(((performance.now() - began) / 1000) * questionsPerSecond);
        for (; sent < due && !signal.aborted; sent++) ask();
        await sleep(10);
      }
    },
    ask,
    answered: () => chatIds.reduce((sum, id) => sum + new Set(completeIn(id)).size, 0),
    account() {
      let lost = 0;
      let twice = 0;
      let outOfOrder = 0;
      for (const [index, chatId] of chatIds.entries()) {
        const questions = Math.floor(asked / chats) + (index < asked % chats ? 1 : 0);
        const shown = completeIn(chatId);
        const distinct = new Set(shown);
        for (let number = 1; number <= questions; number++) if (!distinct.has(number)) lost += 1;
        twice += shown.length - distinct.size;
        const firsts = [...distinct];
        outOfOrder += firsts.filter((number, at) => at > 0 && number < (firsts[at - 1] ?? 0)).length;
      }
      return { asked, lost, twice, outOfOrder };
    },
  };
}

/** A message that a crash has left behind in mid-answer: it still offers to stop what nobody writes any more. */
function isCopy(message: MessageView): boolean {
  return buttonsOf(message).some((label) => label.includes("Stop"));
}

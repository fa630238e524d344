/** Many people who ask one numbered question after another, and the account of what they got: lost, twice, out of order. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BotApi, MessageView } from "../../src/playground/bot-api/bot-api.ts";
import type { Script, ScriptedRequest } from "../../src/playground/model/script.ts";
import { answersIn, buttonsOf } from "./bot-process.ts";

/** What came of all questions. */
export interface Account {
  readonly asked: number;
  /** Questions without a complete answer. */
  readonly lost: number;
  /** Complete answers that the bot knows beyond the first of a question. */
  readonly twice: number;
  /**
   * Complete answers that the bot does not know: Telegram has created the message, and the process was killed before it could
   * store the id. A copy is better than a lost answer.
   */
  readonly copies: number;
  /** Answers that stand above the answer of an earlier question. */
  readonly outOfOrder: number;
}

export interface Conversations {
  readonly asked: number;
  /**
   * Asks so many questions a second, chat after chat, until `signal` is aborted; fewer while `mostBehind` of them wait for
   * their answers, which only happens on a machine that is too busy for the load.
   */
  feed(questionsPerSecond: number, signal: AbortSignal): Promise<void>;
  /** Asks the next question of the next chat. */
  ask(): void;
  /** Waits until every question has its complete answer, or none has got one for `patienceMs`. */
  settle(patienceMs: number): Promise<void>;
  /** `messagesOf` tells which messages the bot knows of a question's answer. */
  account(messagesOf: (chatId: number, question: number) => Promise<readonly number[]>): Promise<Account>;
}

/** So many questions may wait for their answers; a busy machine is asked more slowly. */
const mostBehind = 2_000;

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
  /** Ids of the messages that asked, by chat and number. */
  const questions = new Map<string, number>();
  let asked = 0;

  function ask(): void {
    const chatId = chatIds[asked % chats] ?? firstChatId;
    const number = Math.floor(asked / chats) + 1;
    questions.set(`${chatId}/${number}`, botApi.user.sendText(chatId, chatId, questionOf(number)).message_id);
    asked += 1;
  }

  /** The complete answers in a chat, in the order in which they stand. */
  function completeIn(chatId: number): { readonly number: number; readonly id: number }[] {
    return answersIn(botApi, chatId).flatMap((message) => {
      const number = Number(/^The answer to question (\d+) is here\.$/.exec(message.text)?.[1] ?? 0);
      return number > 0 && !isCopy(message) ? [{ number, id: message.id }] : [];
    });
  }

  /** Questions that have a complete answer. */
  function answered(): number {
    return chatIds.reduce((sum, id) => sum + new Set(completeIn(id).map(({ number }) => number)).size, 0);
  }

  return {
    get asked() {
      return asked;
    },
    async feed(questionsPerSecond, signal) {
      const began = performance.now();
      let due = 0;
      let lookedAt = began;
      let limit = asked + mostBehind;
      while (!signal.aborted) {
        await sleep(10);
        const now = performance.now();
        // Counting the answers costs a look at every message.
        if (now - lookedAt > 1_000) [limit, lookedAt] = [answered() + mostBehind, now];
        for (const last = ((now - began) / 1000) * questionsPerSecond; due < Math.floor(last); due++) {
          if (asked < limit) ask();
        }
      }
    },
    ask,
    async settle(patienceMs) {
      let [before, since] = [answered(), performance.now()];
      while (before < asked && performance.now() - since < patienceMs) {
        await sleep(1_000);
        const now = answered();
        if (now > before) [before, since] = [now, performance.now()];
      }
    },
    async account(messagesOf) {
      let [lost, twice, copies, outOfOrder] = [0, 0, 0, 0];
      for (const [index, chatId] of chatIds.entries()) {
        const last = Math.floor(asked / chats) + (index < asked % chats ? 1 : 0);
        const shown = Map.groupBy(completeIn(chatId), ({ number }) => number);
        for (let number = 1; number <= last; number++) if (!shown.has(number)) lost += 1;
        for (const [number, answers] of shown) {
          if (answers.length === 1) continue;
          const known = new Set(await messagesOf(chatId, questions.get(`${chatId}/${number}`) ?? 0));
          const copied = answers.filter(({ id }) => !known.has(id)).length;
          copies += copied;
          twice += answers.length - copied - 1;
        }
        const firsts = [...shown.keys()];
        outOfOrder += firsts.filter((number, at) => at > 0 && number < (firsts[at - 1] ?? 0)).length;
      }
      return { asked, lost, twice, copies, outOfOrder };
    },
  };
}

/** A message that a crash has left behind in mid-answer: it still offers to stop what nobody writes any more. */
function isCopy(message: MessageView): boolean {
  return buttonsOf(message).some((label) => label.includes("Stop"));
}

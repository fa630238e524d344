/** `/grant`: an admin adds to what somebody may spend today, and so this month. */
import { Composer } from "grammy";
import type { Message, Update } from "grammy/types";
import { type Amount, readAmount } from "../../base/amounts.ts";
import { standIns } from "../../base/stand-ins.ts";
import { limitsAt, resetOf } from "../../chat/limits.ts";
import type { Person } from "../../ports/directory.ts";
import type { BudgetView } from "../../texts/facts.ts";
import { type BotContext, callOf, isAdmin, isCommand, say } from "../context.ts";
import { personIn } from "../people.ts";

export const granting = new Composer<BotContext>();

granting.filter(isCommand("grant"), async (ctx) => {
  const { texts } = ctx;
  if (!isAdmin(ctx) || ctx.message === undefined) return await say(ctx, texts.unknownCommand);
  const words = callOf(ctx)?.argument.split(/\s+/) ?? [];
  const written = words.at(-1) ?? "";
  const amount = readAmount(written);
  if (amount === undefined)
    return await say(ctx, isMeantAsAmount(written) ? texts.amountForm(written.slice(0, 32)) : texts.grantForm);
  const who = words.slice(0, -1).join(" ");
  const person = who === "" ? personAnswered(ctx.message, ctx.me.id) : await findPerson(ctx, who);
  if (person !== undefined) return await say(ctx, await grant(ctx, person, amount));
  if (who !== "") return await say(ctx, texts.personUnknown(who.slice(0, 64)));
  await say(ctx, answersBot(ctx.message) ? texts.grantToBot : texts.grantForm);
});

/** Whether somebody has meant an amount, who shall hear what is wrong with it. */
function isMeantAsAmount(text: string): boolean {
  return /^[-+]?\$?[-+]?[\d.,]*\d/.test(text);
}

/** Adds it, once for this update however often that comes; resolves with what is to be said. */
export async function grant(ctx: BotContext, person: Person, amount: Amount): Promise<string> {
  const { store, now } = ctx.deps;
  const budgets = await readBudgets(ctx, person.id);
  const counted = budgets.filter(({ whose }) => whose.startsWith("user-"));
  if (counted.every(({ unit }) => unit !== amount.unit)) return ctx.texts.grantUseless(amount.unit);
  // It counts for the day on which it arrived, whenever it is handled.
  const { updateId, receivedAt } = ctx.job;
  await store.ledger.grant({ id: String(updateId), userId: person.id, ...amount, at: receivedAt });
  const after = (await readBudgets(ctx, person.id)).filter(({ whose }) => whose.startsWith("user-"));
  return ctx.texts.granted(person, amount, after, now());
}

/** How somebody's budgets stand, in the private chat with them or in another one. */
export async function readBudgets(ctx: BotContext, userId: number, chatId = userId): Promise<readonly BudgetView[]> {
  const { store, spending, now } = ctx.deps;
  const limits = limitsAt(spending.budgets, { userId, chatId }, now());
  const standings = await store.ledger.standing(limits);
  return standings.map(({ limit, spent, reserved, granted }) => ({
    whose: limit.whose,
    ...{ unit: limit.unit, amount: limit.amount, spent, reserved, granted, resetsAt: resetOf(limit) },
  }));
}

/** Somebody by their id, or by a name with which they were seen; undefined when nobody was. */
export async function findPerson(ctx: BotContext, who: string): Promise<Person | undefined> {
  const { directory } = ctx.deps;
  const mentioned = ctx.message?.entities?.find(({ type }) => type === "text_mention");
  if (mentioned?.type === "text_mention") return { id: mentioned.user.id, name: mentioned.user.first_name };
  if (/^-?\d{1,15}$/.test(who) && Number(who) !== 0 && !standIns.has(Number(who))) {
    const [known] = await directory.read([Number(who)]);
    return known ?? { id: Number(who), name: "" };
  }
  return /^@\w{1,64}$/.test(who) ? await directory.find(who.slice(1)) : undefined;
}

/** Who wrote the message that this one answers; undefined when it answers none, or one of ours. */
export function personAnswered(
  { reply_to_message: answered, is_topic_message, message_thread_id }: Message,
  me: number,
) {
  if (answered === undefined || answered.from?.id === me) return undefined;
  // In a topic every message answers the topic's own.
  if (is_topic_message && answered.message_id === message_thread_id) return undefined;
  return isBots(answered) ? undefined : personIn({ update_id: 0, message: answered as Message } as Update);
}

/** Whether this message answers one that a bot has written, we for example. */
function answersBot({ reply_to_message: answered }: Message): boolean {
  return answered !== undefined && isBots(answered);
}

/** Whoever writes as a chat is named as a bot of Telegram's. */
function isBots({ from, sender_chat }: Pick<Message, "from" | "sender_chat">): boolean {
  return from?.is_bot === true && sender_chat === undefined;
}

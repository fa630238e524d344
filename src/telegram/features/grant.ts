/** `/grant`: an admin adds to what somebody may spend today, and so this month. */
import { Composer } from "grammy";
import type { Message, Update } from "grammy/types";
import { type Amount, readAmount } from "../../base/amounts.ts";
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
  const amount = readAmount(words.at(-1) ?? "");
  const who = words.slice(0, -1).join(" ");
  if (amount === undefined) return await say(ctx, texts.grantForm);
  const person = who === "" ? personAnswered(ctx.message, ctx.me.id) : await findPerson(ctx, who);
  if (person === undefined) return await say(ctx, who === "" ? texts.grantForm : texts.personUnknown(who.slice(0, 64)));
  await say(ctx, await grant(ctx, person, amount));
});

/** Adds it, once for this update however often that comes; resolves with what is to be said. */
export async function grant(ctx: BotContext, person: Person, amount: Amount): Promise<string> {
  const { store, now } = ctx.deps;
  const budgets = await readBudgets(ctx, person.id);
  const counted = budgets.filter(({ whose }) => whose.startsWith("user-"));
  if (counted.every(({ unit }) => unit !== amount.unit)) return ctx.texts.grantUseless(amount.unit);
  // Of the day on which it arrived, whenever it is handled.
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
  if (/^-?\d{1,15}$/.test(who) && Number(who) !== 0) {
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
  const person = personIn({ update_id: 0, message: answered as Message } as Update);
  return person !== undefined && answered.from?.is_bot === true && answered.sender_chat === undefined
    ? undefined
    : person;
}
